from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gradschool.syllabus.find import CourseNotFound, course_folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADSCHOOL_COURSE", raising=False)
    monkeypatch.chdir(tmp_path)


def a_course(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "course.toml").touch()
    return folder.resolve()


def test_the_named_folder_comes_before_the_variable_and_that_before_what_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, named, variable = (a_course(tmp_path / name) for name in ("course", "named", "variable"))
    assert course_folder() == here
    monkeypatch.setenv("GRADSCHOOL_COURSE", str(variable))
    assert course_folder() == variable
    assert course_folder(named) == named


def test_a_course_is_found_from_a_folder_below_and_from_inside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = a_course(tmp_path / "course")
    inside = course / "modules/01"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert course_folder() == course


def test_course_toml_may_be_named_in_place_of_its_folder(tmp_path: Path) -> None:
    course = a_course(tmp_path / "mine")
    assert course_folder(Path("mine/course.toml")) == course


def test_a_named_place_without_a_course_is_an_error_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_course(tmp_path / "course")
    with pytest.raises(CourseNotFound, match="--course names nowhere"):
        course_folder(Path("nowhere"))
    monkeypatch.setenv("GRADSCHOOL_COURSE", "nowhere")
    with pytest.raises(CourseNotFound, match=r"\$GRADSCHOOL_COURSE names nowhere"):
        course_folder()


def test_away_from_any_course_the_packaged_one_is_found() -> None:
    assert (course_folder() / "course.toml").is_file()


def test_without_any_course_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradschool.syllabus.find._packaged", lambda: ())
    with pytest.raises(CourseNotFound, match="--course PATH"):
        course_folder()


def test_finding_the_course_does_not_load_the_validation_library() -> None:
    code = "import sys, gradschool.syllabus.find; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
