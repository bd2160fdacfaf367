"""From a form to answers and back, what a result says to read, and when hints open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from gradschool.office.theory import rules


def field(name: str, kind: str) -> dict[str, object]:
    return {"name": name, "kind": kind}


SHEET = {
    "topics": {"2": "Now the second part."},
    "questions": [
        {"id": "bet", "part": "1", "kind": "number", "title": "Bet", "fields": [field("", "number")]},
        {"id": "many", "part": "1", "kind": "choices", "title": "Many", "fields": [field("", "choices")]},
        {
            "id": "unit",
            "part": "2",
            "kind": "construction",
            "title": "Unit",
            "fields": [field("w", "vector"), field("b", "number")],
        },
        {"id": "essay", "part": "2", "kind": "prose", "title": "Essay", "fields": [field("", "text")]},
    ],
}


def test_a_form_becomes_answers_and_blank_fields_are_left_out() -> None:
    posted = {
        "q.bet": ["7/2"],
        "q.many": ["3", "1"],
        "q.unit.w": ["1, 1"],
        "q.unit.b": ["  "],
        "q.essay": ["two\r\nlines"],
        "q.nobody": ["1"],
        "csrfmiddlewaretoken": ["x"],
    }
    answers = rules.answers_of(SHEET, posted)
    assert answers == {"bet": "7/2", "many": ["1", "3"], "unit": {"w": "1, 1"}, "essay": "two\nlines"}
    assert rules.answers_of(SHEET, {"q.bet": [" "], "q.unit.w": [""]}) == {}
    unit = SHEET["questions"][2]
    assert [rules.value_of(answers, unit, one) for one in unit["fields"]] == ["1, 1", ""]
    assert rules.value_of({}, SHEET["questions"][1], field("", "choices")) == []


def test_an_answer_may_be_so_long_and_no_longer() -> None:
    assert rules.too_long(SHEET, {"bet": "1" * 2000, "essay": "x" * 20_000}) == ""
    assert "“Bet”" in rules.too_long(SHEET, {"bet": "1" * 2001})
    assert "20,000 letters" in rules.too_long(SHEET, {"essay": "x" * 20_001})


def test_answers_to_questions_that_are_gone_are_not_handed_in() -> None:
    assert rules.kept(SHEET, {"bet": "1", "gone": "2"}) == {"bet": "1"}


def test_questions_stand_under_their_parts() -> None:
    parts = list(rules.parts_of(SHEET, {"1": "First", "2": "Second"}))
    assert [(part, title, intro, len(questions)) for part, title, intro, questions in parts] == [
        ("1", "First", "", 2),
        ("2", "Second", "Now the second part.", 2),
    ]


def test_a_result_says_of_each_topic_what_to_do() -> None:
    points = {"1": (Fraction(3), Fraction(4)), "2": (Fraction(2), Fraction(4)), "3": (Fraction(1), Fraction(4))}
    found = rules.readings([("1", "a"), ("2", "b"), ("3", "c"), ("4", "d"), ("1", "")], points, {"1": "First"})
    assert [(one.title, one.state) for one in found] == [("First", "solid"), ("2", "shaky"), ("3", "missing")]


def test_hints_open_after_the_due_time() -> None:
    due = datetime(2021, 8, 27, 3, 59, tzinfo=UTC)
    assert "once the problem set is due" in rules.hints_closed(due, due)
    assert rules.hints_closed(due + timedelta(seconds=1), due) == ""
