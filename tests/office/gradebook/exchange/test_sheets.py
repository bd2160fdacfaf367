"""Tables of the platforms, as they write them: what kind each is, and what it proposes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gradschool.office.gradebook.exchange.sheets import Cell, Row, names_of, understand
from gradschool.office.gradebook.exchange.table import BadTable, read

ITEMS = {"hw1": "PS/HW1", "hw2": "PS/HW2", "project": "Project", "participation": "Participation", "letter": "Letter"}
NAMES = names_of(ITEMS, {"hw1": "Linear classifiers"})

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Notes,PS/HW1 (42),PS/HW2: Something else (43),ps/hw2 (44),Final Score
,,,,,,,Manual Posting,,
"    Points Possible",,,,,,46.00,10.00,40.00,(read only)
"Nguyen, Chi",7,903,cnguyen3,CS 7643,"likes, commas",40.00,,EX,87.5
"Student, Test",8,,abc,CS 7643,,N/A,,-,
"""  # noqa: E501
GRADESCOPE_ONE = """First Name,Last Name,SID,Email,Sections,Total Score,Max Points,Status,Submission ID,Submission Time,Lateness (H:M:S),View Count,Submission Count,1.1: Softmax (3.0 pts)
Chi,Nguyen,903,chi@example.edu,CS 7643,40.5,46.0,Graded,1,2021-09-15 23:30:00 -0400,00:00:00,1,1,3.0
Eve,Martin,904,eve@example.edu,CS 4803,,46.0,Missing,,,,0,0,
"""  # noqa: E501
GRADESCOPE_COURSE = """First Name,Last Name,SID,Email,Sections,PS/HW1,PS/HW1 - Max Points,PS/HW1 - Submission Time,PS/HW1 - Lateness (H:M:S),Quiz,Quiz - Max Points,Quiz - Submission Time,Quiz - Lateness (H:M:S),Total Lateness (H:M:S)
Chi,Nguyen,903,chi@example.edu,CS 7643,40.5,46.0,2021-09-16 01:30:00 -0400,01:31:00,9,10,,,01:31:00
"""  # noqa: E501
NBGRADER = """assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,late_submission_penalty,score,max_score
hw1,2021-09-15 23:59:00,2021-09-16 05:00:00.5,chi,Nguyen,Chi,,38.5,2.0,36.5,46.0
hw1,2021-09-15 23:59:00,,eve,Martin,Eve,,0.0,0.0,0.0,46.0
lab9,,2021-09-16 05:00:00,chi,Nguyen,Chi,,1.0,0.0,1.0,1.0
"""  # noqa: E501
OTTER = """file,q1,q2,percent_correct
points-per-question,6,40,46
Chi_Nguyen.ipynb,6.0,34.5,0.88
eve@example.edu,0.0,0.0,0.0
"""
OWN = """Email,Participation,hw1,Comment
chi@example.edu,3.5,,spoke
eve@example.edu,,40,
"""


def sheet(text: str, item: str | None = None):
    return understand(read(text.encode()), NAMES, item)


def cells(row: Row) -> list[tuple[str, str]]:
    return [(cell.item, cell.text) for cell in row.cells]


def test_a_canvas_gradebook() -> None:
    found = sheet(CANVAS)
    assert found.form == "Canvas gradebook"
    assert found.items == ("hw1", "hw2"), "by title, whatever its case and id"
    assert found.ignored == ("Notes", "PS/HW2: Something else (43)")
    chi, test = found.rows
    assert chi == Row(4, ("cnguyen3", "903"), "Nguyen, Chi", (Cell("hw1", "40.00"), Cell("hw2", "EX")))
    assert cells(test) == []


def test_read_only_columns_of_canvas_are_not_read() -> None:
    text = CANVAS.replace('"    Points Possible",,,,,,46.00', '"    Points Possible",,,,,,(read only)')
    assert sheet(text).items == ("hw2",)


def test_names_of_canvas_in_two_columns() -> None:
    text = "LastName,FirstName,ID,SIS Login ID,Section,PS/HW1 (42)\nNguyen,Chi,7,cnguyen3,CS 7643,40\n"
    assert sheet(text).rows == (Row(2, ("cnguyen3",), "Nguyen, Chi", (Cell("hw1", "40"),)),)


def test_one_assignment_of_gradescope() -> None:
    found = sheet(GRADESCOPE_ONE, "hw1")
    assert not found.with_penalty
    chi, eve = found.rows
    at = datetime(2021, 9, 16, 3, 30, tzinfo=UTC)
    assert chi == Row(2, ("chi@example.edu", "903"), "Chi Nguyen", (Cell("hw1", "40.5", at),))
    assert eve.cells == (), "what is missing there says nothing here"


def test_the_course_of_gradescope() -> None:
    found = sheet(GRADESCOPE_COURSE)
    assert found.ignored == ("Quiz",)
    assert found.rows[0].cells == (Cell("hw1", "40.5", datetime(2021, 9, 16, 5, 30, tzinfo=UTC)),)


def test_an_export_of_nbgrader() -> None:
    found = sheet(NBGRADER)
    assert found.ignored == ("lab9",)
    chi, eve = found.rows
    assert chi.cells == (Cell("hw1", "38.5", datetime(2021, 9, 16, 5, 0, 0, 500_000, tzinfo=UTC)),), (
        "before its penalty"
    )
    assert eve.cells == (), "nothing was handed in there, which is no 0 here"
    assert chi.keys == ("", "chi")


def test_scores_of_otter_grader() -> None:
    chi, eve = sheet(OTTER, "hw1").rows
    assert (chi.name, cells(chi)) == ("Chi Nguyen", [("hw1", "40.5")])
    assert ("eve@example.edu" in eve.keys, cells(eve)) == (True, [("hw1", "0")])


def test_a_table_of_ones_own() -> None:
    found = sheet(OWN)
    assert found.ignored == ("Comment",)
    assert [cells(row) for row in found.rows] == [[("participation", "3.5")], [("hw1", "40")]]


@pytest.mark.parametrize(
    ("text", "item", "sentence"),
    [
        (GRADESCOPE_ONE, None, "choose it beside the file"),
        (OTTER, "hw9", "choose it beside the file"),
        ("who,hw1\nchi,3\n", None, "none that is known here"),
        ("email,mark\nchi,3\n", None, "No column is named as an item"),
        ("email,hw1,PS/HW1\nchi,3,4\n", None, "Two columns are both hw1"),
        ("Student,Number,Section\nChi,1,A\n", None, "lacks its columns ID and Section"),
        (OTTER.replace("34.5", "lots"), "hw1", "Row 3: “lots” is no number of points."),
        (OTTER.replace("34.5", "9" * 400), "hw1", "Row 3: “9999.*” is no number of points."),
        (NBGRADER.replace("2021-09-16 05:00:00.5", "soon"), None, "Row 2: “soon” is no time"),
        (NBGRADER.replace("2021-09-16 05:00:00.5", "0001-01-01 00:00:00+14:00"), None, "is no time"),
    ],
)
def test_what_cannot_be_understood_is_said_in_a_sentence(text: str, item: str | None, sentence: str) -> None:
    with pytest.raises(BadTable, match=sentence):
        sheet(text, item)
