"""Answering on the page: drafts are kept, nothing is lost, and handing in makes a submission like any other."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from gradschool.grading import answers as judged
from gradschool.grading.judge import judge
from gradschool.grading.problem import Problem
from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.handin.rules import student_seed
from gradschool.office.queue import leases
from gradschool.office.theory import sheets
from gradschool.office.theory.models import Sheet

ADDRESS = "/fall-2021/problems/ps0/answers/"
pytestmark = pytest.mark.django_db


def field(**kinds):
    return {"kind": "formula", "variables": ["x"], **kinds}


@pytest.mark.parametrize(
    ("kind", "text", "shown", "complaint"),
    [
        ("number", "7/12", "<mfrac>", ""),
        ("number", "0.5", "<mn>0.5</mn>", ""),
        ("number", "7/", "", "missing at the end"),
        ("formula", "x^2", "<msup>", ""),
        ("formula", "q", "", "may use x"),
        ("matrix", "1, x; 2, 3", "<mtable>", ""),
        ("vector", "1, (", "", "missing"),
        ("choice", "1", "", ""),
        ("text", "hello", "", ""),
        ("number", " ", "", ""),
    ],
)
def test_the_page_shows_how_an_answer_was_read(kind, text, shown, complaint):
    names = [] if kind == "number" else ["x"]
    math, said = sheets.read(field(kind=kind, variables=names), text)
    assert shown in math
    assert bool(math) == bool(shown)
    assert complaint in said


def test_markup_in_an_answer_stays_text(chi, client_of):
    client = client_of(chi)
    page = client.post(ADDRESS, {"q.camera_trap": "<script>alert(1)</script>", "action": "save"}, follow=True)
    assert "<script>alert" not in page.content.decode()
    said = client.get(ADDRESS + "reading", {"q.camera_trap": "<b>"}).content.decode()
    assert "<b>" not in said
    assert "one side only" in said


def test_a_draft_is_kept_and_shown_again(chi, client_of):
    client = client_of(chi)
    first = client.get(ADDRESS)
    assert first.status_code == 200
    saved = client.post(
        ADDRESS,
        {"q.camera_trap": "1/2", "q.convex_functions": ["1", "3"], "q.pairwise.p": "1/8", "action": "save", "tab": "a"},
    )
    assert saved.status_code == 302
    sheet = Sheet.objects.get()
    assert sheet.answers == {"camera_trap": "1/2", "convex_functions": ["1", "3"], "pairwise": {"p": "1/8"}}
    page = client.get(ADDRESS).content.decode()
    assert 'value="1/2"' in page
    assert page.count(" checked") == 2
    assert Submission.objects.count() == 0
    kept = client.post(ADDRESS, {"q.camera_trap": "1/3", "tab": "a"}, headers={"HX-Request": "true"})
    assert "Saved" in kept.content.decode()
    assert Sheet.objects.get().answers == {"camera_trap": "1/3"}


def test_two_students_get_different_numbers_and_the_right_answers_to_them_get_the_same_points(
    chi, eve, client_of, tmp_path
):
    points, questions = [], []
    for person in (chi, eve):
        client = client_of(person)
        client.get(ADDRESS)
        sheet = Sheet.objects.get(group__members=person)
        questions.append(sheet.questions["questions"])
        seed = student_seed("fall-2021", sheet.group_id)
        problem = Problem.load(Path(sheet.problem_set.folder))
        right = judged.right(problem, seed)
        form = {}
        for name, answer in right.items():
            given = answer if isinstance(answer, dict) else {"": answer}
            form |= {f"q.{name}.{part}" if part else f"q.{name}": value for part, value in given.items()}
        answer = client.post(ADDRESS, {**form, "action": "hand-in", "tab": "x", "revision": "0"})
        row = Submission.objects.get(group=sheet.group)
        assert answer.headers["Location"] == reverse("handin:submission", args=["fall-2021", row.pk])
        with zipfile.ZipFile(row.path) as packed:
            assert json.loads(packed.read("answers.json")) == {"answers": right}
        report = judge(problem, row.path, student=seed)
        points.append((report.points, report.max_points))
        other = judge(problem, row.path, student="another student")
        assert other.points < report.points, "the answers are right for their owner's numbers only"
    assert points == [(30, 30), (30, 30)]
    asked = [[question["ask"] for question in sheet if "camera" in question["id"]] for sheet in questions]
    assert asked[0] != asked[1]


def test_a_hand_in_has_a_receipt_and_a_job_and_the_same_answers_again_are_the_same_hand_in(chi, client_of):
    client = client_of(chi)
    form = {"q.camera_trap": "1/2", "action": "hand-in", "tab": "a", "revision": "0"}
    first = client.post(ADDRESS, form)
    second = client.post(ADDRESS, form)
    assert first.headers["Location"] == second.headers["Location"]
    row = Submission.objects.get()
    assert row.jobs.count() == 1
    assert row.files == [{"name": "answers.json", "size": row.files[0]["size"]}]
    assert "answers.json" in row.receipt
    client.post(ADDRESS, {**form, "q.camera_trap": "1/3"})
    assert Submission.objects.count() == 2


def test_what_cannot_be_handed_in_is_kept_as_a_draft(chi, client_of, at):
    client = client_of(chi)
    empty = client.post(ADDRESS, {"action": "hand-in"})
    assert empty.status_code == 400
    assert "There is no answer on the sheet" in empty.content.decode()
    at(datetime(2021, 12, 11, tzinfo=UTC))
    late = client.post(ADDRESS, {"q.camera_trap": "1/2", "action": "hand-in", "tab": "a"})
    assert late.status_code == 409
    assert "closed on" in late.content.decode()
    assert 'value="1/2"' in late.content.decode()
    assert Sheet.objects.get().answers == {"camera_trap": "1/2"}
    assert Submission.objects.count() == 0


def test_an_answer_that_is_too_long_changes_nothing_and_stays_on_the_page(chi, client_of):
    client = client_of(chi)
    client.post(ADDRESS, {"q.camera_trap": "1/2", "tab": "a"})
    long = client.post(ADDRESS, {"q.camera_trap": "1" * 2001, "tab": "a"})
    assert long.status_code == 400
    assert "1" * 2001 in long.content.decode()
    assert Sheet.objects.get().answers == {"camera_trap": "1/2"}
    said = client.post(ADDRESS, {"q.camera_trap": "1" * 2001}, headers={"HX-Request": "true"}).content.decode()
    assert "Not saved" in said


def test_an_older_page_does_not_save_over_a_newer_one_and_loses_nothing(chi, client_of):
    client = client_of(chi)
    client.post(ADDRESS, {"q.camera_trap": "1/2", "tab": "a", "revision": "0"})
    client.post(ADDRESS, {"q.camera_trap": "1/3", "tab": "a", "revision": "0"})  # the same page goes on writing
    client.post(ADDRESS, {"q.camera_trap": "1/4", "tab": "b", "revision": "2"})  # opened after that
    older = client.post(ADDRESS, {"q.camera_trap": "1/5", "tab": "a", "revision": "0"})
    assert older.status_code == 409
    page = older.content.decode()
    assert "changed on another page" in page
    assert 'value="1/5"' in page
    assert 'name="revision" value="3"' in page
    assert Sheet.objects.get().answers == {"camera_trap": "1/4"}
    said = client.post(ADDRESS, {"q.camera_trap": "1/5", "tab": "a", "revision": "0"}, headers={"HX-Request": "true"})
    assert "Not saved" in said.content.decode()


def test_whoever_is_signed_out_meanwhile_is_told_and_keeps_the_page(client, offering):
    said = client.post(ADDRESS, {"q.camera_trap": "1/2"}, headers={"HX-Request": "true"})
    assert (said.status_code, "still on this page" in said.content.decode()) == (200, True)


def test_a_new_version_of_the_questions_keeps_the_answers(chi, client_of, offering):
    client = client_of(chi)
    client.post(ADDRESS, {"q.camera_trap": "1/2", "tab": "a"})
    problem_set = offering.problem_sets.get(key="ps0")
    old = problem_set.current
    problem_set.current = problem_set.versions.create(
        digest="new", folder=old.folder, created_at=datetime(2021, 9, 1, tzinfo=UTC)
    )
    problem_set.save()
    assert 'value="1/2"' in client.get(ADDRESS).content.decode()
    assert Sheet.objects.get().version == problem_set.current


def test_staff_look_without_answering_and_a_set_without_questions_has_no_sheet(ada, chi, client_of, at):
    page = client_of(ada).get(ADDRESS).content.decode()
    assert "made-up numbers" in page
    assert "Hand in</button>" not in page
    at(datetime(2021, 8, 20, tzinfo=UTC))
    assert client_of(chi).get(ADDRESS).status_code == 404, "it is not released yet"
    assert client_of(ada).get(ADDRESS).status_code == 200
    ProblemSet.objects.filter(key="ps0").update(files=["work.py"])
    assert client_of(ada).get(ADDRESS).status_code == 404, "it has no questions"


def test_the_problem_page_leads_to_the_questions_and_a_report_says_what_to_read(chi, client_of):
    client = client_of(chi)
    page = client.get("/fall-2021/problems/ps0/").content.decode()
    assert ADDRESS in page
    assert "dropzone" not in page
    form = {"q.batch_variance": "s^2/n", "q.convex_functions": "2", "q.gaussian_kl": "<b>m</b>"}
    client.post(ADDRESS, {**form, "action": "hand-in", "tab": "a"})
    row = Submission.objects.get()
    lease, job = leases.claim("a worker")
    seed = student_seed("fall-2021", row.group_id)
    graded = judge(Problem.load(Path(job.version.folder)), row.path, student=seed)
    assert leases.finish(lease, graded)
    report = client.get(f"/fall-2021/submissions/{row.pk}/").content.decode()
    assert "What to read" in report
    assert "study this first" in report
    assert "<p>That holds for uncorrelated gradients.</p>" in report
    again = client.get(ADDRESS).content.decode()
    assert "when you last handed it in (0 of 2)" in again
    assert "<p>That holds for uncorrelated gradients.</p>" in again
    client.post(ADDRESS, {**form, "q.batch_variance": "s^2/n + 1", "action": "save", "tab": "a"})
    assert "That holds for" not in client.get(ADDRESS).content.decode(), "it was said of another answer"
    assert "<b>" not in report


def test_code_and_answers_are_handed_in_together_whichever_comes_first(chi, client_of, offering):
    """Of a problem set with both: the answers go along with the files, and the latest files with answers."""
    problem_set = offering.problem_sets.get(key="ps0")
    problem_set.files = ["work.py", "answers.json"]
    problem_set.save()
    client = client_of(chi)

    def contents() -> dict[str, bytes]:
        row = Submission.objects.order_by("number").last()
        assert not row.warnings
        with zipfile.ZipFile(row.path) as packed:
            return {info.filename: packed.read(info) for info in packed.infolist()}

    client.post(ADDRESS, {"q.camera_trap": "1/2", "action": "save", "tab": "a"})
    upload = SimpleUploadedFile("work.py", b"x = 1\n")
    client.post("/fall-2021/problems/ps0/hand-in", {"files": [upload]})
    assert contents() == {"work.py": b"x = 1\n", "answers.json": judged.dump({"camera_trap": "1/2"})}
    client.post(ADDRESS, {"q.camera_trap": "1/3", "action": "hand-in", "tab": "a"})
    assert contents() == {"work.py": b"x = 1\n", "answers.json": judged.dump({"camera_trap": "1/3"})}
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as packed:
        packed.writestr("mine/work.py", "x = 2\n")
    client.post("/fall-2021/problems/ps0/hand-in", {"files": [SimpleUploadedFile("x.zip", memory.getvalue())]})
    assert set(contents()) == {"mine/work.py", "mine/answers.json"}
    client.post(ADDRESS, {"q.camera_trap": "1/4", "action": "hand-in", "tab": "a"})
    assert contents()["mine/answers.json"] == judged.dump({"camera_trap": "1/4"})
    assert Submission.objects.count() == 4
