"""Questions and answers."""

from __future__ import annotations

import re

import pytest

from gradschool.office.courses import course_of

pytestmark = pytest.mark.django_db


def test_every_question_has_an_address_of_its_own_and_its_answer(client, offering) -> None:
    markup = client.get(f"/{offering.slug}/faq/").content.decode()
    anchors = re.findall(r'<section class="question" id="([a-z0-9-]+)">', markup)
    assert len(anchors) == len(set(anchors)) == len(course_of(offering).faq)
    assert all(f'href="#{anchor}"' in markup for anchor in anchors)


def test_a_link_in_an_answer_is_a_link(client, offering) -> None:
    markup = client.get(f"/{offering.slug}/faq/").content.decode()
    assert 'href="https://qfreeaccountssjc1.az1.qualtrics.com/jfe/form/SV_3KUjzRkmrUwlWxo"' in markup
