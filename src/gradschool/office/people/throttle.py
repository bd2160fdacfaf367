"""How often something may be tried: wrong passwords, mails to an address, requests for access."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from math import ceil

from gradschool.office import clock
from gradschool.office.people.models import Attempt

KEPT = timedelta(days=1)  # no limit looks back further
# What is tried -> how often, in which time.
LIMITS = {
    "wrong password": (10, timedelta(minutes=15)),  # for one account from one address
    "wrong passwords": (100, timedelta(minutes=15)),  # from one address
    "mail": (5, timedelta(hours=1)),  # to one address
    "mails": (20, timedelta(hours=1)),  # asked for from one address
    "access": (5, KEPT),  # by one person
    "tokens": (20, timedelta(hours=1)),  # given to one account
    "answers": (600, timedelta(minutes=10)),  # saved by one person; the page saves by itself while somebody writes
}


def exhausted(what: str, *who: str) -> int:
    """Seconds until this may be tried again; 0: now. Somebody without a name ("") is never limited."""
    if not all(who):
        return 0
    most, per = LIMITS[what]
    now = clock.now()
    tries = Attempt.objects.filter(key=_key(what, who), at__gt=now - per).order_by("-at")
    counted = tries.values_list("at", flat=True)[most - 1 : most]
    return max((ceil((at + per - now).total_seconds()) for at in counted), default=0)


def count(what: str, *who: str) -> None:
    """Note that it was tried."""
    if not all(who):
        return
    now = clock.now()
    Attempt.objects.filter(at__lt=now - KEPT).delete()
    Attempt.objects.create(key=_key(what, who), at=now)


def _key(what: str, who: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join([what, *(one.strip().lower() for one in who)]).encode()).hexdigest()
