"""Which student a row of somebody else's table means."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A student, as far as a table can know one."""

    enrolment: int
    name: str
    email: str
    section: str

    @property
    def login(self) -> str:
        """What stands before the @."""
        return self.email.partition("@")[0]

    @property
    def last_first(self) -> str:
        """The name as registrars order it."""
        first, _, last = self.name.rpartition(" ")
        return f"{last}, {first}" if first else last


class Unknown(Exception):
    """Nobody, or more than one student, is meant by a row."""


class Roster:
    """The students of an offering, found by e-mail address, by what stands before its @, or by a name that is theirs
    alone."""

    def __init__(self, people: Iterable[Person]) -> None:
        self.people = tuple(people)
        self._by_key: dict[str, set[Person]] = defaultdict(set)
        self._by_name: dict[str, set[Person]] = defaultdict(set)
        for person in self.people:
            self._by_key[_key(person.email)].add(person)
            self._by_key[_key(person.login)].add(person)
            self._by_name[_name(person.name)].add(person)

    def find(self, keys: Iterable[str], name: str = "") -> Person:
        """The one student of the first key that anybody has, else of the name. Raises Unknown."""
        for key in keys:
            if found := self._by_key.get(_key(key)) if key else None:
                return _only(found, key)
        if name and (found := self._by_name.get(_name(name))):
            return _only(found, name)
        shown = next((key for key in (name, *keys) if key), "")
        raise Unknown(f"“{shown[:80]}” is no student here" if shown else "the row names nobody")


def _only(found: set[Person], shown: str) -> Person:
    if len(found) > 1:
        raise Unknown(f"“{shown[:80]}” may mean {len(found)} students here; give the e-mail address")
    (person,) = found
    return person


def _key(text: str) -> str:
    return text.strip().casefold()


def _name(text: str) -> str:
    """A name without accents, case and order, so that "Petrović, Goran" is Goran Petrovic."""
    plain = unicodedata.normalize("NFKD", text.replace(",", " ")).casefold()
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(sorted(letters.split()))
