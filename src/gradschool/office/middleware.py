"""What every request passes through before it reaches a page, and every answer on its way out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from gradschool.office import clock
from gradschool.office.site.views import too_long, unavailable

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
UNUSED = ["accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone"]
UNUSED += ["midi", "payment", "usb"]
# On every answer that does not say otherwise itself. Django's SecurityMiddleware adds its own to them.
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors, on static files too
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",  # almost every page says who is signed in
}
LONGEST_BODY = 64 << 20  # bytes of one request; a hand-in's own limit is lower and said on its page
LONGEST_WAIT = timedelta(hours=1)  # that a proxy may have held a request back


def arrival(get_response: Handler) -> Handler:
    """Notes when the request's first bytes were here: the time that counts for a hand-in which uploads in time.

    A proxy that takes in the whole upload before it passes it on says when it began, in X-Request-Start.
    """

    def handle(request: HttpRequest) -> HttpResponse:
        now = clock.now()
        said = _said(request.headers.get("X-Request-Start", "")) if settings.BEHIND_TLS else None
        request.arrived_at = said if said and now - LONGEST_WAIT < said < now else now  # type: ignore[attr-defined]
        return get_response(request)

    return handle


def _said(header: str) -> datetime | None:
    """The moment in a header like t=1700000000.123, in seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(header.removeprefix("t=")), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def database_refusals(get_response: Handler) -> Handler:
    """What a database refuses is no fault of ours: one that restarts, or is busy for too long, is away for a while, and
    what none can keep, such as a NUL or too long a name, is a bad request.
    """

    def handle(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DataError):
            raise BadRequest("Something in that request cannot be kept.") from exception
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        log.error("the database does not answer", exc_info=exception)
        return unavailable(request)

    handle.process_exception = process_exception  # type: ignore[attr-defined]  # where Django looks for it
    return handle


def headers(get_response: Handler) -> Handler:
    """No inline script or style, nothing from elsewhere, no framing, nothing kept by caches."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return handle


def bounded(get_response: Handler) -> Handler:
    """Refuses what announces a longer body than anything here takes, before a byte of it is read."""

    def handle(request: HttpRequest) -> HttpResponse:
        declared = request.META.get("CONTENT_LENGTH") or "0"
        if not declared.isdecimal() or len(declared) > 18 or int(declared) > LONGEST_BODY:
            return too_long(request, LONGEST_BODY)
        return get_response(request)

    return handle
