"""Cells of a page, their outputs, and the questions below."""

from __future__ import annotations

import pytest

from gradschool.syllabus import notes
from gradschool.syllabus.course import Exercise

PAGE = "A.\n\n```python\nx = 1\n```\n\nB.\n\n```text\nno cell\n```\n\n```python\nx\n```\n"


def test_cells_are_the_fenced_blocks_of_python():
    assert notes.cells(PAGE) == ["x = 1\n", "x\n"]


def test_a_fingerprint_depends_on_all_code_before_and_on_no_text():
    first, second = notes.fingerprints(PAGE)
    assert notes.fingerprints(PAGE.replace("B.", "Other words.")) == [first, second]
    changed = notes.fingerprints(PAGE.replace("x = 1", "x = 2"))
    assert changed[0] != first
    assert changed[1] != second
    assert notes.fingerprints(PAGE.replace("x\n", "x + 0\n"))[0] == first


def test_outputs_follow_their_cells_and_a_silent_cell_has_none():
    first, second = notes.fingerprints(PAGE)
    page = notes.woven(PAGE, {first: "", second: "1\n"})
    assert page == PAGE.replace("x\n```", "x\n```\n\n~~~~output\n1\n~~~~")


def test_a_changed_cell_loses_its_output_and_is_said_to_be_unbuilt():
    known = dict.fromkeys(notes.fingerprints(PAGE), "1\n")
    changed = PAGE.replace("x = 1", "x = 2")
    assert notes.unbuilt(PAGE, known) == []
    assert notes.unbuilt(changed, known) == [1, 2]
    assert notes.woven(changed, known) == changed


@pytest.mark.parametrize("text", ["", "[]", "{", '{"outputs": 3}', '{"outputs": [1]}'])
def test_a_file_of_outputs_that_cannot_be_read_is_no_output(tmp_path, text):
    (tmp_path / notes.OUTPUTS).write_text(text)
    assert notes.outputs(tmp_path) == {}


def test_outputs_come_back_as_written(tmp_path):
    notes.write(tmp_path, {"a": "é\n", "b": ""})
    assert notes.outputs(tmp_path) == {"a": "é\n", "b": ""}
    notes.write(tmp_path, {})
    assert list(tmp_path.iterdir()) == []


def exercise(answer, tolerance=0.0):
    return Exercise(ask="How much?", answer=answer, tolerance=tolerance, because="So.")


@pytest.mark.parametrize("given", ["0.5", " 0.50", "0,5", "5e-1", "0.505"])
def test_a_number_is_right_within_its_tolerance(given):
    assert exercise(0.5, 0.01).accepts(given)


@pytest.mark.parametrize("given", ["0.52", "half", "", "nan", "1/2", "inf"])
def test_other_numbers_and_words_are_not(given):
    assert not exercise(0.5, 0.01).accepts(given)


def test_a_minus_sign_is_a_hyphen_or_a_minus():
    assert exercise(-3).accepts("-3")
    assert exercise(-3).accepts("−3")


def test_a_word_is_right_in_any_case_and_spacing():
    assert exercise("reverse mode").accepts(" Reverse  Mode")
    assert not exercise("reverse").accepts("forward")
