"""How often something may be tried: wrong passwords, mails to an address, requests for access."""

from __future__ import annotations

import hashlib
from datetime import timedelta

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
}


def exhausted(what: str, *who: str) -> bool:
    """Whether this was tried too often of late. Somebody without a name ("") is never limited."""
    if not all(who):
        return False
    most, per = LIMITS[what]
    return Attempt.objects.filter(key=_key(what, who), at__gt=clock.now() - per).count() >= most


def count(what: str, *who: str) -> None:
    """Note that it was tried."""
    if not all(who):
        return
    now = clock.now()
    Attempt.objects.filter(at__lt=now - KEPT).delete()
    Attempt.objects.create(key=_key(what, who), at=now)


def _key(what: str, who: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join([what, *(one.strip().lower() for one in who)]).encode()).hexdigest()
