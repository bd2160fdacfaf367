"""Fill an office's home with a class: `python enrol.py COURSE STUDENTS` prints how each of them is let in, as JSON."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402  # Django is set up above
from django.db import transaction  # noqa: E402

from gradschool.office import clock, setup  # noqa: E402
from gradschool.office.people.models import ApiToken, Enrolment, Role, Section, Session, User  # noqa: E402
from gradschool.office.people.sessions import OPENED, SessionStore  # noqa: E402


def session_of(user: User) -> Session:
    """The row of a browser that is signed in; its key is the cookie."""
    store = SessionStore()
    return store.create_model_instance(
        {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: "gradschool.office.people.signin.EmailBackend",
            HASH_SESSION_KEY: user.get_session_auth_hash(),
            OPENED: {
                "public": str(uuid.uuid4()),
                "agent": "Firefox on Linux",
                "address": "127.0.0.1",
                "at": clock.now().isoformat(),
            },
        }
    )


def enrol(course: Path, students: int) -> dict[str, object]:
    """The class: its students, with a token and a session each, and one instructor with a session."""
    setup.migrate()
    offering = setup.apply_course(course)
    sections = list(Section.objects.filter(offering=offering).order_by("pk"))
    with transaction.atomic():
        people = [User(email="staff@example.edu", name="Ada Okafor")]
        people += [User(email=f"s{number:04}@example.edu", name=f"Student {number:04}") for number in range(students)]
        for person in people:
            person.password = "!"  # nobody signs in by password here, and a thousand Argon2 hashes take a minute
        people = User.objects.bulk_create(people)
        Enrolment.objects.bulk_create(
            Enrolment(
                user=person,
                offering=offering,
                role=Role.STUDENT if number else Role.INSTRUCTOR,
                section=sections[number % len(sections)] if number else None,
            )
            for number, person in enumerate(people)
        )
        sessions = Session.objects.bulk_create([session_of(person) for person in people])
        tokens = [ApiToken.issue(person, "load") for person in people]
    return {
        "offering": offering.slug,
        "staff": {"session": sessions[0].session_key},
        "students": [
            {"token": token, "session": session.session_key}
            for token, session in zip(tokens[1:], sessions[1:], strict=True)
        ],
    }


if __name__ == "__main__":
    json.dump(enrol(Path(sys.argv[1]), int(sys.argv[2])), sys.stdout)
