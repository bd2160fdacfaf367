"""Each request is counted, timed and written down: by its view's name, never by its address."""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.utils.functional import LazyObject
from prometheus_client import CollectorRegistry, Counter, Histogram

from gradschool.office.monitoring.logs import REQUEST, view_of

if TYPE_CHECKING:
    from gradschool.office.middleware import Handler

log = logging.getLogger("gradschool.requests")

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
OURS = CollectorRegistry()
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60, 600)  # seconds; an upload may take minutes
SECONDS = Histogram(
    "gradschool_request_seconds", "Time to answer a request, by view.", ["view"], registry=OURS, buckets=BUCKETS
)
ANSWERS = Counter("gradschool_answers", "Answers by view and status.", ["view", "status"], registry=OURS)
FAULTS = Counter(
    "gradschool_server_errors",
    "Answers with a status of 500 or more, a refusal for a full disk among them.",
    registry=OURS,
)


def observed(get_response: Handler) -> Handler:
    """Gives the request an id, which the answer names, and notes how it went."""

    def handle(request: HttpRequest) -> HttpResponse:
        number = secrets.token_hex(8)
        REQUEST.set(number)  # it stays until this thread's next request: Django logs after the last middleware
        began = time.monotonic()
        response = get_response(request)
        seconds = time.monotonic() - began
        view = view_of(request)
        response.headers["X-Request-ID"] = number
        SECONDS.labels(view).observe(seconds)
        ANSWERS.labels(view, str(response.status_code)).inc()
        if response.status_code >= 500 and view != "monitoring:health":  # whose 503 is the true answer
            FAULTS.inc()
        details = {
            "view": view,
            "method": request.method if request.method in METHODS else "other",
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
            "user": _known(request),
        }
        log.info("answered", extra=details)
        return response

    return handle


def _known(request: HttpRequest) -> int | None:
    """The number of whoever asked, if answering needed to know."""
    user = vars(request).get("user")
    if isinstance(user, LazyObject):  # of a session, and not looked up unless the view asked
        user = getattr(request, "_cached_user", None)
    return user.pk if user is not None else None
