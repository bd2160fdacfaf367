"""What the documents say is true: every verb, setting and make target is in them, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "gradschool"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize(
    "verb", sorted(p.stem for p in (SOURCE / "cli").glob("*.py") if p.stem not in {"__init__", "main"})
)
def test_every_verb_is_documented(verb: str) -> None:
    assert f"`gradschool {verb}" in (ROOT / "docs" / "command-line.md").read_text()


def test_every_environment_variable_is_documented() -> None:
    read = set(
        re.findall(
            r'"(GRADSCHOOL_[A-Z_]+)"',
            "".join(
                p.read_text()
                for room in ("office", "cli", "syllabus", "kit", "data")
                for p in (SOURCE / room).rglob("*.py")
            ),
        )
    )
    documented = set(re.findall(r"`\$?(GRADSCHOOL_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text()))
    assert read == documented


def test_every_make_target_in_a_document_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        for target in re.findall(r"`make ([a-z]+)", document.read_text()):
            assert target in targets, f"{document.name} names `make {target}`"


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name} links to {link}"


def test_every_command_of_the_readme_names_a_verb_that_exists() -> None:
    for verb in re.findall(r"^\s*\$? ?gradschool ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE):
        assert (SOURCE / "cli" / f"{verb}.py").exists(), verb
