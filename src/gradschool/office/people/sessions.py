"""Sessions in the database that know whose they are, so that a person can see and end them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.http import HttpRequest

from gradschool.office import clock
from gradschool.office.people.models import Offering, Session, User
from gradschool.office.people.signin import address_of

OPENED = "opened"  # in a session's data: when, from where and with what it was opened
ROLES = "roles"  # and its owner's role in each offering, as the session was last used there


class SessionStore(DatabaseSessions):
    """Django's sessions, kept as rows of our model."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row of a session's data. Rows are written whole, so all that they say is in the data, too."""
        row = cast(Session, super().create_model_instance(data))
        opened = data.get(OPENED)
        if opened and "_auth_user_id" in data:
            row.user_id = int(data["_auth_user_id"])
            row.public = uuid.UUID(opened["public"])
            row.agent, row.address = opened["agent"], opened["address"]
            row.opened_at = datetime.fromisoformat(opened["at"])
        return row


def opened(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    """Note when, from where and with what somebody signed in; called at every sign-in."""
    Session.objects.filter(expire_date__lt=clock.now()).delete()
    request.session[OPENED] = {
        "public": str(uuid.uuid4()),
        "agent": browser(request.headers.get("User-Agent", "")),
        "address": address_of(request),
        "at": clock.now().isoformat(),
    }
    request.session[ROLES] = {str(place.offering_id): place.role for place in user.enrolments.active()}


def renewed(request: HttpRequest, user: User, offering: Offering, role: str | None) -> None:
    """Give a session another key when its owner has another role than before: an old key never opens new rights."""
    session = getattr(request, "session", None)
    if session is None or ROLES not in session or session.get("_auth_user_id") != str(user.pk):
        return
    if session[ROLES].get(str(offering.pk)) != role:
        session[ROLES] = {**session[ROLES], str(offering.pk): role}
        session.cycle_key()


def browser(agent: str) -> str:
    """What a User-Agent says in words that its owner will know again: Firefox on Linux."""
    programs = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS"}
    systems |= {"CrOS": "ChromeOS", "Linux": "Linux"}
    program = next((name for mark, name in programs.items() if mark in agent), "A program")
    system = next((name for mark, name in systems.items() if mark in agent), "")
    return f"{program} on {system}" if system else program
