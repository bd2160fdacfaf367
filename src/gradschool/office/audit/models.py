"""The append-only log of every change to a grade, a deadline, a role or a course file."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from gradschool.office import clock


class Frozen(Exception):
    """An entry of the audit log can be neither changed nor removed."""


class Entry(models.Model):
    """One change: who did what to which thing, with the values before and after."""

    at = models.DateTimeField(db_index=True)
    offering = models.ForeignKey("people.Offering", on_delete=models.PROTECT, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=60)
    thing = models.CharField(max_length=200)
    details = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.thing}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Frozen("An entry of the audit log cannot be changed; write a new one.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise Frozen("An entry of the audit log cannot be removed.")


def log(offering: Any, actor: Any, action: str, thing: str, **details: Any) -> None:
    """Write one entry, in the transaction of the change itself. `actor` is None when the office acts by itself."""
    Entry.objects.create(
        at=clock.now(), offering=offering, actor=actor, action=action, thing=thing[:200], details=details
    )
