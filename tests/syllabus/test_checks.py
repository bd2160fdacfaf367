"""Every rule between the parts of a course finds its broken fact, and only that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradschool import catalog
from gradschool.syllabus import checks
from gradschool.syllabus.findings import Finding
from gradschool.syllabus.loading import check

Change = Callable[[str, str, str], None]

COURSE = "course.toml"
RUBRIC = "projects/rubric.toml"
HW1 = "problems/hw1/problem.toml"
FOUNDATIONS = "modules/01-foundations/module.toml"
GENERATIVE = "modules/12-generative-models/module.toml"
READY = frozenset(method.name for method in catalog.methods())

QUESTION = """[[by_hand]]
id = "review"
part = "9"
title = "Paper review"
points = 6
file = "review.doc"
scoring = "positive"
rubric = [{ item = "The contribution", points = 2 }, { item = "A takeaway", points = 0.5 }]
"""
BOARD = """[leaderboard]
part = "9"
file = "predictions.csv"
labels = "labels.csv"
metric = "accuracy"
daily_cap = 5
public_rows = 300
lines = [{ title = "middle", score = 0.5, points = 2 }, { title = "low", score = 0.3, points = 1 }]
"""

# What is broken (file, old text, new text), and the findings that this must give: (file, key, words).
BROKEN: dict[str, tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]] = {
    "a question by hand without its part, its file, or points to reach": (
        [(HW1, "[judge]", QUESTION + "[judge]")],
        [
            (HW1, "by_hand[review].part", "There is no part '9'"),
            (HW1, "by_hand[review].file", "review.doc is not among the files"),
            (HW1, "by_hand[review].file", "review.doc cannot be shown"),
            (HW1, "by_hand[review].rubric", "The items add up to 2.5 points, and the question has 6"),
        ],
    ),
    "points are taken and no item takes any": (
        [
            (HW1, '"network.py"]', '"network.py", "review.pdf"]'),
            (
                HW1,
                "[judge]",
                QUESTION.replace('"9"', '"1a"').replace(".doc", ".pdf").replace("positive", "negative") + "[judge]",
            ),
        ],
        [(HW1, "by_hand[review].rubric", "no item takes any")],
    ),
    "a leaderboard without part and file, its lines falling": (
        [(HW1, "[judge]", BOARD + "[judge]")],
        [
            (HW1, "leaderboard.part", "There is no part '9'"),
            (HW1, "leaderboard.file", "predictions.csv is not among the files"),
            (HW1, "leaderboard.lines[low].score", "The line at 0.3 follows the one at 0.5"),
        ],
    ),
    "a leaderboard with a metric that is none": (
        [
            (HW1, '"network.py"]', '"network.py", "predictions.csv"]'),
            (
                HW1,
                "[judge]",
                BOARD.replace('"9"', '"1a"').replace("accuracy", "beauty").replace("0.3", "0.6") + "[judge]",
            ),
        ],
        [(HW1, "leaderboard.metric", "accuracy")],
    ),
    "due before released": (
        [(COURSE, "due = 2021-11-03T23:59:00", "due = 2021-10-20T23:59:00")],
        [(COURSE, "problem_sets[hw4].due", "released only at Thu 2021-10-21 12:30")],
    ),
    "closes before due": (
        [(COURSE, "due = 2021-11-03T23:59:00", "due = 2021-11-03T23:59:00\ncloses = 2021-11-03T23:58:00")],
        [(COURSE, "problem_sets[hw4].closes", "before it is due at Wed 2021-11-03 23:59")],
    ),
    "project closes before due": (
        [(COURSE, "due = 2021-12-09T23:59:00", "due = 2021-12-09T23:59:00\ncloses = 2021-12-01T00:00:00")],
        [(COURSE, "project.closes", "before it is due")],
    ),
    "released before the term": (
        [(COURSE, "released = 2021-09-02T12:30:00", "released = 2021-08-02T12:30:00")],
        [(COURSE, "problem_sets[hw1].released", "outside the term, 2021-08-24 to 2021-12-09")],
    ),
    "due after the term": (
        [(COURSE, "due = 2021-12-09T23:59:00", "due = 2021-12-19T23:59:00")],
        [(COURSE, "project.due", "outside the term")],
    ),
    "weights do not make 100": (
        [(COURSE, "homework_weight = 80", "homework_weight = 85")],
        [(COURSE, "grading", "homework_weight 85 and project_weight 20 add up to 105")],
    ),
    "more homeworks count than there are": (
        [(COURSE, "homeworks_counted = 4", "homeworks_counted = 6")],
        [(COURSE, "grading.homeworks_counted", "only 5 problem set(s)")],
    ),
    "letters do not descend": (
        [(COURSE, '"B", at_least = 80', '"B", at_least = 90')],
        [(COURSE, "grading.letters[B].at_least", "B begins at 90 and follows A, which begins at 90")],
    ),
    "nothing below the lowest letter": (
        [(COURSE, '  { letter = "F", at_least = 0 },\n', "")],
        [(COURSE, "grading.letters[D].at_least", "Nothing is given below 60")],
    ),
    "a letter twice": (
        [(COURSE, 'letter = "B"', 'letter = "A"')],
        [(COURSE, "grading.letters[A]", "more than once")],
    ),
    "the rubric does not make its sum": (
        [(RUBRIC, 'points = 5, text = "Clarity"', 'points = 4, text = "Clarity"')],
        [(RUBRIC, "points", "says 60 points and its lines add up to 59")],
    ),
    "an unknown zone": (
        [(COURSE, "America/New_York", "America/New_Yrok")],
        [(COURSE, "zone", "Did you mean 'America/New_York'?")],
    ),
    "a class before the term": (
        [
            (COURSE, "first_day = 2021-08-24", "first_day = 2021-08-25"),
            (COURSE, "08-24T00:00:00\ndue = 2021-08", "08-25T00:00:00\ndue = 2021-08"),
            (COURSE, "08-24T00:00:00\ndue = 2021-12", "08-25T00:00:00\ndue = 2021-12"),
        ],
        [(COURSE, "classes[2021-08-24].date", "outside the term, 2021-08-25 to 2021-12-09")],
    ),
    "a class on a day without classes": (
        [(COURSE, "date = 2021-10-05", "date = 2021-10-06")],
        [(COURSE, "classes[2021-10-06].date", "is a Wednesday; the class meets on Tuesday and Thursday")],
    ),
    "a class date twice": (
        [(COURSE, "date = 2021-10-05", "date = 2021-10-07")],
        [(COURSE, "classes[2021-10-07]", "more than once")],
    ),
    "a term that ends before it begins": (
        [(COURSE, "last_day = 2021-12-09", "last_day = 2020-12-09")],
        [(COURSE, "last_day", "2020-12-09 is before the first day 2021-08-24")],
    ),
    "a class that ends before it begins": (
        [(COURSE, 'end = "13:45"', 'end = "01:45"')],
        [(COURSE, "meeting.end", "ends at 01:45 and begins at 12:30")],
    ),
    "a class of a module that does not exist": (
        [(COURSE, 'module = "09-embodied-ai"', 'module = "09-embodied"')],
        [(COURSE, "classes[2021-11-11].module", "Did you mean '09-embodied-ai'?")],
    ),
    "a guest lecture without a guest": (
        [(COURSE, 'guest = "Erik Wijmans"\n', "")],
        [(COURSE, "classes[2021-11-18].guest", "no guest")],
    ),
    "a guest of an ordinary lecture": (
        [(COURSE, 'topic = "VAEs 2"', 'topic = "VAEs 2"\nguest = "Nobody"')],
        [(COURSE, "classes[2021-11-30].guest", "names the guest Nobody and is of kind 'lecture'")],
    ),
    "a module folder that the course does not name": (
        [(COURSE, '  "11-structured-prediction",\n', "")],
        [(COURSE, "modules", "modules/11-structured-prediction is not in the list")],
    ),
    "a module named twice": (
        [(COURSE, '  "11-structured-prediction",\n', '  "11-structured-prediction",\n' * 2)],
        [(COURSE, "modules[11-structured-prediction]", "more than once")],
    ),
    "a problem set id twice": (
        [(COURSE, 'id = "hw3"', 'id = "hw2"')],
        [(COURSE, "problem_sets[hw2]", "more than once")],
    ),
    "a section twice": (
        [(COURSE, 'code = "CS 7643"', 'code = "CS 4803"')],
        [(COURSE, "sections[CS 4803]", "more than once")],
    ),
    "a part twice": (
        [(HW1, 'id = "1b"', 'id = "1a"')],
        [(HW1, "parts[1a]", "more than once")],
    ),
    "a file to hand in twice": (
        [(HW1, '"network.py"', '"classifier.py"')],
        [(HW1, "files[classifier.py]", "more than once")],
    ),
    "extra credit in a section that does not exist": (
        [(HW1, '"CS 4803"', '"CS 4083"')],
        [(HW1, "parts[1b].extra_credit_in", "Did you mean 'CS 4803'?")],
    ),
    "nothing required of a section": (
        [(HW1, "points = 4", 'points = 4\nextra_credit_in = ["CS 4803"]')],
        [(HW1, "parts", "Every part is extra credit for CS 4803")],
    ),
    "a part about a method that the library lacks": (
        [(HW1, '["linear_classifier"]', '["linear_clasifier"]')],
        [(HW1, "parts[1a].methods", "Did you mean 'linear_classifier'?")],
    ),
    "a part about a planned method": (
        [(HW1, '["linear_classifier"]', '["ppo"]')],
        [(HW1, "parts[1a].methods", "'ppo' has no file in the library, and the problem set is ready")],
    ),
    "a module that calls a method ready too early": (
        [(GENERATIVE, 'name = "gan", status = "planned"', 'name = "gan", status = "ready"')],
        [(GENERATIVE, "methods[gan].status", "marked ready, but the library has no method")],
    ),
    "a module that calls a method planned too late": (
        [
            (
                FOUNDATIONS,
                'name = "linear_classifier", status = "ready"',
                'name = "linear_classifier", status = "planned"',
            )
        ],
        [(FOUNDATIONS, "methods[linear_classifier].status", "marked planned, but the library has it")],
    ),
    "a method in two modules": (
        [("modules/12-generative-models/module.toml", '"gan"', '"rbm"')],
        [("modules/12-generative-models/module.toml", "methods[rbm]", "modules/11-structured-prediction/module.toml")],
    ),
    "a method of the library that no module teaches": (
        [
            (FOUNDATIONS, '  { name = "linear_classifier", status = "ready" },\n', ""),
            (HW1, 'methods = ["linear_classifier"]', ""),
        ],
        [("modules", "methods", "'linear_classifier', which no module lists")],
    ),
    "a planned problem set without a title": (
        [(COURSE, 'title = "Reinforcement learning"\n', "")],
        [(COURSE, "problem_sets[hw5].title", "needs a title")],
    ),
    "a ready problem set with two titles": (
        [(COURSE, 'name = "PS/HW1"', 'name = "PS/HW1"\ntitle = "Another"')],
        [(COURSE, "problem_sets[hw1].title", "problems/hw1/problem.toml has the title")],
    ),
    "group sizes that are no range": (
        [(COURSE, "group_min = 1", "group_min = 6")],
        [(COURSE, "project.group_max", "group_max 5 is below group_min 6")],
    ),
    "page counts that are no range": (
        [(COURSE, "pages_max = 6", "pages_max = 3")],
        [(COURSE, "project.pages_max", "pages_max 3 is below pages_min 4")],
    ),
    "a deadline at a doubled hour": (
        [(COURSE, "due = 2021-11-03T23:59:00", "due = 2021-11-07T01:30:00")],
        [(COURSE, "problem_sets[hw4].due", "shows Sun 2021-11-07 01:30 twice in America/New_York")],
    ),
    # Chile's clocks went from midnight to one o'clock on 2021-09-05.
    "a deadline at an hour that is left out": (
        [
            (COURSE, "America/New_York", "America/Santiago"),
            (COURSE, "released = 2021-09-02T12", "released = 2021-09-05T00"),
        ],
        [(COURSE, "problem_sets[hw1].released", "never shows Sun 2021-09-05 00:30 in America/Santiago")],
    ),
    "a closing time at a doubled hour, though nobody wrote it": (
        [(COURSE, "due = 2021-10-20T23:59:00", "due = 2021-10-27T01:15:00")],
        [(COURSE, "problem_sets[hw3].closes", "shows Sun 2021-11-07 01:15 twice")],
    ),
    "a milestone at a doubled hour": (
        [(COURSE, "pages_max = 6", 'pages_max = 6\nmilestones = [{ title = "Plan", due = 2021-11-07T01:00:00 }]')],
        [(COURSE, "project.milestones[Plan].due", "twice")],
    ),
}


def matches(finding: Finding, file: str, key: str, words: str) -> bool:
    return (finding.file, finding.key) == (file, key) and words in f"{finding.message} {finding.remedy}"


@pytest.mark.parametrize("fact", BROKEN)
def test_a_broken_fact_is_found_at_its_place_and_nothing_else_is(folder: Path, change: Change, fact: str) -> None:
    edits, expected = BROKEN[fact]
    for edit in edits:
        change(*edit)
    found = check(folder, READY)
    for finding in expected:
        assert any(matches(one, *finding) for one in found), found
    if fact not in KNOCK_ON:
        assert len(found) == len(expected), found
    assert all(finding.remedy.endswith((".", "?")) and finding.message.endswith(".") for finding in found)


# Facts that cannot be broken alone: every date lies outside a term of no days, and so on.
KNOCK_ON = {
    "a term that ends before it begins",
    "a section twice",
}


def test_every_rule_is_broken_by_some_test() -> None:
    seen = " ".join(BROKEN)
    words = {
        "zone": "zone",
        "term": "term",
        "meeting": "ends before",
        "class_dates": "class date twice",
        "class_lines": "guest",
        "names": "twice",
        "modules": "module folder",
        "deadlines": "deadline",
        "grading": "weights",
        "problem_sets": "planned problem set",
        "parts": "part about",
        "methods": "method",
        "project": "group",
        "rubric": "rubric",
        "by_hand": "by hand",
        "leaderboard": "leaderboard",
    }
    assert {rule.__name__ for rule in checks.RULES} == set(words)
    assert all(word in seen for word in words.values())


def test_the_course_as_it_is_has_no_findings(folder: Path) -> None:
    assert check(folder) == []
    assert check(folder, READY) == []


def test_methods_of_parts_are_looked_up_in_the_modules_when_the_library_is_not_asked(
    folder: Path, change: Change
) -> None:
    change(HW1, '["linear_classifier"]', '["linear_clasifier"]')
    (finding,) = check(folder)
    assert matches(finding, HW1, "parts[1a].methods", "no method 'linear_clasifier' in any module")
