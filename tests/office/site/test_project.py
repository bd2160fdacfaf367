"""The page of the project."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def markup(client, offering) -> str:
    response = client.get(f"/{offering.slug}/project/")
    assert response.status_code == 200
    return response.content.decode()


def test_due_time_group_and_pages_are_told(markup: str) -> None:
    assert "Thu, Dec 9, 11:59 pm EST" in markup
    assert "1 to 5 people" in markup
    assert "4 to 6 pages, PDF" in markup
    assert "20 % of the course grade" in markup


def test_the_points_of_the_rubric_add_up_to_sixty(markup: str) -> None:
    rubric = markup.partition('class="rubric"')[2].partition("</table>")[0]
    groups = [int(points) for points in re.findall(r'rowgroup">[^<]+</th><td class="numeric">(\d+)', rubric)]
    lines = [int(points) for points in re.findall(r'</td>\n<td class="numeric">(\d+)</td>', rubric)]
    assert sum(groups) == sum(lines) == 60
    assert re.search(r'Together</th><td class="numeric">60</td>', rubric)


def test_the_questions_of_the_rubric_are_asked(markup: str) -> None:
    assert "Heilmeier" in markup
    assert markup.count("?</li>") >= 25
