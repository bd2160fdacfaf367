"""Who may see and do what. Every view asks here; nowhere else is a role compared."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from gradschool.office.people.models import ApiToken, Enrolment, Offering, Place, Role, Section, User
from gradschool.office.people.sessions import renewed

STAFF = {Role.INSTRUCTOR, Role.TA}


class SignInNeeded(PermissionDenied):
    """Nobody is signed in and the page is for somebody."""


@dataclass(frozen=True)
class Viewer:
    """The person behind a request, seen from one offering.

    What each role may do, beyond what everybody may:

    - an instructor does everything: the roster, roles, invitations, access requests, and all that follows;
    - a teaching assistant sees hand-ins, grades, extensions and the roster, grants extensions and grades again; one
      with a section does so for that section's students, and everyone else's rows do not exist for them;
    - a student hands in and sees their own;
    - an applicant asked for a place and hands in what does not count (PS0), until the staff decide;
    - an observer sees numbers of the class and no name, hand-in or grade of anybody;
    - whoever was dropped keeps what is their own and can add nothing.
    """

    offering: Offering
    user: User | None
    enrolment: Enrolment | None  # None, too, for somebody who was dropped

    @property
    def role(self) -> str | None:
        """The role in this offering, None for everybody who has none now."""
        return self.enrolment.role if self.enrolment else None

    @property
    def is_student(self) -> bool:
        return self.role == Role.STUDENT

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    @property
    def is_instructor(self) -> bool:
        return self.role == Role.INSTRUCTOR

    @property
    def section(self) -> Section | None:
        """The section that bounds what this staff member or observer sees; None is the whole course."""
        return self.enrolment.section if self.enrolment and not self.is_instructor else None

    def may_hand_in(self, counted: bool) -> bool:
        """Whether this person may hand in a problem set that counts, or one that does not."""
        return self.is_student or (self.role == Role.APPLICANT and not counted)

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

    def require_staff_of_all(self) -> User:
        """The user, who must be of the staff and not of one section's alone."""
        user = self.require_staff()
        if self.section is not None:
            raise PermissionDenied(f"This page is about the whole course, and you are of the staff of {self.section}.")
        return user

    def require_instructor(self) -> User:
        """The user, who must be an instructor of this offering."""
        user = self.require_signed_in()
        if not self.is_instructor:
            raise PermissionDenied("This page is for the instructors of the course.")
        return user

    def require_statistics(self) -> User:
        """The user, who may see numbers of the class: staff, or an observer."""
        user = self.require_signed_in()
        if not self.is_staff and self.role != Role.OBSERVER:
            raise PermissionDenied("This page is for the staff of the course.")
        return user

    def require_student(self) -> Enrolment:
        """The enrolment of a student of this offering."""
        return self._enrolment_if(self.is_student)

    def require_hand_in(self, counted: bool) -> Enrolment:
        """The enrolment of somebody who may hand in such a problem set."""
        return self._enrolment_if(self.may_hand_in(counted))

    def _enrolment_if(self, allowed: bool) -> Enrolment:
        user = self.require_signed_in()
        if self.enrolment is None or not allowed:
            reason = f"{user.email} is not enrolled as a student of {self.offering}. "
            if self.role == Role.APPLICANT:
                raise PermissionDenied(f"{reason}Your request for a place waits for the staff; until then PS0 is open.")
            raise PermissionDenied(f"{reason}If you have just registered, ask for access on the page of your account.")
        return self.enrolment

    def enrolments(self) -> QuerySet[Enrolment]:
        """The enrolments of this offering that the viewer may see by name, dropped ones too."""
        rows = Enrolment.objects.filter(offering=self.offering).select_related("user", "section")
        if not self.is_staff:
            return rows.none()
        return rows.filter(section=self.section) if self.section else rows

    def students(self) -> QuerySet[Enrolment]:
        """The students of this offering whose work the viewer may see, by name."""
        return self.enrolments().filter(role=Role.STUDENT, state=Place.ACTIVE).order_by("user__name", "pk")

    def cohort(self) -> QuerySet[Enrolment]:
        """The students over whom numbers may be shown to this viewer, whose names an observer does not see."""
        rows = Enrolment.objects.students().filter(offering=self.offering)
        return rows.filter(section=self.section) if self.section else rows

    def student(self, pk: int) -> Enrolment:
        """One student, dropped or not, whose work the viewer may see; another one does not exist for them."""
        return get_object_or_404(self.enrolments(), pk=pk, role=Role.STUDENT)

    def require_one_of(self, owners: set[int], thing: str) -> None:
        """Owners pass, and staff for whose students they are; to everyone else the thing does not exist."""
        user = self.require_signed_in()
        theirs = self.is_staff and (self.section is None or self.enrolments().filter(user__in=owners).exists())
        if not theirs and user.pk not in owners:
            raise Http404(f"There is no such {thing}, or it is not yours.")


def viewer_of(request: HttpRequest, slug: str) -> Viewer:
    """The viewer of an offering; an unknown offering is a 404."""
    offering = get_object_or_404(Offering, slug=slug)
    user = request.user
    if isinstance(user, AnonymousUser) or not user.is_active:
        return Viewer(offering, None, None)
    enrolment = Enrolment.objects.select_related("section").filter(user=user, offering=offering).active().first()
    if enrolment is not None:
        enrolment.user, enrolment.offering = user, offering  # so that nobody asks the database for them again
    renewed(request, user, offering, enrolment.role if enrolment else None)
    return Viewer(offering, user, enrolment)


def offerings_staffed_by(user: User) -> set[int]:
    """The offerings of whose staff a user is: what is shown across offerings is shown of these."""
    return set(Enrolment.objects.active().filter(user=user, role__in=STAFF).values_list("offering_id", flat=True))


def bearer(request: HttpRequest) -> User | None:
    """The user of an `Authorization: Bearer` token, or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    found = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(token.strip())).first()
    return found.user if found and found.user.is_active else None
