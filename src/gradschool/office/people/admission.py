"""How people come in who are on no roster: invitations, and requests for access."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Max
from django.template.loader import render_to_string

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.people.models import (
    AccessRequest,
    ApiToken,
    Enrolment,
    Invitation,
    Offering,
    Place,
    Role,
    Section,
    User,
)

VALID = timedelta(days=14)
REST = timedelta(days=1)  # between two mails to the same person of a class
AT_ONE_CLICK = 300  # mails; a mail server that takes ten a second is done with them in half a minute
GIVEN_UP = 3  # refusals in a row


class NotAdmitted(Exception):
    """A place cannot be given; str() is the sentence, and nothing was changed."""


def invite(
    offering: Offering,
    email: str,
    role: str,
    section: Section | None,
    by: User | None,
    *,
    name: str = "",
    message: str = "",
) -> tuple[Invitation, str]:
    """Make an invitation; it and the secret of its link, which cannot be shown again."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with transaction.atomic():
        row = Invitation.objects.create(
            offering=offering,
            email=email.strip().lower(),
            name=name,
            role=role,
            section=section,
            message=message,
            digest=ApiToken.digest_of(token),
            created_by=by,
            created_at=now,
            expires_at=now + VALID,
        )
        if by is not None:
            log(offering, by, "invited", row.email, role=role, section=section.code if section else "")
    return row, token


def invitation_of(token: str) -> Invitation | None:
    """The invitation of a link, if it still gives a place."""
    rows = Invitation.objects.select_related("offering", "section")
    return rows.filter(
        digest=ApiToken.digest_of(token), used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=clock.now()
    ).first()


def accept(invitation: Invitation, name: str, password: str | None) -> User:
    """Give the invited person the place, and an account if there is none; the link is used up by it.

    `password` is for an account that has none yet. Raises NotAdmitted, also when somebody else was faster.
    """
    with transaction.atomic():
        row = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if row.used_at or row.revoked_at:
            raise NotAdmitted("This invitation was used or revoked meanwhile.")
        user = User.objects.filter(email__iexact=row.email).first()
        if user is None:
            user = User.objects.create_user(row.email, name)
        if password is not None:
            if user.has_usable_password():
                raise NotAdmitted(f"{row.email} has an account already; sign in with it.")
            user.set_password(password)
            user.save(update_fields=["password"])
        row.used_at = clock.now()
        row.save(update_fields=["used_at"])
        _place(row, user)
    return user


def _place(row: Invitation, user: User) -> None:
    before = Enrolment.objects.filter(user=user, offering=row.offering).first()
    if row.role == Role.APPLICANT:
        if before is None:
            request_access(row.offering, user, row.section, row.message)
        return
    if before is not None and before.state == Place.ACTIVE and before.role != Role.APPLICANT:
        return  # has a place; another one is given on the page People
    enrolment = before or Enrolment(user=user, offering=row.offering)
    enrolment.role, enrolment.section, enrolment.state = row.role, row.section, Place.ACTIVE
    enrolment.save()
    AccessRequest.objects.filter(enrolment=enrolment, decided_at__isnull=True).update(
        decided_at=clock.now(), decided_by=row.created_by, admitted=True
    )
    log(
        row.offering,
        row.created_by,
        "role",
        user.email,
        before={},
        after={"role": row.role, "section": row.section.code if row.section else ""},
        invitation=row.pk,
    )


def request_access(offering: Offering, user: User, section: Section | None, message: str) -> AccessRequest:
    """Ask the staff for a place; until they decide, the person may hand in what does not count. Raises NotAdmitted."""
    with transaction.atomic():
        if Enrolment.objects.filter(user=user, offering=offering).exists():
            raise NotAdmitted("You have asked already, or have a place; write to the staff if it is not the right one.")
        enrolment = Enrolment.objects.create(user=user, offering=offering, role=Role.APPLICANT, section=section)
        return AccessRequest.objects.create(enrolment=enrolment, message=message, asked_at=clock.now())


def decide(request: AccessRequest, admit: bool, section: Section | None, by: User) -> AccessRequest:
    """Admit an applicant as a student of a section, or decline. Raises NotAdmitted."""
    if admit and section is None:
        raise NotAdmitted("Choose the section that the student is admitted to.")
    with transaction.atomic():
        rows = AccessRequest.objects.select_for_update(of=("self",))
        row = rows.select_related("enrolment__user", "enrolment__offering").get(pk=request.pk)
        if row.decided_at is not None or row.enrolment.role != Role.APPLICANT:
            raise NotAdmitted(f"The request of {row.enrolment.user.name} was decided meanwhile.")
        enrolment = row.enrolment
        if admit:
            enrolment.role, enrolment.section = Role.STUDENT, section
        else:
            enrolment.state = Place.DROPPED
        enrolment.save(update_fields=["role", "section", "state"])
        row.decided_at, row.decided_by, row.admitted = clock.now(), by, admit
        row.save(update_fields=["decided_at", "decided_by", "admitted"])
        log(
            enrolment.offering,
            by,
            "admitted" if admit else "declined",
            enrolment.user.email,
            section=section.code if section else "",
        )
    return row


def mail(to: str, template: str, context: dict[str, object], connection: BaseEmailBackend | None = None) -> bool:
    """Send a mail whose template has the subject in its first line. Whether a server took it; the console is none."""
    subject, _, body = render_to_string(template, context).strip().partition("\n")
    letter = EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[to], connection=connection)
    try:
        sent = letter.send()
    except (SMTPException, OSError):
        return False
    return sent == 1 and not settings.EMAIL_BACKEND.endswith("console.EmailBackend")


Address = Callable[[str], str]  # makes a path of this site a whole address


def mail_invitation(
    row: Invitation, token: str, absolute: Address, connection: BaseEmailBackend | None = None
) -> tuple[str, bool]:
    """Mail the link; the link, and whether the mail server took it."""
    link = absolute(f"/invitations/{token}/")
    template = "people/mail/confirm.txt" if row.role == Role.APPLICANT else "people/mail/invitation.txt"
    taken = mail(row.email, template, {"invitation": row, "link": link, "days": VALID.days}, connection)
    if taken:
        row.mailed_at = clock.now()
        row.save(update_fields=["mailed_at"])
    return link, taken


@dataclass(frozen=True)
class Expected:
    """Somebody with a place in an offering who has never been here: nothing could have been signed in with."""

    enrolment: Enrolment
    mailed_at: datetime | None

    @property
    def rests(self) -> bool:
        """Whether a mail went out so lately that another one would only be a nuisance."""
        return self.mailed_at is not None and self.mailed_at > clock.now() - REST


def expected(offering: Offering) -> list[Expected]:
    """Who came by a roster and has neither a password nor signed in through a provider, by name."""
    rows = Enrolment.objects.active().filter(offering=offering).exclude(role=Role.APPLICANT)
    rows = rows.filter(user__password__startswith=UNUSABLE_PASSWORD_PREFIX, user__identities=None, user__is_active=True)
    mails = Invitation.objects.filter(offering=offering, mailed_at__isnull=False).order_by()
    mailed = dict(mails.values_list("email").annotate(Max("mailed_at")))
    rows = rows.select_related("user", "section").order_by("section__code", "user__name", "pk")
    return [Expected(row, mailed.get(row.user.email.lower())) for row in rows]


def invite_expected(
    offering: Offering, people: Iterable[Expected], by: User, absolute: Address
) -> list[tuple[str, str, bool]]:
    """Mail each of these a link that sets the password; address, link, and whether a mail server took it.

    Earlier links of theirs end. When the server takes none any more, the rest are left for another time.
    """
    done: list[tuple[str, str, bool]] = []
    refused = 0
    with get_connection() as connection:
        for one in people:
            place = one.enrolment
            earlier = Invitation.objects.filter(offering=offering, email=place.user.email.lower(), used_at=None)
            earlier.filter(revoked_at=None).update(revoked_at=clock.now())
            row, token = invite(offering, place.user.email, place.role, place.section, by, name=place.user.name)
            link, taken = mail_invitation(row, token, absolute, connection)
            done.append((row.email, link, taken))
            refused = 0 if taken else refused + 1
            if refused >= GIVEN_UP and settings.MAIL.host:
                break
    return done
