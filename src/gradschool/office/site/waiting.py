"""What waits for somebody on the front page: for the staff, whatever a person must decide, each with its way there."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from gradschool.office.handin.models import ProblemSet
from gradschool.office.marking.models import RegradeRequest
from gradschool.office.marking.pile import piles_of
from gradschool.office.people import admission
from gradschool.office.people.models import AccessRequest, Place, Role
from gradschool.office.people.permissions import Viewer


@dataclass(frozen=True)
class Waiting:
    """Something that waits: how many, of what, and the page on which it is done."""

    count: int
    what: str
    url: str


def waiting_for(viewer: Viewer) -> list[Waiting]:
    """What waits for this viewer; nothing for those who are not of the staff, and no query either."""
    if not viewer.is_staff:
        return []
    slug = viewer.offering.slug
    found = []
    if viewer.is_instructor:
        asking = AccessRequest.objects.filter(
            enrolment__offering=viewer.offering,
            enrolment__role=Role.APPLICANT,
            enrolment__state=Place.ACTIVE,
            decided_at__isnull=True,
        ).count()
        found.append(Waiting(asking, "asking for access", reverse("people:access_requests", args=[slug])))
        uninvited = sum(not one.rests for one in admission.expected(viewer.offering))
        found.append(Waiting(uninvited, "without a password yet", reverse("people:invite_class", args=[slug])))
    for problem_set in ProblemSet.objects.filter(offering=viewer.offering, questions__isnull=False).distinct():
        asked = RegradeRequest.objects.filter(
            writing__question__problem_set=problem_set, answered_at__isnull=True
        ).count()
        where = [slug, problem_set.key]
        name = problem_set.name
        found.append(Waiting(asked, f"asking to look again, {name}", reverse("marking:requests", args=where)))
        left = sum(pile.left for pile in piles_of(problem_set))
        found.append(Waiting(left, f"to mark, {name}", reverse("marking:questions", args=where)))
    return [one for one in found if one.count]
