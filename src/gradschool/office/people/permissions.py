"""Who may see and do what. Every view asks here; nowhere else is a role compared."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from gradschool.office.people.models import ApiToken, Enrolment, Offering, Role, User

STAFF = {Role.INSTRUCTOR, Role.TA}


class SignInNeeded(PermissionDenied):
    """Nobody is signed in and the page is for somebody."""


@dataclass(frozen=True)
class Viewer:
    """The person behind a request, seen from one offering."""

    offering: Offering
    user: User | None
    enrolment: Enrolment | None

    @property
    def is_student(self) -> bool:
        return self.enrolment is not None and self.enrolment.role == Role.STUDENT

    @property
    def is_staff(self) -> bool:
        return self.enrolment is not None and self.enrolment.role in STAFF

    def require_signed_in(self) -> User:
        """The user, or an answer that leads to the sign-in page."""
        if self.user is None:
            raise SignInNeeded("Sign in to see this page.")
        return self.user

    def require_staff(self) -> User:
        """The user, who must be an instructor or a teaching assistant of this offering."""
        user = self.require_signed_in()
        if not self.is_staff:
            raise PermissionDenied("This page is for the staff of the course.")
        return user

    def require_student(self) -> Enrolment:
        """The enrolment of a student of this offering."""
        user = self.require_signed_in()
        if self.enrolment is None or not self.is_student:
            raise PermissionDenied(
                f"{user.email} is not enrolled as a student of {self.offering}. "
                "If you have just registered, ask the staff to add you to the roster."
            )
        return self.enrolment

    def require_one_of(self, owners: set[int], thing: str) -> None:
        """Owners and staff pass; to everyone else the thing does not exist."""
        user = self.require_signed_in()
        if not self.is_staff and user.pk not in owners:
            raise Http404(f"There is no such {thing}, or it is not yours.")


def viewer_of(request: HttpRequest, slug: str) -> Viewer:
    """The viewer of an offering; an unknown offering is a 404."""
    offering = get_object_or_404(Offering, slug=slug)
    user = request.user
    if isinstance(user, AnonymousUser) or not user.is_active:
        return Viewer(offering, None, None)
    enrolment = Enrolment.objects.select_related("section").filter(user=user, offering=offering).first()
    return Viewer(offering, user, enrolment)


def offerings_staffed_by(user: User) -> set[int]:
    """The offerings of whose staff a user is: what is shown across offerings is shown of these."""
    return set(Enrolment.objects.filter(user=user, role__in=STAFF).values_list("offering_id", flat=True))


def bearer(request: HttpRequest) -> User | None:
    """The user of an `Authorization: Bearer` token, or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    found = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(token.strip())).first()
    return found.user if found and found.user.is_active else None
