"""Which student a row means, and that nobody else's grade is touched."""

from __future__ import annotations

import pytest

from gradschool.office.gradebook.exchange.roster import Person, Roster, Unknown

GORAN = Person(1, "Goran Petrović", "gpetrovic3@example.edu", "CS 4803")
LI = Person(2, "Li Wei", "lwei1@example.edu", "CS 7643")
OTHER_LI = Person(3, "Wei Li", "lwei2@example.edu", "CS 7643")
MEI = Person(4, "Mei", "mei@example.edu", "CS 7643")
ROSTER = Roster([GORAN, LI, OTHER_LI, MEI])


@pytest.mark.parametrize(
    ("keys", "name", "found"),
    [
        (["GPetrovic3@Example.edu"], "", GORAN),
        (["gpetrovic3"], "", GORAN),
        (["", "lwei2"], "", OTHER_LI),
        ([], "Petrovic, Goran", GORAN),
        ([], "goran  PETROVIĆ", GORAN),
        (["lwei1"], "Somebody Else", LI),
        (["903123456"], "Mei", MEI),
    ],
)
def test_a_student_is_found_by_address_login_or_a_name_that_is_theirs_alone(keys, name, found) -> None:
    assert ROSTER.find(keys, name) == found


@pytest.mark.parametrize(
    ("keys", "name", "sentence"),
    [
        ([], "Li, Wei", "may mean 2 students"),
        (["nobody@example.edu"], "No Body", "“No Body” is no student here"),
        (["zoe"], "", "“zoe” is no student here"),
        ([], "", "names nobody"),
    ],
)
def test_who_is_not_found_for_certain_is_not_found(keys, name, sentence) -> None:
    with pytest.raises(Unknown, match=sentence):
        ROSTER.find(keys, name)


def test_a_login_that_two_have_is_nobodys() -> None:
    twins = Roster([Person(1, "A B", "x@one.edu", ""), Person(2, "C D", "x@two.edu", "")])
    with pytest.raises(Unknown, match="may mean 2"):
        twins.find(["x"])
    assert twins.find(["x@two.edu"]).enrolment == 2


def test_registrars_write_the_last_name_first() -> None:
    assert GORAN.last_first == "Petrović, Goran"
    assert MEI.last_first == "Mei"
