"""What this room does when the office starts."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class People(AppConfig):
    """Users, offerings and enrolments."""

    name = "gradschool.office.people"

    def ready(self) -> None:
        from gradschool.office.people.sessions import opened  # needs the models, which are there by now

        user_logged_in.connect(opened, dispatch_uid="note where somebody signed in")
