"""What every request passes through before it reaches a page."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from gradschool.office import clock
from gradschool.office.site.views import unavailable

log = logging.getLogger("gradschool.site")

Handler = Callable[[HttpRequest], HttpResponse]

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)


def arrival(get_response: Handler) -> Handler:
    """Notes when the request's first bytes were here: the time that counts for a hand-in which uploads in time."""

    def handle(request: HttpRequest) -> HttpResponse:
        request.arrived_at = clock.now()  # type: ignore[attr-defined]
        return get_response(request)

    return handle


def database_away(get_response: Handler) -> Handler:
    """A database that restarts, or is busy for too long, is told of as what it is: for a while."""

    def handle(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        log.error("the database does not answer: %s", str(exception).strip())
        return unavailable(request)

    handle.process_exception = process_exception  # type: ignore[attr-defined]  # where Django looks for it
    return handle


def content_security_policy(get_response: Handler) -> Handler:
    """No inline script or style, nothing from elsewhere, no framing."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return handle


class WhatNoDatabaseKeeps:
    """What PostgreSQL cannot store or compare with, such as a NUL or too long a name, is a bad request and no fault."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        if isinstance(exception, DataError):
            raise BadRequest("Something in that request cannot be kept.") from exception
