"""Grades out to other platforms and back in: the round trip changes nothing, and what differs is previewed first."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from fractions import Fraction

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.gradebook import files, overrides
from gradschool.office.gradebook.exchange.table import BadTable
from gradschool.office.gradebook.ledger import record_of
from gradschool.office.gradebook.models import Import, Override
from gradschool.office.gradebook.overrides import Change, Setting

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Root Account,Section,Notes,Quiz (41),PS/HW1 (42),Letter (43),Homework Current Points,Homework Final Points,Current Score,Final Score,Override Score
,,,,,,,,Manual Posting,,,,,,
    Points Possible,,,,,,,10.00,46.00,0.00,(read only),(read only),(read only),(read only),
"Chi",7001,903000001,chi,canvas.example.edu,CS 7643 and Lab,"=note, kept",9.50,,,87.13,87.13,87.13,80.00,
"Eve",7002,903000002,eve,canvas.example.edu,CS 4803,,,12.00,,1.00,1.00,1.00,1.00,
"Student, Test",7003,,0a1b,canvas.example.edu,CS 7643,,,,,,,,,
"""  # noqa: E501


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def bring(client: Client, offering, text: str | bytes, name: str = "scores.csv", item: str = ""):
    content = text if isinstance(text, bytes) else text.encode()
    place = f"/{offering.slug}/staff/grades/imports/"
    return client.post(place, {"file": SimpleUploadedFile(name, content), "item": item})


def decide(client: Client, offering, imported: Import, step: str):
    return client.post(f"/{offering.slug}/staff/grades/imports/{imported.pk}/{step}")


@pytest.fixture
def graded(offering, chi, eve, hand_in, grade, at):
    """Chi has 80/3 of 46 points two days late, Eve has nothing."""
    at(offering.problem_sets.get(key="hw1").due + timedelta(hours=30))
    grade(hand_in(chi), "80/3")
    return offering


def test_a_canvas_gradebook_is_filled_in_and_nothing_else_of_it_changes(graded, chi, eve, ada, client_of) -> None:
    answer = client_of(ada).post(
        f"/{graded.slug}/staff/grades/files/canvas/fill", {"file": SimpleUploadedFile("Grades.csv", CANVAS.encode())}
    )
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    before, after = rows_of(CANVAS), rows_of(answer.content.decode())
    expected = [list(row) for row in before]
    expected[3][8:10] = ["26.67", record_of(chi.enrolments.get(), clock.now()).letter]
    expected[3][6] = "'=note, kept"  # a formula in a cell is shown, not run
    assert after == expected, "Eve, who has no score here, keeps hers, and so does the test student"


def importer_of_canvas(text: str, scores: dict[tuple[str, str], str]) -> list[tuple[str, str, str, str]]:
    """What Canvas would change, by the rules of its importer: students by ID, assignments by the id in parentheses,
    read-only columns and note rows ignored, numbers compared at two decimals."""
    header, *rest = rows_of(text)
    places = {place: title.rpartition("(")[2].rstrip(")") for place, title in enumerate(header) if title.endswith(")")}
    changes = []
    for row in rest:
        if "Points Possible" in row[0]:
            places = {place: one for place, one in places.items() if "read only" not in row[place]}
        elif not all(cell.strip() in ("", "Manual Posting") for cell in row):
            for place, assignment in places.items():
                old, new = scores.get((row[1], assignment), ""), row[place].strip()
                both = [f"{float(one):.2f}" if one.replace(".", "", 1).isdigit() else one for one in (old, new)]
                if both[0] != both[1]:
                    changes.append((row[1], assignment, old, new))
    return changes


def test_canvas_takes_what_was_filled_in_and_a_second_time_there_is_nothing_to_take(graded) -> None:
    canvas = {("7001", "41"): "9.5", ("7002", "42"): "12"}
    text = files.export(graded, "canvas", like=CANVAS.encode())
    changes = importer_of_canvas(text, canvas)
    assert changes == [("7001", "42", "", "26.67"), ("7001", "43", "", "F")]
    canvas |= {(student, assignment): new for student, assignment, _, new in changes}
    assert importer_of_canvas(files.export(graded, "canvas", like=text.encode()), canvas) == []


@pytest.mark.parametrize("form", ["own", "canvas", "gradescope"])
@pytest.mark.parametrize("change", [False, True])
def test_what_goes_out_comes_back_without_a_change(graded, ada, chi, eve, form, change) -> None:
    if change:  # values of the staff's own survive it, too
        pk = eve.enrolments.get().pk
        settings = {"hw1": "10/3", "participation": "5/2", "letter": "C", "project": "41"}
        overrides.write(graded, ada, [Change(pk, item, Setting(value, None, "x")) for item, value in settings.items()])
    entries = Entry.objects.count()
    draft = files.draft(graded, ada, "back.csv", files.export(graded, form).encode())
    assert (draft.proposed, draft.problems) == ([], [])
    assert draft.unchanged >= 1
    assert files.apply(draft, ada) == 0
    assert Entry.objects.count() == entries


def test_a_fresh_canvas_gradebook_has_the_form_of_canvas(graded, chi) -> None:
    header, points, first, second = rows_of(files.export(graded, "canvas"))
    assert header == ["Student", "ID", "SIS Login ID", "Section", "PS/HW1", "Project", "Final", "Letter"]
    assert points == ["    Points Possible", "", "", "", "46.00", "60.00", "100.00", ""]
    assert first == ["Chi", "", "chi", "CS 7643", "26.67", "", "57.97", "F"]
    assert second == ["Eve", "", "eve", "CS 4803", "", "", "", ""]
    assert rows_of(files.export(graded, "canvas", "CS 4803"))[1][4] == "40.00", "without CS 4803's extra credit"


def test_gradescopes_columns_tell_points_and_lateness(graded) -> None:
    header, chi, eve = rows_of(files.export(graded, "gradescope"))
    assert header[5:9] == ["PS/HW1", "PS/HW1 - Max Points", "PS/HW1 - Submission Time", "PS/HW1 - Lateness (H:M:S)"]
    assert header[-1] == "Total Lateness (H:M:S)"
    assert chi[5:9] == ["26.67", "46.00", "2021-09-17 05:59:00 -0400", "30:00:00"]
    assert eve[5:9] == ["", "40.00", "", ""]


def test_a_name_that_is_a_formula_is_not_run_and_still_found(graded, ada, chi) -> None:
    chi.name = "=cmd|' /C calc'!A0"
    chi.save()
    for form in files.FORMS:
        text = files.export(graded, form)
        assert not [cell for row in rows_of(text) for cell in row if cell.startswith(("=", "+", "@"))]
        assert files.draft(graded, ada, "x.csv", text.encode()).problems == []


def test_scores_are_previewed_then_entered_then_undone(graded, ada, chi, eve, client_of) -> None:
    client, before = client_of(ada), record_of(chi.enrolments.get(), clock.now())
    text = "email,hw1,participation\nchi@example.edu,45,2\neve@example.edu,30.5,\nwho@example.edu,1,\n"
    answer = bring(client, graded, text)
    draft = Import.objects.get()
    assert answer.headers["Location"].endswith(f"/imports/{draft.pk}/")
    page = client.get(answer.headers["Location"]).content.decode()
    for words in ("Nothing is changed yet", "26.67", "45", "30.5", "Row 4: “who@example.edu” is no student here"):
        assert words in page
    assert not Override.objects.exists()

    decide(client, graded, draft, "apply")
    assert record_of(chi.enrolments.get(), clock.now()).lines[0].points == 45
    assert record_of(eve.enrolments.get(), clock.now()).lines[0].points == Fraction(61, 2)
    assert (
        "The staff entered its points: from scores.csv."
        in client_of(eve).get(f"/{graded.slug}/grades/").content.decode()
    )
    decide(client, graded, draft, "apply")
    assert Override.objects.count() == 3, "applying twice is applying once"

    overrides.write(graded, ada, [Change(eve.enrolments.get().pk, "hw1", Setting("40", None, "regrade"))])
    decide(client, graded, draft, "undo")
    decide(client, graded, draft, "undo")
    assert record_of(chi.enrolments.get(), clock.now()) == before
    assert record_of(eve.enrolments.get(), clock.now()).lines[0].points == 40, "what was entered since stays"
    assert Entry.objects.filter(action=overrides.ACTION).count() == 3 + 1 + 2


def test_nothing_is_applied_over_what_somebody_entered_since(graded, ada, ben, chi, client_of) -> None:
    client = client_of(ada)
    bring(client, graded, "email,hw1\nchi@example.edu,45\n")
    overrides.write(graded, ben, [Change(chi.enrolments.get().pk, "hw1", Setting("1", None, "x"))])
    answer = decide(client, graded, Import.objects.get(), "apply")
    assert answer.status_code == 409
    assert "hw1 of Chi was entered by somebody since" in answer.content.decode()
    assert Override.objects.get().value == "1"


def test_a_draft_is_thrown_away_and_an_applied_file_is_not(graded, ada, chi, client_of) -> None:
    client = client_of(ada)
    bring(client, graded, "email,hw1\nchi@example.edu,45\n")
    decide(client, graded, Import.objects.get(), "discard")
    assert not Import.objects.exists()
    bring(client, graded, "email,hw1\nchi@example.edu,45\n")
    decide(client, graded, Import.objects.get(), "apply")
    decide(client, graded, Import.objects.get(), "discard")
    assert Import.objects.get().applied_at is not None
    assert decide(client, graded, Import.objects.get(), "explode").status_code == 404


def test_scores_of_nbgrader_and_otter_count_under_our_own_law(graded, ada, chi, eve, client_of) -> None:
    nbgrader = (
        "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,late_submission_penalty,score,"
        "max_score\nhw1,,2021-09-17 09:00:00,chi,,Chi,,40,39,1,46\nhw1,,,eve,,Eve,,0,0,0,46\n"
    )
    draft = files.draft(graded, ada, "nbgrader.csv", nbgrader.encode())
    assert len(draft.proposed) == 1
    files.apply(draft, ada)
    line = record_of(chi.enrolments.get(), clock.now()).lines[0]
    assert (line.points, line.days_late, line.days_covered) == (40, 2, 2), "its penalty is not taken twice"
    otter = "file,q1,percent_correct\neve.ipynb,30,0.7\n"
    draft = files.draft(graded, ada, "final_grades.csv", otter.encode(), "hw1")
    files.apply(draft, ada)
    assert record_of(eve.enrolments.get(), clock.now()).lines[0].points == 30


def test_rows_that_contradict_or_say_nothing_are_left_out_with_a_reason(graded, ada) -> None:
    text = "email,hw1,letter\nchi@example.edu,EX,\neve@example.edu,12,Q\nchi@example.edu,3,\neve@example.edu,13,\n"
    draft = files.draft(graded, ada, "x.csv", text.encode())
    assert draft.proposed == []
    sentences = [sentence for _, sentence in draft.problems]
    assert sentences == [
        "hw1 of Chi is excused there and not here; it is left as it is.",
        "letter of Eve: “Q” is no letter of this course; there are A, B, C, D, F.",
        "Chi has hw1 a second time, so it is left as it is.",
        "Eve has hw1 a second time, so it is left as it is.",
    ]


@pytest.mark.parametrize("content", [b"", b"one\n", b"\x00\x01", b"a,b\n1,2,3\n"])
def test_a_bad_file_gets_a_sentence_and_changes_nothing(graded, ada, client_of, content) -> None:
    answer = bring(client_of(ada), graded, content or b"\n")
    assert answer.status_code == 400
    assert "Nothing was changed." in answer.content.decode()
    assert not Import.objects.exists()
    with pytest.raises(BadTable):
        files.export(graded, "canvas", like=content)


def test_no_file_and_two_files_are_refused(graded, ada, client_of) -> None:
    place = f"/{graded.slug}/staff/grades/imports/"
    assert "Choose one file of grades." in client_of(ada).post(place, {"item": ""}).content.decode()
    two = [SimpleUploadedFile("a.csv", b"a"), SimpleUploadedFile("b.csv", b"b")]
    assert "one file at a time" in client_of(ada).post(place, {"file": two}).content.decode()


def test_files_are_for_the_staff_of_the_offering_alone(graded, ada, chi, dov, client_of) -> None:
    bring(client_of(ada), graded, "email,hw1\nchi@example.edu,45\n")
    pk, base = Import.objects.get().pk, f"/{graded.slug}/staff/grades/"
    reads = [base, f"{base}statistics/", f"{base}files/", f"{base}files/own.csv", f"{base}imports/{pk}/"]
    writes = [f"{base}files/canvas/fill", f"{base}imports/", *[f"{base}imports/{pk}/{s}" for s in ("apply", "undo")]]
    for person in (chi, dov):
        assert {client_of(person).get(place).status_code for place in reads} == {403}
        assert {client_of(person).post(place).status_code for place in writes} == {403}
    assert {Client().get(place).status_code for place in reads} == {302}
    assert {client_of(ada).get(place).status_code for place in reads} == {200}
    assert client_of(ada).get(f"{base}files/excel.csv").status_code == 404
    assert client_of(ada).get(f"{base}files/own.csv?section=CS 1").status_code == 404
    assert client_of(ada).get(f"{base}imports/{pk + 1}/").status_code == 404


def test_a_forged_upload_is_refused(graded, ada) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert bring(client, graded, "email,hw1\nchi@example.edu,45\n").status_code == 403
    assert not Import.objects.exists()
