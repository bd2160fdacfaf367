"""Handing in: what is taken, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gradschool.office.handin import blobs, receipts, rules
from gradschool.office.handin.models import Group, Submission
from gradschool.office.people.models import ApiToken, Enrolment, User
from gradschool.office.queue.models import Job

FORM = "/fall-2021/problems/hw1/hand-in"
GOOD = {"classifier.py": b"x = 1\n", "network.py": b"y = 2\n"}

pytestmark = pytest.mark.django_db


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return memory.getvalue()


def uploads(**files: bytes) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, content) for name, content in files.items()]


def send(client: Client, *files: SimpleUploadedFile):
    return client.post(FORM, {"files": list(files)}, headers={"X-Requested-With": "XMLHttpRequest"})


def state() -> tuple[int, int, list[str]]:
    """Everything that a refused hand-in must leave as it was."""
    kept = sorted(path.name for path in blobs.folder().rglob("*") if path.is_file())
    return Submission.objects.count(), Job.objects.count(), kept


def refused(answer, status: int, words: str) -> None:
    assert answer.status_code == status, answer.content
    assert words in answer.json()["error"]
    assert state() == (0, 0, [])


def a_zip(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("mine.zip", content)


def test_loose_files_become_a_submission_with_a_job_and_a_genuine_receipt(chi, client_of) -> None:
    answer = send(client_of(chi), *[SimpleUploadedFile(name, content) for name, content in GOOD.items()])
    row = Submission.objects.get()
    assert answer.json() == {"location": f"/fall-2021/submissions/{row.pk}/"}
    assert {name for name, _ in ((file["name"], 0) for file in row.files)} == set(GOOD)
    assert row.path.exists()
    assert row.jobs.count() == 1
    receipt = client_of(chi).get(f"/fall-2021/submissions/{row.pk}/receipt.txt").content.decode()
    assert row.blob in receipt
    assert receipts.genuine(receipt) is not None
    assert receipts.genuine(receipt.replace("Chi", "Eve")) is None


def test_a_missing_required_file_is_a_warning_that_names_it(chi, client_of) -> None:
    assert send(client_of(chi), SimpleUploadedFile("classifier.py", b"x = 1\n")).status_code == 200
    row = Submission.objects.get()
    assert row.warnings[0].startswith("network.py, torch_net.py, figures.py and answers.json are missing.")


def test_a_second_click_is_the_same_submission_and_a_b_a_is_three(chi, client_of) -> None:
    client = client_of(chi)
    first = send(client, a_zip(zipped(GOOD))).json()
    assert send(client, a_zip(zipped(GOOD))).json() == first
    send(client, a_zip(zipped({**GOOD, "network.py": b"z = 3\n"})))
    send(client, a_zip(zipped(GOOD)))
    assert list(Submission.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]


def test_names_in_other_scripts_are_kept(chi, client_of) -> None:
    send(client_of(chi), a_zip(zipped({**GOOD, "заметки/笔记.txt": b"ok"})))
    assert "заметки/笔记.txt" in [file["name"] for file in Submission.objects.get().files]


def test_not_a_zip_is_refused(chi, client_of) -> None:
    refused(send(client_of(chi), a_zip(b"this is no zip at all")), 400, "not a zip archive")


def test_a_zip_that_climbs_out_is_refused(chi, client_of) -> None:
    refused(send(client_of(chi), a_zip(zipped({"../../etc/passwd": b"x"}))), 400, "..")


def test_a_zip_bomb_is_refused(chi, client_of) -> None:
    refused(send(client_of(chi), a_zip(zipped({"zeros.py": bytes(60_000_000)}))), 400, "unpack")


def test_ten_thousand_files_are_refused(chi, client_of) -> None:
    many = {f"f{number}.py": b"" for number in range(10_000)}
    refused(send(client_of(chi), a_zip(zipped(many, zipfile.ZIP_STORED))), 400, "10,000")


def test_nothing_in_it_is_refused(chi, client_of) -> None:
    refused(send(client_of(chi), a_zip(zipped({}))), 400, "Nothing was handed in")
    refused(send(client_of(chi)), 400, "no file")


def test_a_file_over_the_limit_is_refused(chi, client_of, settings) -> None:
    settings.UPLOAD_LIMIT = 100_000
    refused(send(client_of(chi), a_zip(bytes(200_000))), 413, "larger than")
    refused(send(client_of(chi), a_zip(bytes(900_000))), 413, "larger than")


def test_a_name_with_control_characters_is_refused(chi, client_of) -> None:
    refused(send(client_of(chi), a_zip(zipped({"bad\x07name.py": b"x"}))), 400, "control")


@pytest.mark.parametrize(
    ("when", "words"),
    [(datetime(2021, 8, 30, tzinfo=UTC), "not released yet"), (datetime(2021, 9, 28, tzinfo=UTC), "closed on")],
)
def test_outside_its_window_nothing_is_taken(chi, client_of, at, when: datetime, words: str) -> None:
    at(when)
    refused(send(client_of(chi), a_zip(zipped(GOOD))), 409, words)


def test_the_last_moment_before_closing_is_in_time(chi, client_of, at) -> None:
    at(datetime(2021, 9, 27, 3, 59, tzinfo=UTC))  # 23:59 EDT of September 26, eleven days past due
    assert send(client_of(chi), a_zip(zipped(GOOD))).status_code == 200


def test_who_is_not_enrolled_is_told_so(dov, offering, client_of) -> None:
    refused(send(client_of(dov), a_zip(zipped(GOOD))), 403, "not enrolled")


def test_an_ended_session_is_told_and_leads_back(chi, offering) -> None:
    refused(send(Client(), a_zip(zipped(GOOD))), 401, "session has ended")
    here = "http://testserver/fall-2021/problems/hw1/"
    page = Client().post(FORM, {"files": [a_zip(zipped(GOOD))]}, headers={"Referer": here})
    assert page.status_code == 302
    assert page["Location"].startswith("/signin?next=%2Ffall-2021%2Fproblems%2Fhw1%2F")


def test_a_forged_form_is_refused(chi) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(chi)
    assert send(client, a_zip(zipped(GOOD))).status_code == 403
    assert state() == (0, 0, [])


def test_a_refused_form_without_script_shows_the_sentence_on_the_page(chi, client_of) -> None:
    page = client_of(chi).post(FORM, {"files": [a_zip(b"nonsense")]})
    assert page.status_code == 400
    assert "not a zip archive" in page.content.decode()


def test_another_students_submission_does_not_exist(chi, eve, dov, ada, client_of) -> None:
    send(client_of(chi), a_zip(zipped(GOOD)))
    row = Submission.objects.get()
    for page in ("", "status", "receipt.txt", "files.zip"):
        address = f"/fall-2021/submissions/{row.pk}/{page}"
        assert client_of(eve).get(address).status_code == 404
        assert client_of(dov).get(address).status_code == 404
        assert Client().get(address).status_code == 302
        assert client_of(chi).get(address).status_code == 200
        assert client_of(ada).get(address).status_code == 200


def test_only_staff_grade_again_and_see_the_class(chi, ada, client_of) -> None:
    send(client_of(chi), a_zip(zipped(GOOD)))
    row = Submission.objects.get()
    again = f"/fall-2021/submissions/{row.pk}/grade-again"
    assert client_of(chi).post(again).status_code == 403
    assert client_of(chi).get("/fall-2021/staff/hw1/").status_code == 403
    row.jobs.update(state="done")
    assert client_of(ada).post(again).status_code == 302
    assert list(row.jobs.order_by("pk").values_list("lane", flat=True)) == ["live", "rerun"]
    assert "Chi" in client_of(ada).get("/fall-2021/staff/hw1/").content.decode()


def test_a_full_disk_is_said_and_leaves_nothing(chi, client_of, monkeypatch) -> None:
    def full(descriptor: int, data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(blobs.os, "write", full)
    refused(send(client_of(chi), a_zip(zipped(GOOD))), 507, "disk is full")


def test_the_command_line_hands_in_with_its_token(chi, offering) -> None:
    token = ApiToken.issue(chi, "laptop")
    address = "/api/fall-2021/problems/hw1/submissions"
    body = {"data": zipped(GOOD), "content_type": "application/zip"}
    answer = Client().post(address, **body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201
    assert answer.json()["number"] == 1
    wrong = Client().post(address, **body, headers={"Authorization": "Bearer gs_wrong"})
    assert wrong.status_code == 401
    found = Client().get(
        f"/api/fall-2021/submissions/{answer.json()['submission']}", headers={"Authorization": f"Bearer {token}"}
    )
    assert found.json()["report"] is None


@pytest.mark.parametrize(
    ("least", "ahead", "seconds"),
    [(None, 0, 2), (3, 1, 2), (40, 5, 10), (None, 80, 20), (3600, 900, 30)],
)
def test_a_page_that_waits_long_asks_seldom(least: int | None, ahead: int, seconds: int) -> None:
    assert rules.seconds_to_next_look(least, ahead) == seconds


def test_the_page_of_a_hand_in_asks_soon_when_its_grading_is_next(chi, client_of) -> None:
    send(client_of(chi), a_zip(zipped(GOOD)))
    row = Submission.objects.get()
    assert 'hx-trigger="every 2s"' in client_of(chi).get(f"/fall-2021/submissions/{row.pk}/status").content.decode()


def test_the_hand_out_is_a_zip_without_the_solution(offering, client) -> None:
    answer = client.get("/fall-2021/problems/hw1/handout.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        starter = next(name for name in names if name.endswith("classifier.py"))
        assert b"powers" not in archive.read(starter)
    assert not [name for name in names if "solution" in name]
    assert Path(starter).name == "classifier.py"


def test_the_staffs_page_holds_more_groups_than_sqlite_takes_conditions(offering, ada, client_of) -> None:
    count = 1_001  # SQLite takes an expression of a thousand
    hw1 = offering.problem_sets.get(key="hw1")
    section = offering.sections.first()
    users = User.objects.bulk_create(User(email=f"s{n}@example.edu", name=f"S{n}") for n in range(count))
    places = Enrolment.objects.bulk_create(
        Enrolment(user=user, offering=offering, role="student", section=section) for user in users
    )
    groups = Group.objects.bulk_create(Group(offering=offering, alone=place) for place in places)
    Group.members.through.objects.bulk_create(
        Group.members.through(group=group, user=user) for group, user in zip(groups, users, strict=True)
    )
    times = dict.fromkeys(("arrived_at", "completed_at", "counted_at"), hw1.released)
    Submission.objects.bulk_create(
        Submission(group=group, problem_set=hw1, number=1, blob="0" * 64, size=1, submitted_by=user, **times)
        for group, user in zip(groups, users, strict=True)
    )
    page = client_of(ada).get(f"/{offering.slug}/staff/hw1/").content.decode()
    assert f"{count} of {count} students have handed in" in page


@pytest.mark.parametrize("files", [1, 2])
def test_a_form_that_says_it_is_shorter_than_it_is_leaves_no_file_aside(chi, client_of, files: int) -> None:
    part = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="%d.py"\r\n\r\nx = 1\r\n'
    body = b"".join(part % number for number in range(files))[
        :-4
    ]  # the last file's end and the closing line are missing
    headers = {"X-Requested-With": "XMLHttpRequest"}
    answer = client_of(chi).post(FORM, body, content_type="multipart/form-data; boundary=edge", headers=headers)
    refused(answer, 400, "ended before all of it was here")
