"""Pages of the signed-in person."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, PasswordResetForm, SetPasswordForm
from django.contrib.auth.views import (
    LoginView,
    LogoutView,
    PasswordChangeView,
    PasswordResetConfirmView,
    PasswordResetView,
)
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.functional import cached_property
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from gradschool.office import clock
from gradschool.office.people import throttle
from gradschool.office.people.models import ApiToken, CalendarFeed, Session, User
from gradschool.office.people.signin import address_of, limited_address

TOO_MANY = "That was the wrong password too often. Wait a quarter of an hour, or set a new one by mail."
MANY_TOKENS = "Your account was given many tokens within the hour. Use one of them, or wait a while."
WRONG = "That e-mail address and password do not belong together. Check both; the password minds upper and lower case."


class SignInForm(AuthenticationForm):
    """E-mail address and password; too many wrong ones from one address make it wait."""

    error_messages = {"invalid_login": WRONG, "inactive": WRONG}  # noqa: RUF012 (Django's own attribute)

    @cached_property
    def locked_for(self) -> int:
        """Seconds for which no password is taken from there for this account; 0: it is."""
        return _locked(self.request, self.data.get("username", ""))

    def clean(self) -> dict[str, Any]:
        if self.locked_for:
            raise ValidationError(TOO_MANY)
        try:
            return super().clean()
        except ValidationError:
            _wrong(self.request, self.data.get("username", ""))
            raise


def _tries(request: HttpRequest | None, email: str) -> tuple[tuple[str, ...], ...]:
    """What a wrong password counts against: this account from there, and whatever comes from there."""
    if request is None:
        return ()
    return ("wrong password", email, address_of(request) or "here"), ("wrong passwords", limited_address(request))


def _locked(request: HttpRequest | None, email: str) -> int:
    return max((throttle.exhausted(*one) for one in _tries(request, email)), default=0)


def _wrong(request: HttpRequest | None, email: str) -> None:
    for one in _tries(request, email):
        throttle.count(*one)


class SignIn(LoginView):
    """The sign-in page."""

    template_name = "people/signin.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(**context, oidc=settings.OIDC.name)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        if wait := cast(SignInForm, form).locked_for:
            answer.status_code = 429
            answer.headers["Retry-After"] = str(wait)
        return answer


class SignOut(LogoutView):
    """Sign out and go to the front page."""

    next_page = "/"


class ForgottenForm(PasswordResetForm):
    """Mails a link to the owner of an account, also to one who never had a password, as a roster leaves them."""

    def get_users(self, email: str) -> Iterator[User]:
        return iter(User.objects.filter(email__iexact=email, is_active=True, is_demo=False))


class Forgotten(PasswordResetView):
    """Asking for a link to set a password. The answer tells nobody whether there is such an account."""

    template_name = "people/forgotten.html"
    email_template_name = "people/mail/reset.txt"
    subject_template_name = "people/mail/reset-subject.txt"
    form_class = ForgottenForm
    success_url = reverse_lazy("people:forgotten_sent")

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        email, where = form.cleaned_data["email"], limited_address(self.request)
        if throttle.exhausted("mail", email) or throttle.exhausted("mails", where):
            return redirect(str(self.success_url))  # the same answer, and no further mail
        throttle.count("mail", email)
        throttle.count("mails", where)
        return super().form_valid(form)


class NewPassword(PasswordResetConfirmView):
    """Setting a password with a mailed link; signs out everywhere else."""

    template_name = "people/new_password.html"
    success_url = reverse_lazy("people:signin")

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        answer = super().form_valid(form)
        Session.objects.filter(user=form.user).delete()
        messages.success(self.request, "Your password is set; sign in with it.")
        return answer


class ChangePassword(PasswordChangeView):
    """Changing one's own password; signs out everywhere else."""

    template_name = "people/change_password.html"
    success_url = reverse_lazy("people:account")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        answer = super().form_valid(form)
        _other_sessions(self.request, form.user).delete()
        messages.success(self.request, "Your password is changed, and you are signed out everywhere else.")
        return answer


def _other_sessions(request: HttpRequest, user: User) -> QuerySet[Session]:
    return Session.objects.filter(user=user).exclude(session_key=request.session.session_key)


@require_POST
@login_required
def end_session(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Sign out one of one's own browsers."""
    row = get_object_or_404(Session, public=pk, user=cast(User, request.user))
    row.delete()
    messages.success(request, f"{row.agent} is signed out.")
    return redirect("people:account")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    _other_sessions(request, cast(User, request.user)).delete()
    messages.success(request, "You are signed out everywhere else.")
    return redirect("people:account")


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Who you are here, and the tokens of your command lines."""
    user = cast(User, request.user)
    feed = CalendarFeed.objects.filter(user=user).first()
    context = {
        "enrolments": user.enrolments.active().select_related("offering", "section"),
        "sessions": Session.objects.filter(user=user, expire_date__gt=clock.now()).order_by("-opened_at"),
        "here": request.session.session_key,
        "tokens": user.tokens.order_by("-pk"),
        "calendar": request.build_absolute_uri(reverse("site:calendar", args=[feed.token])) if feed else "",
    }
    return render(request, "people/account.html", context)


@require_POST
@login_required
def calendar_address(request: HttpRequest) -> HttpResponse:
    """Give one's calendar a new address, which ends the one before; or, with `end`, none."""
    user = cast(User, request.user)
    CalendarFeed.objects.filter(user=user).delete()
    if "end" in request.POST:
        messages.success(request, "Your calendar has no address any more; whoever reads the old one finds nothing.")
    else:
        CalendarFeed.objects.create(user=user)
        messages.success(request, "Your calendar has a new address.")
    return redirect("people:account")


@require_POST
@login_required
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Make one token of one's own useless at once."""
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    token.delete()
    messages.success(request, f"The token {token.label} is revoked.")
    return redirect("people:account")


@csrf_exempt  # no cookie is read here: the caller proves itself by the password in the body
@require_POST
def api_token(request: HttpRequest) -> HttpResponse:
    """Exchange e-mail address and password for a token of the command line."""
    email = request.POST.get("email", "")
    if wait := _locked(request, email):
        return JsonResponse({"error": TOO_MANY}, status=429, headers={"Retry-After": str(wait)})
    user = authenticate(request, username=email, password=request.POST.get("password"))
    if not isinstance(user, User):
        _wrong(request, email)
        return JsonResponse({"error": WRONG}, status=401)
    if wait := throttle.exhausted("tokens", str(user.pk)):
        return JsonResponse({"error": MANY_TOKENS}, status=429, headers={"Retry-After": str(wait)})
    throttle.count("tokens", str(user.pk))
    token = ApiToken.issue(user, request.POST.get("label") or "command line")
    return JsonResponse({"token": token, "name": user.name, "email": user.email})
