"""The demo class: invented people who sign in from this machine only."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import get_hasher, make_password
from django.db import transaction

from gradschool.office import clock
from gradschool.office.people.models import Enrolment, Offering, Role, Section, User
from gradschool.office.setup import apply_course
from gradschool.syllabus import load, weeks_to_open

PASSWORD = "learning-by-doing"
OPEN = "hw2"  # just released in the demo: hw1 has been due for a day to a week, and is still taken late

STAFF = [("Ada Okafor", "ada", Role.INSTRUCTOR), ("Ben Lindqvist", "ben", Role.TA)]
STUDENTS = [
    ("Chi Nguyen", "chi", 1),
    ("Eve Martin", "eve", 0),
    ("Farah Haddad", "farah", 1),
    ("Goran Petrović", "goran", 0),
    ("Hana Suzuki", "hana", 1),
    ("Ines Carvalho", "ines", 0),
    ("Jonas Weber", "jonas", 1),
    ("Kwame Mensah", "kwame", 0),
    ("Lucía Fernández", "lucia", 1),
    ("Mei Lin", "mei", 0),
    ("Noor Rahman", "noor", 1),
    ("Olga Ivanova", "olga", 0),
    ("Priya Raman", "priya", 1),
    ("Quentin Dubois", "quentin", 0),
]
OBSERVER = ("Obi Adeyemi", "obi")
APPLICANT = ("Sana Qureshi", "sana")  # asks for a place, see `demo_term`
VISITOR = ("Dov Stein", "dov")  # has an account and is not enrolled


def load_demo(folder: Path) -> Offering:
    """The course with its dates moved so that hw2 is open today, and the class. What is there already is kept."""
    course = load(folder)
    today = clock.now().astimezone(ZoneInfo(course.zone)).date()
    known = Offering.objects.filter(slug=course.slug).first()
    weeks = weeks_to_open(course, OPEN, today)
    if known is not None:
        # The term that is under way goes on as long as hw2 is still open, so that nothing jumps between two starts.
        due = course.problem_set(OPEN).due.replace(tzinfo=None) + timedelta(weeks=known.shift_weeks)
        if due.date() >= today and known.shift_weeks <= weeks:
            weeks = known.shift_weeks
    offering = apply_course(folder, weeks)
    with transaction.atomic():
        sections = list(Section.objects.filter(offering=offering).order_by("pk"))
        for name, mail, role in STAFF:
            _enrol(offering, _user(name, mail), role, None)
        for name, mail, section in STUDENTS:
            _enrol(offering, _user(name, mail), Role.STUDENT, sections[section % len(sections)])
        _enrol(offering, _user(*OBSERVER), Role.OBSERVER, None)
        _user(*APPLICANT)
        _user(*VISITOR)
    return offering


def sign_ins() -> list[tuple[str, str]]:
    """E-mail address and what the person is, for those that a visitor will want to try."""
    return [
        ("ada@example.edu", "instructor"),
        ("ben@example.edu", "teaching assistant"),
        ("chi@example.edu", "student of CS 7643"),
        ("eve@example.edu", "student of CS 4803"),
        ("obi@example.edu", "observer: numbers and no names"),
        ("dov@example.edu", "has an account, is not enrolled"),
    ]


def _user(name: str, mail: str) -> User:
    address = f"{mail}@example.edu"
    return User.objects.filter(email=address).first() or User.objects.create(
        email=address, name=name, password=_hashed(get_hasher().algorithm), is_demo=True
    )


@cache
def _hashed(algorithm: str) -> str:
    """Everybody's password is the same and known, so it is hashed once: that is slow on purpose."""
    return make_password(PASSWORD, hasher=algorithm)


def _enrol(offering: Offering, user: User, role: Role, section: Section | None) -> None:
    Enrolment.objects.get_or_create(user=user, offering=offering, defaults={"role": role, "section": section})
