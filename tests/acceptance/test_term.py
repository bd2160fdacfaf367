"""A term in miniature, played by six people with a browser each, on a real site with real gradings.

Ada teaches, Ben assists, Obi observes; Chi (CS 7643), Eve (CS 4803) and Gus (CS 7643) study. The course is
`miniature/`: PS0, two homeworks and a project; two free late days, a quarter for each further one. What must come out
is worked out by hand here:

          code of HW1   review   HW1            HW2                              homework   project    bonus   final
    Chi   6 of 6        3, 4     10/10          6/10, on time                    80         15/20: 75   2      81
    Eve   4 of 6        1        5/6 (extra)    excused                          83 1/3     18/20: 90   0      84.67
    Gus   6 of 6        4        10/10          10/10, 3 days late, 2 free: 3/4  87.5       20/20       5      95

A final is 0.8 homework + 0.2 project + bonus.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gradschool import sandbox
from tests.grading.test_papers import a_pdf

from .conftest import HERE, Person, Term

pytestmark = pytest.mark.browser

GRADESCOPE = """First Name,Last Name,SID,Email,Role,Section
Chi,Nguyen,901,chi@example.edu,Student,CS 7643
Hal,Gone,902,hal@example.edu,Student,CS 7643
Eve,Martin,903,eve@example.edu,Student,CS 4803
"""
CANVAS = """Student Name,Student ID,Student SIS ID,Email,Section Name
Chi Nguyen,81,901,chi@example.edu,Fall 2021 CS 7643 A
Gus Okoro,84,904,gus@example.edu,Fall 2021 CS 7643 A
"""
MEANS = (HERE / "miniature/problems/hw1/solution/means.py").read_text()
SPREAD = (HERE / "miniature/problems/hw2/solution/spread.py").read_text()
WRONG_MEDIAN = MEANS.replace("sorted(numbers)", "numbers")
WRONG_VARIANCE = SPREAD.replace(" ** 2", "")


def test_a_term(term: Term, chromium, tmp_path: Path) -> None:
    ada, ben, obi, chi, eve, gus = (Person(chromium, term.address) for _ in range(6))
    people_come_in(term, ada, ben, obi, chi, eve, gus)
    chi_answers_ps0_by_keys(term, chi)
    hw1_is_handed_in(term, ada, chi, eve, gus, tmp_path)
    the_reviews_are_read(term, ada, ben, chi)
    chi_asks_to_look_again(ben, chi)
    hw2_is_handed_in(term, ben, chi, gus, tmp_path)
    the_law_is_applied(term, ada, chi, eve, gus)
    the_observer_sees_no_name(obi)
    letters_go_to_canvas_and_come_back(ada)
    for who in (ada, ben, chi, eve, gus):
        assert who.complaints == []


def people_come_in(term: Term, ada: Person, ben: Person, obi: Person, chi: Person, eve: Person, gus: Person) -> None:
    """August: people come in."""
    ada.takes_the_place(term.command("roster", "invite", "ada@example.edu").splitlines()[-1], "Ada Okafor")
    roster_in(ada, "gradescope.csv", GRADESCOPE, "3 added")
    ada.goes_to("/miniature/staff/invitations/class/")
    assert "Mail 3 invitations" in ada.reads
    ada.presses("Mail 3 invitations")
    assert "3 invitations mailed." in ada.reads
    chi.takes_the_place(term.mail.link_for("chi@example.edu"))
    eve.takes_the_place(term.mail.link_for("eve@example.edu"))
    roster_in(ada, "canvas.csv", CANVAS, "1 added", "1 dropped", section="CS 7643 alone")
    assert "Hal Gone" in ada.page.get_by_role("region", name="dropped", exact=True).inner_text()
    ada.follows("Invite the class (1)")
    ada.presses("Mail 1 invitation")
    gus.takes_the_place(term.mail.link_for("gus@example.edu"))
    for address, role in (("ben@example.edu", "Teaching assistant"), ("obi@example.edu", "Observer")):
        ada.goes_to("/miniature/staff/invitations/")
        ada.fills("E-mail addresses", address)
        ada.chooses("Role", role)
        ada.presses("Invite")
    ben.takes_the_place(term.mail.link_for("ben@example.edu"), "Ben Lindqvist")
    obi.takes_the_place(term.mail.link_for("obi@example.edu"), "Obi Wan")


def chi_answers_ps0_by_keys(term: Term, chi: Person) -> None:
    """PS0, by the keyboard alone."""
    term.it_is(2021, 8, 25, 20)
    chi.goes_to("/miniature/problems/ps0/")
    chi.tabs_to("link", "Answer the questions")
    chi.strikes("Enter")
    chi.is_led_to("**/answers/")
    chi.tabs_to("textbox", "Answer to “A mean of three”")
    chi.types("7/3")
    chi.strikes("Tab", "ArrowDown", "ArrowDown")  # into the options; the first is One
    chi.tabs_to("button", "Hand in")
    chi.strikes("Enter")
    assert "2 of 3 points" in report(chi), "Four is not the median"


def hw1_is_handed_in(term: Term, ada: Person, chi: Person, eve: Person, gus: Person, tmp_path: Path) -> None:
    """HW1: Eve is in time; Chi was ill, and Ada extends the due time, by the keyboard alone."""
    term.it_is(2021, 9, 14, 12)
    assert "4 of 6 points" in hands_in(eve, "hw1", tmp_path / "eve1", means_py=WRONG_MEDIAN, review_pdf=a_pdf(1))
    ada.goes_to("/miniature/staff/extensions/")
    ada.tabs_to("combobox", "Student")
    ada.types("Chi")
    ada.tabs_to("combobox", "For")
    ada.types("PS/HW1")
    ada.tabs_to("radio", "Extend the due time")
    ada.strikes("Tab")
    ada.types("09182021")
    ada.strikes("Tab")
    ada.types("1159PM")
    ada.tabs_to("textbox", "Reason")
    ada.types("Influenza")
    ada.tabs_to("button", "Grant")
    ada.strikes("Enter")
    ada.page.get_by_role("row", name="Chi Nguyen").wait_for()
    assert "due Sat, Sep 18, 11:59 pm EDT" in ada.row("Chi Nguyen")
    term.it_is(2021, 9, 15, 23, 58)
    assert "6 of 6 points" in hands_in(gus, "hw1", tmp_path / "gus1", means_py=MEANS, review_pdf=a_pdf(2))
    term.it_is(2021, 9, 17, 18)
    chi.goes_to("/miniature/problems/hw1/")
    assert "Extended for you." in chi.reads
    chi_hands_in_by_keys(chi, tmp_path / "chi1")


def the_reviews_are_read(term: Term, ada: Person, ben: Person, chi: Person) -> None:
    """The reviews are marked by keys, and once more by Ada, who does not see Ben's marks."""
    term.it_is(2021, 9, 20, 9)
    ben.goes_to("/miniature/staff/hw1/marking/")
    ben.tabs_to("button", "Mark the next answer to 2 Paper review")
    ben.strikes("Enter")
    for _ in range(3):  # without names: the test knows by the number of pages whose it is
        ben.is_led_to("**/answers/*/1/")
        ben.strikes(*{1: "2", 2: "12", 3: "1"}[ben.page.get_by_role("img", name="Page").count()])
        keeps_and_goes_on(ben)
    ada.goes_to("/miniature/staff/hw1/marking/")
    ada.presses("Read as second reader")
    assert "You are the second reader, and do not see the first mark." in ada.reads
    ada.strikes("1", "2")
    keeps_and_goes_on(ada)
    ada.goes_to("/miniature/staff/hw1/marking/")
    assert "3 of 3 marked" in ada.reads
    assert "1 read twice" in ada.reads
    chi.page.reload()
    assert "It waits to be read" in chi.reads, "marks are the students' to see once they are published"
    ada.presses("Publish the marks")
    assert "requests are taken until" in ada.reads


def chi_asks_to_look_again(ben: Person, chi: Person) -> None:
    """Chi asks, Ben looks again and answers."""
    chi.page.reload()
    assert "3 of 4" in chi.page.get_by_label("2 Paper review").inner_text()
    chi.page.get_by_text("Ask to look again").click()
    chi.fills("What was read wrongly?", "The weakness is on page two.")
    chi.presses("Ask")
    assert "The staff have not answered yet." in chi.reads
    ben.goes_to("/miniature/staff/hw1/requests/")
    ben.follows("Look at the answer, and change the mark")
    ben.strikes("2")
    ben.presses("Keep")
    ben.goes_to("/miniature/staff/hw1/requests/")
    ben.fills("Answer", "You are right.")
    ben.presses("Answer Chi Nguyen")
    assert "3 → 4 points" in ben.reads
    chi.page.reload()
    assert "You are right." in chi.reads
    chi.goes_to("/miniature/grades/")
    assert "PS/HW1 was handed in on time and keeps its full 10 of 10 points (100.00 %)." in chi.reads


def hw2_is_handed_in(term: Term, ben: Person, chi: Person, gus: Person, tmp_path: Path) -> None:
    """HW2: Eve is excused, Chi is in time and wrong in part, Gus is two days and an hour late."""
    ben.goes_to("/miniature/staff/extensions/")
    ben.chooses("Student", "Eve Martin, CS 4803")
    ben.chooses("For", "PS/HW2")
    ben.page.get_by_label("Excuse: the homework leaves").check()
    ben.fills("Reason", "A broken wrist")
    ben.presses("Grant")
    term.it_is(2021, 11, 3, 23, 59)
    assert "6 of 10 points" in hands_in(chi, "hw2", tmp_path / "chi2", spread_py=WRONG_VARIANCE)
    term.it_is(2021, 11, 6, 0, 59)
    assert "10 of 10 points" in hands_in(gus, "hw2", tmp_path / "gus2", spread_py=SPREAD)


def the_law_is_applied(term: Term, ada: Person, chi: Person, eve: Person, gus: Person) -> None:
    """December: the project's points and participation come as a table, and the law is applied."""
    term.it_is(2021, 12, 21, 9)
    shows_scores(ada, "email,project,participation\nchi@example.edu,15,2\neve@example.edu,18,0\ngus@example.edu,20,5\n")
    ada.presses("Enter these values")
    says = {}
    for who in (chi, eve, gus):
        who.goes_to("/miniature/grades/")
        says[who] = who.reads
        assert "Everything is in." in says[who]
    for who, sentences in {
        chi: [
            "Final = 80 % × average of PS/HW1 and PS/HW2 (80.00 %) + 20 % × Project (75.00 %) + 2 points of "
            "participation = 81.00 %, which is a B.",
            "None of 2 free late days is spent.",
            "PS/HW2 was handed in on time and keeps its full 6 of 10 points (60.00 %).",
        ],
        eve: [
            "Final = 80 % × PS/HW1 (83.33 %) + 20 % × Project (90.00 %) = 84.67 %, which is a B.",
            "PS/HW1 was handed in on time and keeps its full 5 of 6 points (83.33 %).",
            "PS/HW2 is excused: it is out of the count and takes no free days.",
            "2, Review (4) counts as extra credit, up to 110 % in all.",
        ],
        gus: [
            "Final = 80 % × average of PS/HW1 and PS/HW2 (87.50 %) + 20 % × Project (100.00 %) + 5 points of "
            "participation = 95.00 %, which is an A.",
            "2 of 2 free late days are spent (2 on PS/HW2); none is left.",
            "PS/HW2 was handed in 2 days and 1 hour after it was due: 3 late days, 2 of them covered by free days; the "
            "other one costs 25 %, so 7.5 of its 10 points count (75.00 % of 10).",
        ],
    }.items():
        for sentence in sentences:
            assert sentence in says[who]


def the_observer_sees_no_name(obi: Person) -> None:
    """The observer sees numbers and nobody's name."""
    obi.goes_to("/miniature/staff/grades/statistics/")
    assert "3 students" in obi.reads
    assert not any(name in obi.reads for name in ("Chi", "Eve", "Gus"))
    obi.goes_to("/miniature/staff/grades/")
    assert "This page is for the staff of the course." in obi.reads


def letters_go_to_canvas_and_come_back(ada: Person) -> None:
    """Letters go out to Canvas, and come back in without a change."""
    ada.goes_to("/miniature/staff/grades/")
    assert [ada.row(name).split(" | ")[-2:] for name in ("Chi", "Eve", "Gus")] == [
        ["81.00 %", "B"],
        ["84.67 %", "B"],
        ["95.00 %", "A"],
    ]
    ada.goes_to("/miniature/staff/grades/files/")
    with ada.page.expect_download() as download:
        ada.page.get_by_role("link", name="miniature-canvas.csv").click()
    out = Path(download.value.path()).read_text()
    assert [line.split(",")[-2:] for line in out.splitlines()[2:]] == [["81.00", "B"], ["84.67", "B"], ["95.00", "A"]]
    shows_scores(ada, out)
    assert "0 values differ from the grades as they were" in ada.reads
    assert "It has nothing that is not in the grades already." in ada.reads


def hands_in(who: Person, problem: str, folder: Path, **files: str | bytes) -> str:
    """Hand files in and wait for the report; what it says."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content.encode() if isinstance(content, str) else content)
    who.goes_to(f"/miniature/problems/{problem}/")
    who.page.get_by_label("Drop your files").set_input_files(sorted(folder.iterdir()))
    who.presses("Hand in")
    said = report(who)
    assert f"sandbox tier {sandbox.available()}" in said, "code runs in the strongest sandbox that this machine gives"
    return said


def report(who: Person) -> str:
    who.is_led_to("**/submissions/**")
    who.page.get_by_role("heading", name="Report", exact=True).wait_for(timeout=120_000)
    return who.reads


def keeps_and_goes_on(reader: Person) -> None:
    """Keep a mark by its key, and be led to the next answer, or back to the piles."""
    here = reader.page.url
    reader.strikes("n")
    reader.page.wait_for_function("here => location.href !== here", arg=here)


def shows_scores(who: Person, table: str) -> None:
    """Bring a table of scores in; what it would change is shown."""
    who.goes_to("/miniature/staff/grades/files/")
    who.brings("Table of scores", "scores.csv", table)
    who.presses("Show what it would change")


def roster_in(ada: Person, name: str, table: str, *changes: str, section: str = "the sections that it names") -> None:
    """Import a roster: first what it would change, then that."""
    ada.goes_to("/miniature/staff/roster/")
    ada.brings("CSV file", name, table)
    ada.chooses("It is the roster of", section)
    ada.presses("Show what would change")
    assert "Nothing is changed yet." in ada.reads
    for change in changes:
        assert change in ada.reads
    ada.presses("Apply")
    assert "The roster is applied." in ada.page.inner_text("body")


def chi_hands_in_by_keys(chi: Person, folder: Path) -> None:
    folder.mkdir()
    (folder / "means.py").write_text(MEANS)
    (folder / "review.pdf").write_bytes(a_pdf(3))
    chi.tabs_to("button", "Drop your files or one zip here, or choose them")
    with chi.page.expect_file_chooser() as chooser:
        chi.strikes("Enter")
    chooser.value.set_files(sorted(folder.iterdir()))  # in a dialog of the system's, which has keys of its own
    chi.tabs_to("button", "Hand in")
    chi.strikes("Enter")
    assert "6 of 6 points" in report(chi)
