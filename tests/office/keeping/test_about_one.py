"""What is kept about somebody is given out whole, and nothing of anybody else."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile

import pytest

from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.overrides import Change, Setting
from gradschool.office.handin import receipts
from gradschool.office.marking.models import Item, Mark, Question, Writing
from gradschool.office.queue import leases


@pytest.fixture
def data(offering, ada, ben, chi, eve, note, hand_in, grade, client_of):
    """Chi's data as Chi downloads them: the rows, and the zip."""
    submission = hand_in(chi, "x = 1\n")
    grade(submission, "23")
    grade(hand_in(eve, "x = 2\n"), "7")
    question = Question.objects.create(
        problem_set=submission.problem_set, key="prose", part="1a", title="R", points=4, published_at=clock.now()
    )
    later = Question.objects.create(problem_set=submission.problem_set, key="later", part="1a", title="L", points=4)
    for one in (question, later):
        writing = Writing.objects.create(submission=submission, question=one, digest="d", text="Because.")
        for place, reader, text in ((1, ada, f"first of {one.key}"), (2, ben, f"second of {one.key}")):
            item = Item.objects.create(question=one, text=text, points="3")
            Mark.objects.create(writing=writing, reader=reader, place=place, at=clock.now()).items.add(item)
    change = Change(chi.enrolments.get().pk, "participation", Setting("4", None, "asked much"))
    overrides.write(offering, ada, [change])
    answer = client_of(chi).get("/fall-2021/my-data.zip")
    packed = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    return submission, json.loads(packed.read("about.json")), packed


def test_all_of_it_is_there(data, note):
    submission, about, packed = data
    assert about["account"][0]["email"] == "chi@example.edu"
    assert about["hand-ins"][0]["blob"] == submission.blob
    assert about["extensions and excuses"][0]["reason"] == "ill"
    assert about["values that staff entered"][0]["reason"] == "asked much"
    assert about["answers for readers"][0]["text"] == "Because."
    assert {entry["action"] for entry in about["log"]} >= {"score set"}
    assert packed.read("hand-ins/hw1/1/files.zip") == submission.path.read_bytes()
    assert receipts.genuine(packed.read("hand-ins/hw1/1/receipt.txt").decode()) == submission.receipt
    assert json.loads(packed.read("hand-ins/hw1/1/report-1.json"))["checks"][0]["points"] == "23"
    (document,) = (name for name in packed.namelist() if name.startswith("documents/"))
    assert packed.read(document) == b"Chi was ill."


def test_nothing_of_anybody_else_is_in_it(data):
    _, about, packed = data
    text = "".join(packed.read(name).decode(errors="replace") for name in packed.namelist() if "files" not in name)
    for secret in ("Eve", "eve@", "Ben", "ben@", "ada@", "second of", "of later", "password", "digest"):
        assert secret not in text.replace("Passwords and keys", ""), secret
    assert [mark["items"] for mark in about["marks"]] == [["first of prose"]]


def test_what_hidden_checks_ask_is_not_in_it(offering, chi, hand_in, client_of, report):
    hand_in(chi)
    lease, _ = leases.claim("w")
    found = report("3")
    hidden = dataclasses.replace(found.checks[0], public=False, message="softmax([1000, 0])", output="printed")
    leases.finish(lease, dataclasses.replace(found, checks=(hidden,), notes=("for staff",)))
    answer = client_of(chi).get("/fall-2021/my-data.zip")
    packed = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    text = packed.read("hand-ins/hw1/1/report-1.json").decode()
    assert "softmax([1000" not in text
    assert "for staff" not in text


def test_an_instructor_s_download_is_logged(offering, ada, chi, client_of):
    pk = chi.enrolments.get().pk
    answer = client_of(ada).get(f"/fall-2021/staff/students/{pk}/data.zip")
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    assert Entry.objects.get(action="data exported").details["enrolment"] == pk
