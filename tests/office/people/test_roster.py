"""Bringing the class up to date from a file: shown first, applied whole, taken back, and nobody loses work."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from gradschool.office.audit.models import Entry
from gradschool.office.handin.models import Submission
from gradschool.office.people import roster
from gradschool.office.people.models import Enrolment, Offering, Role, RosterImport, User
from tests.office.conftest import person

FILE = """email,name,section,sid
chi@example.edu,Chi Nguyen,CS 4803,903000001
new@example.edu,New One,CS 7643,903000003
"""


def class_of(offering: Offering) -> list[tuple[str, str, str, str, str]]:
    rows = Enrolment.objects.filter(offering=offering, role=Role.STUDENT).select_related("user", "section")
    return sorted((r.user.email, r.user.name, r.section.code if r.section else "", r.sid, r.state) for r in rows)


def upload(client, offering, text: str | bytes = FILE, **fields: str):
    data = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile("fall.csv", data, "text/csv")
    return client.post(f"/{offering.slug}/staff/roster/", {"file": file, **fields})


def test_an_import_is_shown_then_applied_then_taken_back(offering, ada, chi, eve, client_of, hand_in) -> None:
    work = hand_in(eve)
    before = class_of(offering)
    client = client_of(ada)
    shown = upload(client, offering)
    page = client.get(shown.url).content.decode()
    assert class_of(offering) == before, "nothing is changed by looking"
    for words in ("Added", "New One", "Moved", "Chi Nguyen", "Renamed", "Dropped", "Eve", "Apply 4 changes"):
        assert words in page
    assert client.post(f"{shown.url}apply").status_code == 302
    assert class_of(offering) == [
        ("chi@example.edu", "Chi Nguyen", "CS 4803", "903000001", "active"),
        ("eve@example.edu", "Eve", "CS 4803", "", "dropped"),
        ("new@example.edu", "New One", "CS 7643", "903000003", "active"),
    ]
    assert Submission.objects.get() == work
    assert client_of(eve).get(f"/{offering.slug}/submissions/{work.pk}/").status_code == 200, "her work stays hers"
    assert client_of(eve).get(f"/{offering.slug}/grades/").status_code == 403
    entry = Entry.objects.get(action="roster applied")
    assert entry.actor == ada
    assert [change["kind"] for change in entry.details["changes"]] == ["moved", "renamed", "added", "dropped"]

    again = upload(client, offering)
    assert "there is nothing to change" in client.get(again.url).content.decode()

    client.post(f"{shown.url}undo")
    assert [row for row in class_of(offering) if row[4] == "active"] == before
    assert Entry.objects.filter(action="roster undone").count() == 1
    assert "Undone" in client.get(shown.url).content.decode()
    with pytest.raises(roster.CannotApply):
        roster.undo(RosterImport.objects.get(pk=RosterImport.objects.first().pk), ada)


def test_a_dropped_student_cannot_hand_in_and_comes_back_with_all_work(offering, ada, chi, client_of, hand_in) -> None:
    hand_in(chi)
    client = client_of(ada)
    gone = upload(client, offering, "email,name,section\nother@example.edu,O,CS 7643\n")
    client.post(f"{gone.url}apply")
    refused = client_of(chi).post(f"/{offering.slug}/problems/hw1/hand-in", {})
    assert refused.status_code == 403
    back = upload(client, offering, "email,name,section\nother@example.edu,O,CS 7643\nchi@example.edu,Chi,CS 7643\n")
    assert "comes back" in client.get(back.url).content.decode()
    client.post(f"{back.url}apply")
    assert hand_in(chi, "y = 2\n").number == 2, "the same group goes on"


def test_a_class_that_changed_since_the_preview_is_shown_again(offering, ada, chi, eve, client_of) -> None:
    client = client_of(ada)
    shown = upload(client, offering)
    person("Late", offering, Role.STUDENT, "CS 7643")
    before = class_of(offering)
    client.post(f"{shown.url}apply")
    assert class_of(offering) == before
    page = client.get(shown.url).content.decode()
    assert "The class has changed since this was shown" in page
    assert "late@example.edu" in page
    client.post(f"{shown.url}apply")
    assert ("late@example.edu", "Late", "CS 7643", "", "dropped") in class_of(offering)


def test_what_was_changed_since_an_import_survives_its_undoing(offering, ada, chi, eve, client_of) -> None:
    client = client_of(ada)
    shown = upload(client, offering)
    client.post(f"{shown.url}apply")
    place = Enrolment.objects.get(user=chi)
    client.post(
        f"/{offering.slug}/staff/people/{place.pk}/change", {"role": "student", "section": "CS 7643", "state": "active"}
    )
    page = client.post(f"{shown.url}undo", follow=True).content.decode()
    assert "Chi Nguyen was changed again since and stays as it is." in page
    assert place.__class__.objects.get(pk=place.pk).section.code == "CS 7643"


def test_imports_are_undone_from_the_last_one_back(offering, ada, chi, eve, client_of) -> None:
    client = client_of(ada)
    first = upload(client, offering)
    client.post(f"{first.url}apply")
    second = upload(client, offering, FILE.replace("New One", "New Two"))
    client.post(f"{second.url}apply")
    page = client.post(f"{first.url}undo", follow=True).content.decode()
    assert "A later roster, fall.csv, is applied; undo that one first." in page
    client.post(f"{second.url}undo")
    client.post(f"{first.url}undo")
    assert [row[0] for row in class_of(offering) if row[4] == "active"] == ["chi@example.edu", "eve@example.edu"]


def test_a_new_address_moves_the_account_along(offering, ada, eve, client_of) -> None:
    Enrolment.objects.filter(user=eve).update(sid="77")
    client = client_of(ada)
    shown = upload(client, offering, "email,name,section,sid\neve.moss@example.edu,Eve Moss,CS 4803,77\n")
    client.post(f"{shown.url}apply")
    eve.refresh_from_db()
    assert (eve.email, eve.name) == ("eve.moss@example.edu", "Eve Moss")
    User.objects.create_user("eve@example.edu", "Somebody else")
    page = client.post(f"{shown.url}undo", follow=True).content.decode()
    assert "Eve Moss was changed again since" in page, "the old address is another account by now"


def test_a_broken_file_is_a_sentence_and_changes_nothing(offering, ada, chi, eve, client_of) -> None:
    before = class_of(offering)
    client = client_of(ada)
    for content, words in [
        (b"\x00\x01", "The file is no text"),
        ("email,name\nx@example.edu,X\n", "say which section it is the roster of. Nothing was changed."),
        ("x" * (2 << 20), "larger than 1 MiB"),
    ]:
        answer = upload(client, offering, content)
        assert answer.status_code == 400
        assert words in answer.content.decode()
    nothing = client.post(f"/{offering.slug}/staff/roster/", {})
    assert nothing.status_code == 400
    assert "There is no file; choose one CSV file." in nothing.content.decode()
    assert class_of(offering) == before
    assert not RosterImport.objects.exists()


def test_a_form_without_its_token_is_refused(offering, ada) -> None:
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert upload(client, offering).status_code == 403
    assert not RosterImport.objects.exists()


def test_an_instructor_changes_roles_and_not_the_own_one(offering, ada, ben, chi, client_of, hand_in) -> None:
    client = client_of(ada)

    def change(user: User, role: str, section: str = "", state: str = "active") -> int:
        pk = Enrolment.objects.get(user=user).pk
        fields = {"role": role, "section": section, "state": state}
        return client.post(f"/{offering.slug}/staff/people/{pk}/change", fields).status_code

    assert change(ben, "ta", "CS 4803") == 302
    assert Enrolment.objects.get(user=ben).section.code == "CS 4803"
    assert Entry.objects.get(action="role").details["after"] == {"role": "ta", "section": "CS 4803", "state": "active"}
    assert change(chi, "student") == 400, "a student is in a section"
    assert change(chi, "applicant", "CS 4803") == 400
    assert change(chi, "student", "CS 1") == 400
    assert change(ada, "ta") == 400
    hand_in(chi)
    assert change(chi, "ta") == 400, "a student's work stays a student's"
    assert change(chi, "student", "CS 4803", "dropped") == 302


def test_a_class_of_a_thousand_is_imported_with_a_bounded_number_of_queries_to_preview(
    offering, ada, django_assert_max_num_queries
) -> None:
    lines = [f"s{n}@example.edu,Student {n},CS 7643,{n}" for n in range(1000)]
    data = ("email,name,section,sid\n" + "\n".join(lines)).encode()
    with django_assert_max_num_queries(8):
        row = roster.preview(offering, "big.csv", data, "", "", ada)
    roster.apply(row, ada)
    assert Enrolment.objects.students().count() == 1000
    with django_assert_max_num_queries(8):
        again = roster.preview(offering, "big.csv", data, "", "", ada)
    assert again.changes == []
