"""The page of a module."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.django_db


def page(client, offering, module: str) -> str:
    response = client.get(f"/{offering.slug}/modules/{module}/")
    assert response.status_code == 200
    return response.content.decode()


def test_its_text_has_mathematics_that_the_browser_can_read_aloud(client, offering) -> None:
    markup = page(client, offering, "01-foundations")
    assert "A score for every class" in markup
    assert 'display="block"' in markup
    assert "math-fault" not in markup


def test_a_method_that_is_there_is_linked_and_a_planned_one_is_named(client, offering) -> None:
    markup = page(client, offering, "01-foundations")
    assert re.search(r'href="/library/linear_classifier/">[^<]+</a> <span class="badge ready">', markup)
    markup = page(client, offering, "12-generative-models")
    assert re.search(r'<span>gan</span> <span class="badge planned">', markup)


def test_its_classes_lead_to_the_schedule(client, offering) -> None:
    markup = page(client, offering, "07-self-supervised-learning")
    assert f'href="/{offering.slug}/#class-2021-10-21"' in markup
    assert "Ishan Misra" in markup
    assert "Michael Auli" in markup


def test_its_readings_are_linked(client, offering) -> None:
    assert 'href="https://arxiv.org/abs/1412.6980"' in page(client, offering, "01-foundations")


def test_homework_that_practises_its_methods_is_named(client, offering) -> None:
    assert f'href="/{offering.slug}/problems/hw1/"' in page(client, offering, "01-foundations")


def test_the_modules_before_and_after_can_be_reached(client, offering) -> None:
    markup = page(client, offering, "02-automatic-differentiation")
    assert f'href="/{offering.slug}/modules/01-foundations/"' in markup
    assert f'href="/{offering.slug}/modules/03-convolutional-networks/"' in markup


def test_a_module_without_a_class_has_a_page(client, offering) -> None:
    assert "Structured prediction" in page(client, offering, "11-structured-prediction")


def test_an_unknown_module_is_not_found(client, offering) -> None:
    assert client.get(f"/{offering.slug}/modules/99-nothing/").status_code == 404
