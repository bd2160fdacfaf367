from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradschool.syllabus import CourseError, check, load
from gradschool.syllabus.course import Course

Change = Callable[[str, str, str], None]

REPOSITORY = Path(__file__).parents[2]
COURSE = "course.toml"


def places(folder: Path) -> list[tuple[str, str]]:
    return [(finding.file, finding.key) for finding in check(folder)]


def test_the_course_of_the_repository_loads() -> None:
    assert load(REPOSITORY / "course").slug == "fall-2021"


def test_what_is_built_unvalidated_would_be_valid(course: Course) -> None:
    assert Course.model_validate(course.model_dump()) == course


def test_loading_twice_gives_the_same_course(folder: Path) -> None:
    assert load(folder) == load(folder)


def test_a_course_is_hashable_so_that_a_caller_can_keep_it(course: Course) -> None:
    assert hash(course) == hash(course.model_copy())


def test_five_mistakes_of_different_kinds_are_five_findings_at_once(folder: Path, change: Change) -> None:
    change(COURSE, 'university = "Georgia Tech"', 'univercity = "Georgia Tech"')  # a misspelt key
    change(COURSE, "homeworks_counted = 4", 'homeworks_counted = "four"')  # a wrong type
    change(COURSE, "due = 2021-11-03T23:59:00", "due = 2021-10-20T23:59:00")  # dates out of order
    change("projects/rubric.toml", "points = 60", "points = 61")  # a sum
    (folder / "modules/09-embodied-ai/page.md").unlink()  # a missing file
    with pytest.raises(CourseError) as caught:
        load(folder)
    assert [(finding.file, finding.key) for finding in caught.value.findings] == [
        (COURSE, "grading.homeworks_counted"),
        (COURSE, "univercity"),
        (COURSE, "problem_sets[hw4].due"),
        ("modules/09-embodied-ai/page.md", ""),
        ("projects/rubric.toml", "points"),
    ]
    assert str(caught.value).count("\n") == 4
    assert "course.toml: univercity: There is no key `univercity` here. Did you mean `university`?" in str(caught.value)


def test_a_line_that_makes_no_sense_does_not_hide_mistakes_in_other_lines(folder: Path, change: Change) -> None:
    change(COURSE, "date = 2021-10-05", 'date = "October 5"')
    change(COURSE, "date = 2021-10-14", "date = 2021-10-15")
    assert places(folder) == [(COURSE, "classes[October 5].date"), (COURSE, "classes[2021-10-15].date")]


def test_a_problem_set_that_makes_no_sense_is_not_missed_by_rules_about_all_of_them(
    folder: Path, change: Change
) -> None:
    change(COURSE, "due = 2021-11-17T23:59:00", "due = 2021-11-17")
    change(COURSE, "homeworks_counted = 4", "homeworks_counted = 5")
    assert places(folder) == [(COURSE, "problem_sets[hw5].due")]


@pytest.mark.parametrize(
    ("old", "new", "key", "message", "remedy"),
    [
        ('term = "Fall 2021"\n', "", "term", "`term` is missing.", 'Add it: `term = "..."`.'),
        ("last_day = 2021-12-09\n", "", "last_day", "`last_day` is missing.", "Add it: `last_day = 2021-08-24`."),
        ("free_days = 7\n", "", "late.free_days", "`free_days` is missing.", "Add it: `free_days = 1`."),
        (
            "due = 2021-11-17T23:59:00\n",
            "",
            "problem_sets[hw5].due",
            "`due` is missing.",
            "Add it: `due = 2021-09-15T23:59:00`.",
        ),
        ("[meeting]", "[meetings]", "meetings", "There is no key `meetings` here.", "Did you mean `meeting`?"),
        ("free_days = 7", "free_days = true", "late.free_days", "true will not do.", "a whole number"),
        ("free_days = 7", "free_days = -1", "late.free_days", "-1 will not do.", "at least 0"),
        ("penalty_percent = 25", "penalty_percent = 250", "late.penalty_percent", "250 will not do.", "at most 100"),
        ('start = "12:30"', 'start = "12:30 pm"', "meeting.start", '"12:30 pm" will not do.', "a time of day such as"),
        ('start = "12:30"', "start = 12:30:00", "meeting.start", "12:30:00 will not do.", "a text in quotes"),
        (
            'days = ["Tuesday",',
            'days = ["Tues",',
            "meeting.days[1]",
            '"Tues" will not do.',
            "one of 'Monday', 'Tuesday'",
        ),
        ('term = "Fall 2021"', 'term = ""', "term", '"" will not do.', "a text that is not empty"),
        ('slug = "fall-2021"', 'slug = "Fall 2021"', "slug", '"Fall 2021" will not do.', "lower-case letters"),
        (
            'level = "graduate"',
            'level = "phd"',
            "sections[CS 7643].level",
            '"phd" will not do.',
            "one of 'undergraduate' or 'graduate'",
        ),
        (
            "due = 2021-11-17T23:59:00",
            "due = 2021-11-17T23:59:00-05:00",
            "problem_sets[hw5].due",
            "2021-11-17T23:59:00-05:00 will not do.",
            "the local time without an offset",
        ),
        (
            "due = 2021-11-17T23:59:00",
            "due = 2021-11-17",
            "problem_sets[hw5].due",
            "2021-11-17 will not do.",
            "a local date and time such as",
        ),
        (
            "date = 2021-10-05",
            "date = 2021-10-05T12:30:00",
            "classes[2021-10-05T12:30:00].date",
            "2021-10-05T12:30:00 will not do.",
            "a date such as",
        ),
        (
            "courses/211778",
            "courses/211 778",
            "sections[CS 4803].links[1].url",
            "will not do.",
            "an address that begins with https://",
        ),
        (
            'counts = "best"',
            'counts = "latest"',
            "grading.counts",
            '"latest" will not do.',
            "'best', 'last' or 'chosen'",
        ),
    ],
)
def test_a_mistake_in_a_table_is_said_in_plain_words(
    folder: Path, change: Change, old: str, new: str, key: str, message: str, remedy: str
) -> None:
    change(COURSE, old, new)
    (finding,) = check(folder)
    assert (finding.file, finding.key) == (COURSE, key)
    assert message in finding.message
    assert remedy in finding.remedy


def test_a_key_unlike_any_other_is_answered_with_those_there_are(folder: Path, change: Change) -> None:
    change(COURSE, "free_days = 7", "free_days = 7\nxyzzy = 1")
    (finding,) = check(folder)
    assert finding.key == "late.xyzzy"
    assert finding.remedy == "Remove it, or use one of: free_days, penalty_percent, text."


def test_broken_toml_is_found_with_its_line_and_other_files_are_still_read(folder: Path, change: Change) -> None:
    change(COURSE, 'title = "Deep Learning"\nnumbers', "title = Deep Learning\nnumbers")
    change("projects/rubric.toml", "points = 60", "pionts = 60")
    toml, rubric = check(folder)
    assert (toml.file, toml.key) == (COURSE, "")
    assert "This is not TOML: Invalid value (at line 7, column 9)." in toml.message
    assert (rubric.file, rubric.remedy) == ("projects/rubric.toml", "Did you mean `points`?")


@pytest.mark.parametrize(
    "file",
    [
        COURSE,
        "projects/brief.md",
        "projects/rubric.toml",
        "modules/01-foundations/module.toml",
        "modules/01-foundations/page.md",
        "problems/hw1/problem.toml",
        "problems/hw1/handout.md",
    ],
)
def test_every_file_of_the_course_must_be_there_and_hold_something(folder: Path, file: str) -> None:
    (folder / file).write_text(" \n")
    (empty,) = check(folder)
    assert (empty.file, empty.message) == (file, "The file is empty.")
    (folder / file).write_bytes(b"\xff\xfe")
    (binary,) = check(folder)
    assert (binary.file, binary.message) == (file, "The file is not UTF-8 text.")
    (folder / file).unlink()
    (missing,) = check(folder)
    assert missing.file == file
    assert missing.message.endswith("is missing.")


def test_a_folder_that_is_not_there_is_a_finding_and_no_crash(tmp_path: Path) -> None:
    assert (COURSE, "") in places(tmp_path / "nowhere")


def test_the_table_of_the_judge_is_not_looked_into(folder: Path, change: Change) -> None:
    change("problems/hw1/problem.toml", 'packages = ["numpy"]', "nobody = { knows = [1, [2, [3]]] }")
    assert check(folder) == []
    change("problems/hw1/problem.toml", "hours = 12", "hours = 12\njugde = 1")
    assert places(folder) == [("problems/hw1/problem.toml", "jugde")]


def test_a_file_to_hand_in_has_no_folder(folder: Path, change: Change) -> None:
    change("problems/hw1/problem.toml", '"network.py"', '"../network.py"')
    (finding,) = check(folder)
    assert (finding.key, finding.remedy) == ("files[2]", "Write a file name without a folder.")


def test_explicit_closing_times_are_kept(folder: Path, change: Change) -> None:
    change(COURSE, "due = 2021-11-03T23:59:00", "due = 2021-11-03T23:59:00\ncloses = 2021-11-05T12:00:00")
    assert f"{load(folder).problem_set('hw4').closes:%F %R}" == "2021-11-05 12:00"


def test_closing_times_follow_the_late_policy(folder: Path, change: Change) -> None:
    change(COURSE, "free_days = 7", "free_days = 2")
    change(COURSE, "penalty_percent = 25", "penalty_percent = 30")
    # Two free days, and four at 30 % leave nothing: six days.
    assert f"{load(folder).problem_set('hw4').closes:%F %R}" == "2021-11-09 23:59"


def test_classes_and_problem_sets_come_in_order_of_time(folder: Path, change: Change) -> None:
    change(COURSE, "date = 2021-08-24", "date = 1999-01-01")
    change(COURSE, "date = 2021-12-09", "date = 2021-08-24")
    change(COURSE, "date = 1999-01-01", "date = 2021-12-09")
    dates = [line.date for line in load(folder).classes]
    assert dates == sorted(dates)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
def test_whatever_is_written_into_the_files_the_answer_is_findings_or_a_course(
    folder: Path, data: st.DataObject
) -> None:
    file = folder / data.draw(
        st.sampled_from(
            [COURSE, "projects/rubric.toml", "problems/hw1/problem.toml", "modules/01-foundations/module.toml"]
        )
    )
    original = file.read_text()
    lines = original.splitlines()
    for place in data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=1, max_size=6)):
        name = lines[place].partition("=")[0].strip()
        value = data.draw(
            st.sampled_from(["", "1", "-7", '"x"', "[]", "[1]", "{}", "2021-08-26", "2021-11-07T01:30:00", "true"])
        )
        lines[place] = f"{name} = {value}" if name.isidentifier() and value else ""
    try:
        file.write_text("\n".join(lines))
        findings = check(folder)
        if not findings:
            load(folder)
        assert all(finding.message and finding.remedy for finding in findings)
    finally:
        file.write_text(original)
