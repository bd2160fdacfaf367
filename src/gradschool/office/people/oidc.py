"""Signing in with an OpenID Connect provider: the authorization code flow with PKCE, state and nonce.

Authlib speaks the protocol (discovery, PKCE, state, nonce, the token's signature by the provider's keys, its issuer,
audience and times); whose account the provider's word opens is decided here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from gradschool.office.environment import Oidc
from gradschool.office.people.models import Identity, User
from gradschool.office.people.rules import ADDRESS, LONGEST

SECONDS = 10  # that the provider may take for an answer
NEXT = "oidc_next"  # in the session: where the person was going
BACKEND = "gradschool.office.people.signin.EmailBackend"


class Refused(PermissionDenied):
    """The provider's answer opens no account; str() is the sentence for the person."""


@lru_cache(maxsize=4)
def _client(provider: Oidc) -> Any:
    """Authlib's client of a provider, which keeps the provider's addresses and keys."""
    from authlib.integrations.django_client import OAuth  # an extra: `pip install gradschool[oidc]`

    return OAuth().register(
        name="oidc",
        client_id=provider.client,
        client_secret=provider.secret,
        server_metadata_url=f"{provider.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "default_timeout": SECONDS,
        },
    )


def _provider() -> tuple[Oidc, Any]:
    provider: Oidc = settings.OIDC
    if not provider.issuer:
        raise Http404("This site has no other sign-in than by e-mail address and password.")
    return provider, _client(provider)


@require_safe
def start(request: HttpRequest) -> HttpResponseBase:
    """Send the person to the provider."""
    provider, client = _provider()
    target = request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    request.session[NEXT] = target if safe else ""
    back = request.build_absolute_uri(reverse("people:oidc_callback"))
    try:
        _check_issuer(provider, client)
        answer: HttpResponseBase = client.authorize_redirect(request, back)
    except _faults() as error:
        raise _unavailable(provider) from error
    return answer


@require_safe
def callback(request: HttpRequest) -> HttpResponseBase:
    """Take what the provider sends the person back with, and sign them in if it is genuine."""
    provider, client = _provider()
    if request.GET.get("error") == "access_denied":
        messages.info(request, f"You did not sign in with {provider.name}.")
        return redirect("people:signin")
    try:
        _check_issuer(provider, client)
        token = client.authorize_access_token(request)
    except _faults() as error:
        raise Refused(
            f"The answer of {provider.name} could not be used: it was old, not meant for this browser, or not genuine. "
            "Sign in once more."
        ) from error
    claims = token.get("userinfo")  # of the verified ID token; absent if there was none
    if not claims:
        raise Refused(f"{provider.name} did not say who you are.")
    user = account_of(provider, dict(claims))
    target = request.session.pop(NEXT, "") or settings.LOGIN_REDIRECT_URL
    login(request, user, backend=BACKEND)
    return redirect(target)


def account_of(provider: Oidc, claims: dict[str, Any]) -> User:
    """The account that these verified claims open; made if there is none. Raises Refused.

    A subject that was here before is known. Otherwise the e-mail address decides, if the provider vouches for it.
    """
    subject = str(claims.get("sub", ""))
    if not subject or len(subject) > 255:
        raise Refused(f"{provider.name} did not say who you are.")
    with transaction.atomic():
        known = Identity.objects.select_related("user").filter(issuer=provider.issuer, subject=subject).first()
        if known is not None:
            return _open(known.user)
        email = str(claims.get("email", "")).strip().lower()
        if not ADDRESS.fullmatch(email) or len(email) > LONGEST["email"]:
            raise Refused(f"{provider.name} did not give your e-mail address, without which no account can be found.")
        if claims.get("email_verified") is not True and not provider.trust_email:
            raise Refused(f"{provider.name} has not verified the address {email}; verify it there and come back.")
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            name = " ".join(str(claims.get("name", "")).split())[: LONGEST["name"]]
            user = User.objects.create_user(email, name if name and name.isprintable() else email)
        _open(user)
        if user.is_demo or user.identities.filter(issuer=provider.issuer).exists():
            raise Refused(f"{email} belongs to another account of {provider.name}; write to the staff.")
        Identity.objects.create(user=user, issuer=provider.issuer, subject=subject)
        return user


def _open(user: User) -> User:
    if not user.is_active:
        raise Refused(f"The account {user.email} is closed.")
    return user


def _check_issuer(provider: Oidc, client: Any) -> None:
    """The document that was found under the issuer's address must be the issuer's own (OpenID Discovery, 4.3)."""
    if str(client.load_server_metadata().get("issuer", "")).rstrip("/") != provider.issuer:
        raise ValueError("another issuer")


def _faults() -> tuple[type[Exception], ...]:
    """What Authlib and what it stands on raise when an answer is wrong, or does not come."""
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError
    from requests import RequestException

    return (AuthlibBaseError, JoseError, RequestException, RuntimeError, ValueError, KeyError, TypeError)


def _unavailable(provider: Oidc) -> Refused:
    return Refused(f"{provider.name} does not answer at the moment; sign in with your password, or try again later.")
