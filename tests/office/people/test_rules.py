"""Rosters: what each export says, what would change, and that nothing but a sentence comes of a broken file."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gradschool.office.people.rules import MOST_BYTES, Change, Person, Roster, RosterError, Row, diff, matching, parse

SECTIONS = ("CS 4803", "CS 7643")
OURS = "email,name,section\nchi@example.edu,Chi Nguyen,CS 7643\neve@example.edu,Eve Martin,CS 4803\n"
GRADESCOPE = """First Name,Last Name,SID,Email,Role,Section
Chi,Nguyen,903000001,Chi@Example.edu,Student,CS 7643
Eve,Martin,903000002,eve@example.edu,Student,CS 4803
Ben,Lindqvist,,ben@example.edu,TA,
"""
CANVAS_GRADEBOOK = """Student,ID,SIS User ID,SIS Login ID,Section,PS/HW1 (4711),Current Score,Final Grade
,,,,,Manual Posting,,
    Points Possible,,,,,46.00,(read only),(read only)
"Nguyen, Chi",81,903000001,chi,CS-7643-A,40,86.96,B
"Martin, Eve",82,903000002,eve,CS-4803-A,,,
"Student, Test",83,,6f1e,CS-4803-A,,,
"""
CANVAS_USERS = """user_id,login_id,first_name,last_name,full_name,sortable_name,short_name,email,status
903000001,chi,Chi,Nguyen,Chi Nguyen,"Nguyen, Chi",Chi,chi@example.edu,active
903000009,old,Old,Hand,Old Hand,"Hand, Old",Old,old@example.edu,deleted
"""
CANVAS_CLASS = """Student Name,Student ID,Student SIS ID,Email,Section Name
Chi Nguyen,81,903000001,chi@example.edu,Fall 2021 CS 7643 A
Eve Martin,82,903000002,eve@example.edu,Fall 2021 CS 4803 A
"""
CHI = Row(2, "chi@example.edu", "Chi Nguyen", "903000001", "CS 7643")
EVE = Row(3, "eve@example.edu", "Eve Martin", "903000002", "CS 4803")


def students(roster: Roster) -> list[tuple[str, str, str, str]]:
    return [(row.email, row.name, row.sid, row.section) for row in roster.rows]


BOTH = [(row.email, row.name, row.sid, row.section) for row in (CHI, EVE)]


@pytest.mark.parametrize(
    ("text", "source"),
    [(GRADESCOPE, "Gradescope"), (CANVAS_GRADEBOOK, "Canvas gradebook"), (CANVAS_CLASS, "Canvas people")],
)
def test_each_export_says_the_same_of_the_same_class(text: str, source: str) -> None:
    roster = parse(text.encode(), SECTIONS, domain="example.edu")
    assert students(roster) == BOTH
    assert roster.source == source
    assert roster.scope == SECTIONS


def test_staff_test_students_and_the_deleted_are_left_out_and_named() -> None:
    assert parse(GRADESCOPE.encode(), SECTIONS).notes == (
        "Row 4: “TA” is left out; a roster brings students, and staff are invited.",
    )
    assert parse(CANVAS_GRADEBOOK.encode(), SECTIONS, domain="example.edu").notes == (
        "Row 6: Canvas’s test student is left out.",
    )
    users = parse(CANVAS_USERS.encode(), SECTIONS, section="CS 7643")
    assert students(users) == BOTH[:1]
    assert users.notes == ("Row 3: a student with the status “deleted” is left out.",)


def test_a_file_for_one_section_keeps_the_others_out_of_its_scope() -> None:
    roster = parse(CANVAS_CLASS.encode(), SECTIONS, section="CS 4803")
    assert roster.scope == ("CS 4803",)
    assert students(roster) == BOTH, "whoever is listed elsewhere has not dropped"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends_do_not_matter(encoding: str, delimiter: str, end: str) -> None:
    out = io.StringIO(newline="")
    table = csv.writer(out, delimiter=delimiter, lineterminator=end)
    table.writerows([["E-Mail", "NAME", "Section"], ["LUCIA@example.edu ", '  Lucía  "Lu" Fernández', "cs7643"], []])
    roster = parse(out.getvalue().encode(encoding), SECTIONS)
    assert students(roster) == [("lucia@example.edu", 'Lucía "Lu" Fernández', "", "CS 7643")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty; choose a CSV file with a row of column names."),
        ("name,section\n", "Row 1 has no column “Email” (or “SIS Login ID”); it begins with “name, section”."),
        (
            "email,section\n",
            "Row 1 has no column “Name” (nor “First Name” and “Last Name”); add it, or choose another export.",
        ),
        ("email,name,Email\n", "Row 1 names the column “email” twice; remove one."),
        ("email,name\na@b.cd,A\n", "The file has no column “Section”; say which section it is the roster of."),
        (OURS.replace("chi@", "chi at "), "Row 2, column “email”: “chi at example.edu” is no e-mail address."),
        (OURS.replace("chi@", "\u212ahi@"), "Row 2, column “email”: “\u212ahi@example.edu” is no e-mail address."),
        (OURS.replace("Eve Martin", " "), "Row 3, column “name”: is empty; each student needs a name."),
        (
            OURS.replace("CS 4803", "CS 1"),
            "Row 3, column “section”: “CS 1” is no section of the course, which has CS 4803 and CS 7643.",
        ),
        (
            OURS.replace("CS 4803", "CS 4803 and CS 7643"),
            "Row 3, column “section”: “CS 4803 and CS 7643” is CS 4803 and CS 7643; a student is in one section.",
        ),
        (
            OURS + "CHI@example.edu,Chi N,CS 7643\n",
            "Rows 2 and 4 disagree about chi@example.edu; remove one of them.",
        ),
        (
            "email,name,section,sid\na@b.cd,A,CS 4803,7\nb@b.cd,B,CS 4803,7\n",
            "Rows 2 and 3 give the number “7” to two people, a@b.cd and b@b.cd; mend one of them.",
        ),
        (
            'email,name,section\na@b.cd,"A,CS 4803\n',
            "Row 2: a quotation mark is opened and not closed, or closed too early; mend the row, or export the file "
            "again.",
        ),
        (
            "name,section,email\nA,CS 4803\n",
            "Row 2 has 2 of 3 cells, none for the column “email”; complete the row, or remove it.",
        ),
        (
            OURS.splitlines()[0],
            "The file lists no student, so nothing is changed; choose a roster with at least one row.",
        ),
        ("PK\0\0", "The file is no text; export the roster as CSV, not as a workbook or PDF."),
        (OURS + "x" * MOST_BYTES, "The file is larger than 1 MiB, which no roster is; choose the CSV export."),
        (
            CANVAS_GRADEBOOK,
            "Row 4, column “SIS Login ID”: “chi” is no e-mail address; say which domain completes such names.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence_that_names_row_and_column(text: str, sentence: str) -> None:
    with pytest.raises(RosterError) as error:
        parse(text.encode(), SECTIONS)
    assert str(error.value) == sentence


def test_a_section_or_domain_that_cannot_be_is_said() -> None:
    with pytest.raises(RosterError, match="There is no section “CS 1”; the course has CS 4803 and CS 7643"):
        parse(OURS.encode(), SECTIONS, section="CS 1")
    with pytest.raises(RosterError, match="The domain “gatech” cannot be part of an e-mail address"):
        parse(OURS.encode(), SECTIONS, domain="gatech")


def test_the_same_row_twice_counts_once() -> None:
    roster = parse((OURS + "eve@EXAMPLE.edu,Eve  Martin,cs-4803\n").encode(), SECTIONS)
    assert len(roster.rows) == 2
    assert roster.notes == ("Row 4 says the same as row 3 and is left out.",)


def test_a_code_inside_another_is_not_taken_for_it() -> None:
    assert matching("CS 12 A", ["CS 1", "CS 12"]) == ["CS 12"]
    assert matching("CS 1", ["CS 1", "CS 12"]) == ["CS 1"]


# The difference


def person(number: int, row: Row, **fields: object) -> Person:
    return replace(Person(number, row.email, row.name, row.sid, row.section), **fields)


def roster_of(*rows: Row, scope: tuple[str, ...] = SECTIONS) -> Roster:
    return Roster("roster", rows, scope, ())


def kinds(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.kind, change.email) for change in changes]


def nobody(email: str) -> bool:
    return False


def test_added_moved_renamed_and_dropped() -> None:
    class_now = [
        person(1, CHI, section="CS 4803"),
        person(2, EVE, name="Eva Martin"),
        person(3, replace(EVE, email="gone@example.edu", sid="7")),
    ]
    new = Row(4, "new@example.edu", "New One", "", "CS 4803")
    changes, notes = diff(class_now, roster_of(CHI, EVE, new), nobody)
    assert kinds(changes) == [
        ("moved", CHI.email),
        ("renamed", EVE.email),
        ("added", new.email),
        ("dropped", "gone@example.edu"),
    ]
    assert changes[0].before == {"section": "CS 4803"}
    assert changes[0].after == {"section": "CS 7643"}
    assert changes[1].before == {"name": "Eva Martin"}
    assert notes == []


def test_a_student_is_known_by_number_when_the_address_is_new() -> None:
    married = replace(EVE, email="eve.moss@example.edu", name="Eve Moss")
    changes, _ = diff([person(2, EVE)], roster_of(married), nobody)
    assert kinds(changes) == [("renamed", EVE.email)]
    assert changes[0].after == {"name": "Eve Moss", "email": "eve.moss@example.edu"}
    changes, notes = diff([person(2, EVE)], roster_of(married), lambda email: True)
    assert changes[0].after == {"name": "Eve Moss"}, "an address that is somebody's account is never taken over"
    assert "eve.moss@example.edu is another account" in notes[0]


def test_a_roster_neither_renames_nor_readdresses_an_account_that_serves_elsewhere() -> None:
    other = replace(EVE, email="evil@example.edu", name="Not Eve")
    assert diff([person(2, EVE, elsewhere=True)], roster_of(other), nobody) == ([], [])


def test_staff_in_the_file_stay_staff_and_a_former_student_comes_back() -> None:
    class_now = [person(1, CHI, role="ta", section=""), person(2, EVE, active=False)]
    changes, notes = diff(class_now, roster_of(CHI, EVE), nobody)
    assert kinds(changes) == [("added", EVE.email)]
    assert changes[0].enrolment == 2
    assert notes == ["Row 2: chi@example.edu is ta here and stays so."]


def test_sections_out_of_scope_are_left_alone() -> None:
    class_now = [person(1, CHI), person(2, EVE)]
    assert diff(class_now, roster_of(EVE, scope=("CS 4803",)), nobody) == ([], [])
    moved = diff(class_now, roster_of(replace(EVE, section="CS 7643"), scope=("CS 4803",)), nobody)[0]
    assert kinds(moved) == [("moved", EVE.email)], "listed in another section is not dropped"


EMAILS = st.sampled_from([f"{name}@example.edu" for name in "abcdefgh"])
NAMES = st.sampled_from(["Ada B", "Bo C", "Ça Dé", "D'E F-G"])


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    emails = draw(st.lists(EMAILS, unique=True, min_size=1))
    sids = draw(st.permutations("1234567890"))
    rows = [
        Row(n, email, draw(NAMES), draw(st.sampled_from(["", sids[n]])), draw(st.sampled_from(SECTIONS)))
        for n, email in enumerate(emails)
    ]
    return roster_of(*rows, scope=draw(st.sampled_from([SECTIONS, SECTIONS[:1], SECTIONS[1:]])))


@st.composite
def classes(draw: st.DrawFn) -> list[Person]:
    emails = draw(st.lists(EMAILS, unique=True))
    sids = draw(st.permutations("1234567890"))
    return [
        Person(
            n + 1,
            email,
            draw(NAMES),
            draw(st.sampled_from(["", sids[n]])),
            draw(st.sampled_from(SECTIONS)),
            draw(st.sampled_from(["student", "student", "student", "ta", "applicant"])),
            draw(st.booleans()),
            draw(st.booleans()),
        )
        for n, email in enumerate(emails)
    ]


def after(people: list[Person], changes: list[Change]) -> list[Person]:
    """The class once the changes are made: what the database does, in a few lines."""
    now = {person.enrolment: person for person in people}
    for change in changes:
        fields = dict(change.after)
        if not change.enrolment:
            now[len(now) + 1] = Person(len(now) + 1, change.email, **fields)
            continue
        if "state" in fields:
            fields["active"] = fields.pop("state") == "active"
        now[change.enrolment] = replace(now[change.enrolment], **fields)
    return list(now.values())


@given(classes(), rosters())
def test_after_a_sync_the_scope_is_what_the_roster_says_and_a_second_sync_changes_nothing(people, roster) -> None:
    changes, _ = diff(people, roster, lambda email: email in {one.email for one in people})
    synced = after(people, changes)
    again, _ = diff(synced, roster, lambda email: email in {one.email for one in synced})
    assert again == []
    staff = {one.email for one in people if one.role == "ta"}
    listed = {row.email: row for row in roster.rows if row.section in roster.scope and row.email not in staff}
    here = {one.email: one for one in synced if one.studies and one.section in roster.scope}
    for email in listed:
        assert email in here or any(one.sid == listed[email].sid for one in here.values()), "who is listed is here"
    numbers = {row.sid for row in roster.rows if row.sid}
    for one in here.values():
        assert one.email in listed or one.sid in numbers, "who is here is listed"
    named = {row.email for row in roster.rows}
    for one in people:
        if one.section not in roster.scope and one.email not in named and one.sid not in numbers:
            assert one in synced, "who is neither listed nor in the scope is left alone"
    assert len(synced) >= len(people), "nobody is removed"


@given(st.binary(max_size=300))
@example(b"email,name,section\n\x81@b.cd,A,CS 4803")
def test_any_bytes_are_a_roster_or_one_sentence(data: bytes) -> None:
    for content in (data, OURS.encode() + data, OURS.splitlines()[0].encode() + b"\n" + data):
        said = "."
        try:
            parse(content, SECTIONS)
        except RosterError as error:
            said = str(error)
        assert said.endswith(".")
        assert "\n" not in said


@given(rosters(), st.sampled_from(",;\t|"), st.sampled_from(["utf-8-sig", "utf-16", "utf-8"]))
def test_what_is_written_is_read_back(roster: Roster, delimiter: str, encoding: str) -> None:
    out = io.StringIO(newline="")
    table = csv.writer(out, delimiter=delimiter)
    table.writerow(["sid", "email", "name", "section"])
    table.writerows([[row.sid, row.email.upper(), row.name, row.section] for row in roster.rows])
    read = parse(out.getvalue().encode(encoding), SECTIONS)
    assert students(read) == students(roster)
