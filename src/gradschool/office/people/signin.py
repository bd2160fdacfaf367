"""Signing in by e-mail address and password."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from gradschool.office.people.models import User


def is_loopback(request: HttpRequest | None) -> bool:
    """Whether a request comes from this machine itself, with no proxy in between."""
    if request is None or "X-Forwarded-For" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def address_of(request: HttpRequest) -> str:
    """Where a request comes from: the other end, or what our own TLS proxy says of it."""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    given = forwarded if settings.BEHIND_TLS and forwarded else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        return ""


def limited_address(request: HttpRequest) -> str:
    """Where a request comes from, for limits; "" for this machine, behind which a proxy may stand for everybody."""
    address = address_of(request)
    return "" if not address or ipaddress.ip_address(address).is_loopback else address


class EmailBackend(BaseBackend):
    """Passwords are checked in the same time whether or not the address is known."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        if username is None or password is None or "\0" in username:
            return None
        user = User.objects.filter(email__iexact=username.strip()).first()
        if user is None:
            User().set_password(password)  # spends the time that a known address would
            return None
        if not user.check_password(password) or not user.is_active:
            return None
        # A demo account's password is printed on a terminal and stands in the documentation.
        return user if not user.is_demo or is_loopback(request) else None

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
