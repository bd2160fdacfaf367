"""From hand-ins to pairs on a page: copies are found under new names, and only the staff see them."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest

from gradschool.grading import handout
from gradschool.grading.problem import Problem
from gradschool.office import clock
from gradschool.office.handin import accept
from gradschool.office.handin.blobs import Incoming
from gradschool.office.people.models import Enrolment, Offering, Role, Section, User
from gradschool.office.similarity import archives, views
from gradschool.office.similarity.models import Comparison, Pair, Prints
from gradschool.sandbox import NoSandbox

HW1 = Path(__file__).parents[3] / "course" / "problems" / "hw1"
SOLUTION = {path.name: path.read_text() for path in (HW1 / "solution").glob("*.py")}
OTHER = {path.name: path.read_text() for path in (HW1 / "bank" / "right_other_style").glob("*.py")}
RENAMED = {
    name: re.sub(r"\b(scores|weights|powers|labels|hidden)\b", lambda found: f"my_{found[0][::-1]}", text)
    for name, text in SOLUTION.items()
}


@pytest.fixture(autouse=True)
def _any_tier(settings) -> None:
    settings.ALLOW_PLAIN_SANDBOX = True  # these archives are ours


def give(student: User, files: dict[str, str | bytes]) -> None:
    enrolment = student.enrolments.get()
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    with Incoming() as incoming:
        incoming.write(memory.getvalue())
        incoming.close()
        problem_set = enrolment.offering.problem_sets.get(key="hw1")
        accept.hand_in(enrolment, problem_set, [("mine.zip", incoming)], clock.now())


def student(offering: Offering, name: str) -> User:
    user = User.objects.create_user(f"{name.lower()}@example.edu", name)
    section = Section.objects.filter(offering=offering).first()
    Enrolment.objects.create(user=user, offering=offering, role=Role.STUDENT, section=section)
    return user


def place(offering: Offering, rest: str = "hw1/") -> str:
    return f"/{offering.slug}/staff/similarity/{rest}"


def pairs() -> list[set[str]]:
    return [{str(pair.left.group), str(pair.right.group)} for pair in Pair.objects.all()]


def test_a_copy_under_other_names_is_found_and_shown_side_by_side(offering, ada, chi, eve, client_of) -> None:
    give(chi, {"classifier.py": "x = 1\n"})
    give(chi, SOLUTION)
    give(eve, {f"hw1/{name}": f"# mine\n{text}" for name, text in RENAMED.items()})
    give(student(offering, "Goran"), OTHER)
    give(student(offering, "Hana"), handout.starter(Problem.load(HW1)))
    client = client_of(ada)
    assert "Read 4 new hand-ins" in client.get(place(offering)).content.decode()
    client.post(place(offering, "hw1/compare"))
    assert pairs() == [{"Chi", "Eve"}], "the latest of each; neither the other style nor the hand-out is a copy"
    page = client.get(place(offering)).content.decode()
    assert "4 hand-ins compared" in page
    assert "100 %" in page
    assert "Compare again" in page
    pair = client.get(place(offering, f"pairs/{Pair.objects.get().pk}/")).content.decode()
    assert "Score 100 %" in pair
    assert "my_serocs" in pair
    for run in range(1, pair.count('id="left-') + 1):
        assert f'href="#right-{run}"' in pair
        assert f'id="right-{run}"' in pair
    assert "hw1" in client.get(place(offering, "")).content.decode()


def test_broken_hostile_and_empty_hand_ins_are_compared_as_far_as_they_go(offering, ada, chi, eve, client_of) -> None:
    half = SOLUTION["classifier.py"][: len(SOLUTION["classifier.py"]) * 3 // 4] + "\n  def (((\n'''"
    give(chi, {"classifier.py": half, "evil.py": "raise SystemExit\nimport os; os.kill(1, 9)\n"})
    notebook = '{"cells": [{"cell_type": "code", "source": "\\ud800"}]}'
    give(eve, {**SOLUTION, "a.py": "".join(f"x{n} = {n}\n" for n in range(70_000)), "b.ipynb": notebook})
    give(student(offering, "Goran"), {"notes.txt": "nothing"})
    client = client_of(ada)
    assert client.post(place(offering, "hw1/compare")).status_code == 302
    assert pairs() == [{"Chi", "Eve"}]
    assert "too much of it" in " ".join(Prints.objects.values_list("note", flat=True))
    assert client.get(place(offering, f"pairs/{Pair.objects.get().pk}/")).status_code == 200


def test_an_archive_that_breaks_its_box_costs_the_others_nothing(offering, chi, eve, tmp_path, monkeypatch) -> None:
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    with zipfile.ZipFile(good, "w") as archive:
        archive.writestr("a.py", "x = 1\n")
    bad.write_bytes(b"PK\x03\x04 no more")
    broken, kept, empty = archives.read([bad, good, bad])
    assert (broken.files, kept.files) == ({}, {"a.py": "x = 1\n"})
    assert "cannot be read (BadZipFile)" in empty.note
    (gone,) = archives.read([tmp_path / "gone.zip"])
    assert gone == archives.Code({}, "Its archive is not in the store.")
    program = tmp_path / "unpack.py"
    text = archives.UNPACK.read_text()
    program.write_text(text.replace("def main() -> None:\n", "def main() -> None:\n    assert len(sys.argv) == 2\n"))
    monkeypatch.setattr(archives, "UNPACK", program)
    assert [code.files for code in archives.read([good, good])] == [{"a.py": "x = 1\n"}] * 2
    program.write_text("import os\nos.write(3, (1 << 60).to_bytes(8, 'big'))\n")
    assert archives.read([good])[0].note == "Its archive could not be read within its bounds."


def test_many_hand_ins_are_read_some_at_a_time_and_never_twice(offering, ada, chi, eve, client_of, monkeypatch) -> None:
    give(chi, SOLUTION)
    give(eve, OTHER)
    monkeypatch.setattr(views, "AT_ONCE", 1)
    client = client_of(ada)
    page = client.post(place(offering, "hw1/compare"), follow=True).content.decode()
    assert "1 hand-ins were read; 1 are left." in page
    assert not Comparison.objects.exists()
    assert "All hand-ins are compared." in client.post(place(offering, "hw1/compare"), follow=True).content.decode()
    assert "No two hand-ins share as much" in client.get(place(offering)).content.decode()
    monkeypatch.setattr(archives, "read", lambda paths: pytest.fail("read again") if paths else [])
    client.post(place(offering, "hw1/compare"))
    assert Comparison.objects.count() == 1


def test_a_hand_in_of_another_term_is_found_and_its_student_stays_unnamed(
    offering, ada, chi, client_of, tmp_path
) -> None:
    earlier = Offering.objects.create(
        slug="fall-2020", title="Deep Learning", term="Fall 2020", zone=offering.zone, folder=offering.folder,
        applied_at=clock.now(),
    )  # fmt: skip
    Section.objects.create(offering=earlier, code="CS 7643")
    old_set = offering.problem_sets.get(key="hw1")
    old_set.pk, old_set.offering = None, earlier
    old_set.save()
    give(student(earlier, "Zora"), SOLUTION)
    give(chi, RENAMED)
    client = client_of(ada)
    client.post(place(offering, "hw1/compare"))
    page, pair = client.get(place(offering)).content.decode(), place(offering, f"pairs/{Pair.objects.get().pk}/")
    assert "also with 1 of other offerings" in page
    assert "of Fall 2020" in page
    assert "Zora" not in page
    assert client.get(pair).status_code == 403
    Enrolment.objects.create(user=ada, offering=earlier, role=Role.TA)
    assert "Zora" in client.get(place(offering)).content.decode()
    assert "Zora" in client.get(pair).content.decode()


def test_without_a_sandbox_nothing_is_read_and_a_sentence_says_so(offering, ada, chi, client_of, monkeypatch) -> None:
    give(chi, SOLUTION)

    def none(*_: object, **__: object) -> None:
        raise NoSandbox("this machine gives no sandbox (it is a test)")

    monkeypatch.setattr(archives.sandbox, "open_box", none)
    page = client_of(ada).post(place(offering, "hw1/compare"), follow=True).content.decode()
    assert "archives are opened in a sandbox only: this machine gives no sandbox (it is a test)." in page
    assert not Prints.objects.exists()


def test_similarity_is_for_the_staff_alone(offering, ada, chi, eve, dov, client_of) -> None:
    give(chi, SOLUTION)
    give(eve, RENAMED)
    client_of(ada).post(place(offering, "hw1/compare"))
    pk = Pair.objects.get().pk
    for person in (chi, eve, dov):
        client = client_of(person)
        assert {client.get(place(offering, rest)).status_code for rest in ("", "hw1/", f"pairs/{pk}/")} == {403}
        assert client.post(place(offering, "hw1/compare")).status_code == 403
    assert client_of(ada).get(place(offering, "hw9/")).status_code == 404
    assert client_of(ada).get(place(offering, "hw5/")).status_code == 404, "it is planned"
    assert client_of(ada).get(place(offering, f"pairs/{pk + 1}/")).status_code == 404
    assert client_of(ada).get(place(offering, "hw1/compare")).status_code == 405
