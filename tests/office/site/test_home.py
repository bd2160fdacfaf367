"""The front door, and the page that tells whether the office is well."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.db import OperationalError, connection

from gradschool.office.people.models import Offering

pytestmark = pytest.mark.django_db


def test_the_only_course_is_the_front_page(client, offering) -> None:
    response = client.get("/")
    assert response.status_code == 302
    assert response.headers["Location"] == f"/{offering.slug}/"


def test_of_several_courses_one_can_be_chosen(client, offering) -> None:
    Offering.objects.create(
        slug="spring-2022",
        title="Deep Learning",
        term="Spring 2022",
        zone=offering.zone,
        folder=offering.folder,
        applied_at=offering.applied_at,
    )
    markup = client.get("/").content.decode()
    assert f'href="/{offering.slug}/"' in markup
    assert 'href="/spring-2022/"' in markup


def test_without_a_course_the_page_says_what_to_do(client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert "gradschool serve --course FOLDER" in response.content.decode()


def test_the_office_is_well_when_its_database_answers(client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_the_office_is_not_well_when_its_database_does_not_answer(client) -> None:
    with patch.object(connection, "cursor", side_effect=OperationalError("disk I/O error")):
        assert client.get("/healthz").status_code == 503
