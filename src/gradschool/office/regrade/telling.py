"""Telling students what a regrade changed and why, each of them once."""

from __future__ import annotations

from collections import defaultdict

from django.conf import settings
from django.db.models import F

from gradschool.office import clock
from gradschool.office.handin.models import Group
from gradschool.office.people.admission import Address, mail
from gradschool.office.regrade.models import Regrade, Stage, Trial

MAIL = "regrade/mail/regraded.txt"


def untold(regrade: Regrade) -> list[Trial]:
    """The hand-ins whose points a published regrade changed and of which no mail has told."""
    if regrade.stage != Stage.PUBLISHED:
        return []
    rows = regrade.trials.filter(told_at__isnull=True).exclude(after="").exclude(after=F("before"))
    return list(rows.select_related("submission__group").prefetch_related("submission__group__members"))


def tell(regrade: Regrade, absolute: Address) -> tuple[int, int]:
    """Mail whoever has not been told yet. How many mails went out, and how many the server refused: for another try.

    A student gets one mail, whatever number of hand-ins it is about; each is noted as soon as it is sent.
    """
    by_group: dict[Group, list[Trial]] = defaultdict(list)
    for trial in untold(regrade):
        by_group[trial.submission.group].append(trial)
    problem_set, printed = regrade.problem_set, settings.EMAIL_BACKEND.endswith("console.EmailBackend")
    told = refused = 0
    for group, trials in by_group.items():
        lines = [
            (trial, absolute(f"/{problem_set.offering.slug}/submissions/{trial.submission_id}/")) for trial in trials
        ]
        context = {"regrade": regrade, "problem_set": problem_set, "lines": lines}
        sent = [mail(member.email, MAIL, {**context, "name": member.name}) or printed for member in group.members.all()]
        told += sent.count(True)
        refused += sent.count(False)
        if all(sent):
            Trial.objects.filter(pk__in=[trial.pk for trial in trials]).update(told_at=clock.now())
    return told, refused
