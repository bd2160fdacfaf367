"""Pages of invitations and of requests for access, for the staff and for those who want in."""

from __future__ import annotations

import re
from smtplib import SMTPException
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gradschool.office import clock
from gradschool.office.audit.models import log
from gradschool.office.people import admission, throttle
from gradschool.office.people.admission import NotAdmitted
from gradschool.office.people.models import AccessRequest, Enrolment, Invitation, Place, Role, Section, User
from gradschool.office.people.permissions import Viewer, viewer_of
from gradschool.office.people.roster_pages import GIVEN, sections_of
from gradschool.office.people.rules import ADDRESS, LONGEST
from gradschool.office.people.signin import limited_address

AT_ONCE = 50  # addresses in one form
LONGEST_MESSAGE = 2000
BACKEND = "gradschool.office.people.signin.EmailBackend"


def _name(text: str) -> str:
    """A name that a person typed. Raises NotAdmitted."""
    name = " ".join(text.split())
    if not name or len(name) > LONGEST["name"] or not name.isprintable():
        raise NotAdmitted(f"Give a name of at most {LONGEST['name']} characters.")
    return name


def _email(text: str) -> str:
    """An e-mail address that a person typed, in small letters. Raises NotAdmitted."""
    email = text.strip().lower()
    if not text.isascii() or not ADDRESS.fullmatch(email) or len(email) > LONGEST["email"]:
        raise NotAdmitted(f"“{text.strip()[:60]}” is no e-mail address.")
    return email


def _section(viewer: Viewer, code: str) -> Section | None:
    return next((one for one in sections_of(viewer) if one.code == code), None)


# Invitations


@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest, offering: str) -> HttpResponse:
    """Who is invited, and the form to invite more. The links are shown in the answer to the form, and never again."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    error, links = "", []
    if request.method == "POST":
        try:
            links = _invite(request, viewer, user)
        except NotAdmitted as reason:
            error = f"{reason} Nobody was invited."
    rows = Invitation.objects.filter(offering=viewer.offering).exclude(role=Role.APPLICANT).select_related("section")
    context = {
        "offering": viewer.offering,
        "rows": rows,
        "now": clock.now(),
        "roles": GIVEN,
        "sections": sections_of(viewer),
        "links": links,
        "error": error,
        "said": request.POST,
        "days": admission.VALID.days,
    }
    return render(request, "people/invitations.html", context, status=400 if error else 200)


def _invite(request: HttpRequest, viewer: Viewer, user: User) -> list[tuple[str, str, bool]]:
    """Address, link, and whether it was mailed, of each invitation that the form asks for."""
    words = [word for word in re.split(r"[\s,;]+", request.POST.get("emails", "")) if word]
    emails = sorted({_email(word) for word in words})
    role, code = request.POST.get("role", ""), request.POST.get("section", "")
    section = _section(viewer, code)
    if not emails or len(emails) > AT_ONCE:
        raise NotAdmitted(f"Give one to {AT_ONCE} e-mail addresses.")
    if role not in GIVEN or (code and section is None) or (role == Role.STUDENT and section is None):
        raise NotAdmitted("Choose a role, and for students a section.")
    links = []
    for email in emails:
        row, token = admission.invite(viewer.offering, email, role, section, user)
        links.append((email, *admission.mail_invitation(row, token, request.build_absolute_uri)))
    return links


@require_http_methods(["GET", "HEAD", "POST"])
def invite_class(request: HttpRequest, offering: str) -> HttpResponse:
    """Who of the class has no password yet, and a button that mails all of them a link to set one."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    people = admission.expected(viewer.offering)
    due = [one for one in people if not one.rests]
    error, links, status = "", [], 200
    if request.method == "POST":
        try:
            if request.POST.get("count", "") != str(len(due)):
                raise NotAdmitted("Who is to be invited has changed meanwhile; look at the list once more.")
            now = due[: admission.AT_ONE_CLICK]
            links = admission.invite_expected(viewer.offering, now, user, request.build_absolute_uri)
            people = admission.expected(viewer.offering)
            due = [one for one in people if not one.rests]
        except (NotAdmitted, OSError, SMTPException) as reason:
            said = isinstance(reason, NotAdmitted)
            error = f"{reason if said else 'The mail server does not answer.'} Nobody was invited."
            status = 400 if said else 503
    context = {
        "offering": viewer.offering,
        "people": people,
        "due": due,
        "now": due[: admission.AT_ONE_CLICK],
        "links": [one for one in links if not one[2]],
        "mailed": sum(taken for _, _, taken in links),
        "error": error,
        "days": admission.VALID.days,
    }
    return render(request, "people/invite_class.html", context, status=status)


@require_POST
def revoke_invitation(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """Make a link useless."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    row = get_object_or_404(Invitation, offering=viewer.offering, pk=pk)
    open_rows = Invitation.objects.filter(pk=row.pk, used_at__isnull=True, revoked_at__isnull=True)
    if open_rows.update(revoked_at=clock.now()):
        log(viewer.offering, user, "invitation revoked", row.email)
        messages.success(request, f"The invitation of {row.email} is revoked.")
    return redirect("people:invitations", offering)


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """What a link gives, and taking it: with the account of its address, or by making one."""
    row = admission.invitation_of(token)
    if row is None:
        raise Http404("This link is used up, revoked or too old. Ask for another one.")
    account = User.objects.filter(email__iexact=row.email).first()
    needs = "password"  # what stands between the person and the place
    if request.user.is_authenticated:
        needs = "nothing" if request.user == account else "sign out"
    elif account is not None and account.has_usable_password():
        needs = "sign in"
    errors: list[str] = []
    if request.method == "POST" and needs in ("nothing", "password"):
        try:
            user = _accept(request, row, account, needs)
            if needs == "password":
                login(request, user, backend=BACKEND)
            messages.success(request, f"Welcome to {row.offering}.")
            return redirect("site:schedule", row.offering.slug)
        except NotAdmitted as reason:
            errors = [str(reason)]
        except ValidationError as wrong:
            errors = list(wrong.messages)
    name = request.POST.get("name", "") or (account.name if account else row.name)
    context = {"row": row, "account": account, "needs": needs, "errors": errors, "name": name, "offering": row.offering}
    return render(request, "people/invitation.html", context, status=400 if errors else 200)


def _accept(request: HttpRequest, row: Invitation, account: User | None, needs: str) -> User:
    if needs == "nothing":
        return admission.accept(row, "", None)
    name = account.name if account else _name(request.POST.get("name", ""))
    password = request.POST.get("password", "")
    validate_password(password, account or User(email=row.email, name=name))
    if password != request.POST.get("again", ""):
        raise NotAdmitted("The two passwords are not the same; type them anew.")
    return admission.accept(row, name, password)


# Requests for access


@require_http_methods(["GET", "HEAD", "POST"])
def access(request: HttpRequest, offering: str) -> HttpResponse:
    """Asking for a place: at once with an account, by a mail that makes one without."""
    viewer = viewer_of(request, offering)
    place = Enrolment.objects.filter(user=viewer.user, offering=viewer.offering).first() if viewer.user else None
    context: dict[str, Any] = {"offering": viewer.offering, "viewer": viewer, "place": place, "said": request.POST}
    status = 200
    if request.method == "POST" and place is None:
        try:
            _ask(request, viewer)
            if viewer.user:
                return redirect("people:access", offering)
            context["mailed"] = True
        except NotAdmitted as reason:
            context["error"], status = str(reason), 400
    return render(request, "people/access.html", {**context, "sections": sections_of(viewer)}, status=status)


def _ask(request: HttpRequest, viewer: Viewer) -> None:
    section = _section(viewer, request.POST.get("section", ""))
    if section is None:
        raise NotAdmitted("Choose the section that you mean to join.")
    message = request.POST.get("message", "").replace("\0", "").strip()[:LONGEST_MESSAGE]
    if viewer.user is not None:
        _limited(("access", str(viewer.user.pk)))
        admission.request_access(viewer.offering, viewer.user, section, message)
        return
    name, email = _name(request.POST.get("name", "")), _email(request.POST.get("email", ""))
    _limited(("mails", limited_address(request)), ("mail", email))
    # The answer is the same whether or not there is an account: it goes to whoever reads the address's mail.
    account = User.objects.filter(email__iexact=email).first()
    if account is not None and account.has_usable_password():
        where = request.build_absolute_uri(request.path)
        admission.mail(email, "people/mail/known.txt", {"offering": viewer.offering, "link": where})
        return
    row, token = admission.invite(viewer.offering, email, Role.APPLICANT, section, None, name=name, message=message)
    admission.mail_invitation(row, token, request.build_absolute_uri)


def _limited(*tries: tuple[str, str]) -> None:
    """Count these, unless one was tried too often. Raises NotAdmitted."""
    if any(throttle.exhausted(what, who) for what, who in tries):
        raise NotAdmitted("That was asked for too often of late; wait a while, or write to the staff.")
    for what, who in tries:
        throttle.count(what, who)


@require_safe
def access_requests(request: HttpRequest, offering: str) -> HttpResponse:
    """Who asked for a place, for the instructors to decide."""
    viewer = viewer_of(request, offering)
    viewer.require_instructor()
    rows = AccessRequest.objects.filter(enrolment__offering=viewer.offering)
    rows = rows.select_related("enrolment__user", "enrolment__section", "decided_by")
    waiting = rows.filter(decided_at__isnull=True, enrolment__role=Role.APPLICANT, enrolment__state=Place.ACTIVE)
    context = {
        "offering": viewer.offering,
        "waiting": waiting,
        "decided": rows.filter(decided_at__isnull=False).order_by("-decided_at")[:50],
        "sections": sections_of(viewer),
    }
    return render(request, "people/requests.html", context)


@require_POST
def decide_access(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """Admit an applicant as a student, or decline; the person is told by mail."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    row = get_object_or_404(AccessRequest, pk=pk, enrolment__offering=viewer.offering)
    decision = request.POST.get("decision")
    try:
        if decision not in ("admit", "decline"):
            raise NotAdmitted("Choose whether to admit or to decline.")
        row = admission.decide(row, decision == "admit", _section(viewer, request.POST.get("section", "")), user)
        where = request.build_absolute_uri(f"/{viewer.offering.slug}/")
        told = admission.mail(row.enrolment.user.email, "people/mail/decided.txt", {"request": row, "link": where})
        name = row.enrolment.user.name
        messages.success(request, f"{name} is {'admitted' if row.admitted else 'declined'}.")
        if not told:
            messages.warning(request, f"The mail to {name} could not be sent; tell them yourself.")
    except NotAdmitted as reason:
        messages.error(request, str(reason))
    return redirect("people:access_requests", offering)
