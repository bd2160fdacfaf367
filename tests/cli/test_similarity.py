"""`gradschool similarity`: all hand-ins of a problem set, compared at one go."""

from __future__ import annotations

import io
import zipfile

from click.testing import CliRunner

from gradschool.cli.similarity import command
from gradschool.office import clock
from gradschool.office.handin import accept
from gradschool.office.handin.blobs import Incoming
from gradschool.office.people.models import Enrolment, Offering, Role, Section, User
from gradschool.office.setup import apply_course

from .conftest import ROOT, SOLUTION


def give(offering: Offering, name: str, added: str) -> None:
    user = User.objects.create_user(f"{name.lower()}@example.edu", name)
    section = Section.objects.filter(offering=offering).first()
    enrolment = Enrolment.objects.create(user=user, offering=offering, role=Role.STUDENT, section=section)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for path in SOLUTION.glob("*.py"):
            archive.writestr(path.name, added + path.read_text().replace("scores", f"scores_of_{name.lower()}"))
    with Incoming() as incoming:
        incoming.write(memory.getvalue())
        incoming.close()
        problem_set = offering.problem_sets.get(key="hw1")
        accept.hand_in(enrolment, problem_set, [("mine.zip", incoming)], clock.now())


def test_copies_are_printed_with_their_score(db, settings, tmp_path, monkeypatch) -> None:
    settings.BLOBS, settings.ALLOW_PLAIN_SANDBOX = tmp_path, True
    offering = apply_course(ROOT / "course")
    at = offering.problem_sets.get(key="hw1").due
    monkeypatch.setattr(clock, "now", lambda: at)
    for name in ("Chi", "Eve"):
        give(offering, name, f"# {name}\n")
    result = CliRunner().invoke(command, ["hw1"])
    assert result.exit_code == 0, result.output
    first, pair = result.output.splitlines()
    assert first == "2 hand-ins compared, with 0 of other offerings."
    assert pair.startswith("100%")
    assert "Chi" in pair
    assert "Eve" in pair
    result = CliRunner().invoke(command, ["hw9"])
    assert result.exit_code == 2
    assert "fall-2021 has no problem set 'hw9' that can be handed in." in result.output
