"""The front page of a course: every class of Fall 2021, every deadline, and what is on now."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest

pytestmark = pytest.mark.django_db

# Date, topic and guest as on the page of the course that was taught.
CLASSES = [
    ("Aug 24", "Introduction and class logistics", None),
    ("Aug 26", "Image classification and k-nearest neighbors", None),
    ("Aug 31", "Linear classifiers and loss functions", None),
    ("Sep 2", "Regularization and neural networks", None),
    ("Sep 9", "Forward-mode and reverse-mode automatic differentiation", None),
    ("Sep 14", "Backpropagation", None),
    ("Sep 16", "Backpropagation, part 2", None),
    ("Sep 21", "What is a convolution?", None),
    ("Oct 5", "Visualizing CNNs", None),
    ("Oct 7", "RNNs 1", None),
    ("Oct 12", "Fall break", None),
    ("Oct 21", "Self-supervised learning", "Ishan Misra"),
    ("Oct 26", "Self-supervised learning", "Michael Auli"),
    ("Oct 28", "RNNs 3: Transformers, BERT, ViLBERT, VLN-BERT", "Arjun Majumdar"),
    ("Nov 4", "RL: dynamic programming (policy iteration), Q-learning, DQN", None),
    ("Nov 11", "Embodied AI", "Joanne Truong"),
    ("Nov 16", "CVPR (Conference on Computer Vision and Pattern Recognition)", None),
    ("Nov 18", "Neural architecture search", "Erik Wijmans"),
    ("Nov 25", "Thanksgiving break", None),
    ("Dec 2", "GANs, and done", None),
]
DUE = [
    ("PS0", "Thu, Aug 26, 11:59 pm EDT"),
    ("PS/HW1", "Wed, Sep 15, 11:59 pm EDT"),
    ("PS/HW2", "Wed, Oct 6, 11:59 pm EDT"),
    ("PS/HW3", "Wed, Oct 20, 11:59 pm EDT"),
    ("PS/HW4", "Wed, Nov 3, 11:59 pm EDT"),
    ("PS/HW5", "Wed, Nov 17, 11:59 pm EST"),  # the clocks went back on November 7
    ("Final project", "Thu, Dec 9, 11:59 pm EST"),
]


@pytest.fixture(autouse=True)
def _midterm(at) -> None:
    at(datetime(2021, 9, 13, 14, tzinfo=UTC))


def page(client, offering, query: str = "") -> str:
    response = client.get(f"/{offering.slug}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def text_of(markup: str) -> str:
    """What is read, with single spaces."""
    words = re.sub(r"</?(a|span|strong|time)\b[^>]*>", "", markup)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", words)).split())


def line(markup: str, day: str) -> str:
    """The text of the class on a day such as "Sep 14"."""
    found = [
        text_of(entry)
        for entry in re.findall(
            r'<li class="day [^>]*id="class-.*?(?=<li class="day |</ol>\s*</section>)', markup, re.S
        )
    ]
    (only,) = [entry for entry in found if re.match(rf"\w+, {day}\b", entry)]
    return only


@pytest.mark.parametrize(("day", "topic", "guest"), CLASSES)
def test_each_class_stands_at_its_date(client, offering, day: str, topic: str, guest: str | None) -> None:
    entry = line(page(client, offering), day)
    assert topic in entry
    assert ("Guest lecture" in entry) == (guest is not None)
    assert guest is None or guest in entry


@pytest.mark.parametrize(("name", "due"), DUE)
def test_each_due_time_is_a_wall_clock_time_of_the_course(client, offering, name: str, due: str) -> None:
    panel = page(client, offering).partition('class="due-table"')[2].partition("</table>")[0]
    row = next(row for row in panel.split("<tr")[1:] if f">{name}</a>" in row)
    assert due in text_of(row)


def test_meeting_place_sections_and_their_links_are_there(client, offering) -> None:
    markup = page(client, offering)
    assert "Tuesday and Thursday, 12:30 pm to 1:45 pm, New York time. Online, synchronous." in text_of(markup)
    for number in ("211778", "211784"):
        assert f'href="https://gatech.instructure.com/courses/{number}"' in markup
    for number in ("284497", "284496"):
        assert f'href="https://www.gradescope.com/courses/{number}"' in markup


def test_a_homework_is_out_at_the_class_of_its_release(client, offering) -> None:
    assert "Out PS/HW1 due Wed, Sep 15" in line(page(client, offering), "Sep 2")


def test_the_next_class_is_marked_and_can_be_jumped_to(client, offering) -> None:
    markup = page(client, offering)
    assert re.search(r'<li class="day lecture next" id="class-2021-09-14">', markup)
    assert '<a href="#class-2021-09-14">' in markup
    assert "Next class" in markup


def test_on_the_day_of_a_class_it_is_todays_class(client, offering, at) -> None:
    at(datetime(2021, 9, 14, 13, tzinfo=UTC))
    assert "Today’s class" in page(client, offering)


def test_after_the_term_nothing_is_next(client, offering, at) -> None:
    at(datetime(2022, 3, 1, tzinfo=UTC))
    markup = page(client, offering)
    assert "Next class" not in markup
    assert ">open<" not in markup


def test_what_is_open_says_how_long(client, offering) -> None:
    assert "open due in 2 days" in text_of(page(client, offering))


def test_material_without_an_address_is_shown_and_leads_nowhere(client, offering) -> None:
    assert '<a role="link" aria-disabled="true">Slides (annotated)</a>' in page(client, offering)


def test_a_day_without_class_looks_different(client, offering) -> None:
    markup = page(client, offering)
    assert markup.count('class="day break"') == 2
    assert markup.count('class="day no_class"') == 3


def test_one_module_can_be_shown_alone(client, offering) -> None:
    markup = page(client, offering, "?module=03-convolutional-networks")
    shown = re.findall(r'id="class-([\d-]+)"', markup)
    assert shown == ["2021-09-21", "2021-09-23", "2021-09-28", "2021-09-30"]
    assert f'href="/{offering.slug}/#class-2021-09-14"' in markup  # the jump leads to the whole schedule


def test_an_unknown_module_is_not_found(client, offering) -> None:
    response = client.get(f"/{offering.slug}/?module=99-nothing")
    assert response.status_code == 404
    assert "There is no module" in response.content.decode()


def test_a_shifted_term_moves_every_date_and_keeps_the_wall_clock(client, offering, at) -> None:
    offering.shift_weeks = 10  # homework 1 is then due on November 24, after the clocks went back
    offering.save()
    at(datetime(2021, 11, 22, 14, tzinfo=UTC))
    markup = page(client, offering)
    assert "Wed, Nov 24, 11:59 pm EST" in text_of(markup)
    assert 'id="class-2021-11-23"' in markup


def test_the_demo_says_that_its_dates_are_moved(client, offering, settings) -> None:
    settings.DEMO = True
    offering.shift_weeks = 10
    offering.save()
    assert "moved by 10 weeks" in text_of(page(client, offering))


def test_outside_the_demo_there_is_no_banner(client, offering, settings) -> None:
    settings.DEMO = False
    assert "Demo class" not in page(client, offering)
