"""Pages of the signed-in person."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from gradschool.office.people.models import ApiToken, CalendarFeed, User

WRONG = "That e-mail address and password do not belong together. Check both; the password minds upper and lower case."


class SignInForm(AuthenticationForm):
    """E-mail address and password."""

    error_messages = {"invalid_login": WRONG, "inactive": WRONG}  # noqa: RUF012 (Django's own attribute)


class SignIn(LoginView):
    """The sign-in page."""

    template_name = "people/signin.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


class SignOut(LogoutView):
    """Sign out and go to the front page."""

    next_page = "/"


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Who you are here, and the tokens of your command lines."""
    user = request.user
    assert isinstance(user, User)
    feed = CalendarFeed.objects.filter(user=user).first()
    context = {
        "enrolments": user.enrolments.active().select_related("offering", "section"),
        "tokens": user.tokens.order_by("-pk"),
        "calendar": request.build_absolute_uri(reverse("site:calendar", args=[feed.token])) if feed else "",
    }
    return render(request, "people/account.html", context)


@require_POST
@login_required
def calendar_address(request: HttpRequest) -> HttpResponse:
    """Give one's calendar a new address, which ends the one before; or, with `end`, none."""
    user = request.user
    assert isinstance(user, User)
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
    user = authenticate(request, username=request.POST.get("email"), password=request.POST.get("password"))
    if not isinstance(user, User):
        return JsonResponse({"error": WRONG}, status=401)
    token = ApiToken.issue(user, request.POST.get("label") or "command line")
    return JsonResponse({"token": token, "name": user.name, "email": user.email})
