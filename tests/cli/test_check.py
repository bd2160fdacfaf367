"""`gradschool check`: in an unpacked hand-out, and with the course at hand."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gradschool.cli.check import command
from gradschool.cli.handout import command as handout

from .conftest import ROOT, SOLUTION


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handout")
    made = CliRunner().invoke(handout, ["hw1", "-o", str(folder / "hw1.zip"), "--course", str(ROOT / "course")])
    assert made.exit_code == 0, made.output
    with zipfile.ZipFile(folder / "hw1.zip") as packed:
        packed.extractall(folder)
    return next(path.parent for path in folder.rglob("classifier.py"))


@pytest.fixture
def work(unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's copy of the hand-out, with the solution written into it; no course is near."""
    folder = tmp_path / "hw1"
    shutil.copytree(unpacked, folder)
    for path in SOLUTION.glob("*.py"):
        shutil.copy(path, folder)
    monkeypatch.chdir(folder)
    return folder


def check(*words: str) -> Result:
    return CliRunner().invoke(command, list(words), catch_exceptions=False)


def test_all_right_is_exit_code_0(work: Path) -> None:
    done = check("hw1")
    assert done.exit_code == 0, done.output
    assert "public checks pass" in done.output
    assert "Hidden checks ask more when you hand in." in done.output
    assert "wrong" not in done.output


def test_a_hand_out_as_it_comes_is_wrong_everywhere_without_tracebacks(unpacked: Path) -> None:
    done = check("hw1", str(unpacked))
    assert done.exit_code == 1
    assert "correct" not in done.output
    assert "Traceback" not in done.output


def test_one_wrong_function_is_said_with_what_it_looks_like(work: Path) -> None:
    path = work / "classifier.py"
    path.write_text(path.read_text().replace("powers / powers.sum(axis=1, keepdims=True)", "powers"))
    done = check("hw1")
    assert done.exit_code == 1
    assert "softmax(scores)" in done.output
    assert "expected" in done.output


def test_a_syntax_error_names_file_and_line_and_the_other_file_is_checked(work: Path) -> None:
    (work / "network.py").write_text("def relu_forward(x:\n")
    done = check("hw1")
    assert done.exit_code == 1
    assert "network.py" in done.output
    assert "SyntaxError" in done.output
    assert "correct" in done.output, "classifier.py stands"


def test_a_missing_file_is_named_and_the_other_one_is_checked(work: Path) -> None:
    (work / "network.py").unlink()
    done = check("hw1")
    assert done.exit_code == 1
    assert "network.py" in done.output
    assert "correct" in done.output


def test_a_folder_without_any_of_the_files_is_wrong_use(work: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    done = check("hw1", str(tmp_path / "elsewhere"), "--course", str(ROOT / "course"))
    assert done.exit_code == 2
    assert (
        "has none of classifier.py, network.py, torch_net.py, figures.py, answers.json; name the folder" in done.output
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("hw7", "--course", str(ROOT / "course")), "hw7"),
        (("hw1", "nowhere"), "nowhere"),
        (
            ("hw1", "--tier", "iron"),
            "There is no sandbox tier 'iron'; the tiers are namespaces, bubblewrap, landlock, plain.",
        ),
        (("hw1", ".", "--course", "nowhere"), "nowhere"),
    ],
)
def test_wrong_use_is_named(work: Path, words: tuple[str, ...], sentence: str) -> None:
    done = check(*words)
    assert done.exit_code == 2
    assert sentence in done.output
    assert "Traceback" not in done.output


def test_a_problem_set_of_questions_alone_says_where_they_are_answered(work: Path) -> None:
    done = check("ps0", "--course", str(ROOT / "course"))
    assert (done.exit_code, done.output) == (
        1,
        "Error: ps0 has no public checks; its questions are answered on the course's site.\n",
    )
