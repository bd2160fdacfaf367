"""For whoever watches the service: no page of a person, and nothing of a person in them."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from gradschool.office.monitoring import health, metrics
from gradschool.office.people.signin import is_loopback


@require_safe
def healthy(request: HttpRequest) -> HttpResponse:
    """What the office needs to do its work, as JSON; 503 while something of it is missing."""
    found = health.checks()
    ready = set(found.values()) == {health.OK}
    return JsonResponse({"alive": True, "ready": ready, "checks": found}, status=200 if ready else 503)


@require_safe
def numbers(request: HttpRequest) -> HttpResponse:
    """The metrics, for this machine itself or whoever holds the token."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    known = settings.METRICS_TOKEN and scheme.lower() == "bearer"
    if not is_loopback(request) and not (known and constant_time_compare(token.strip(), settings.METRICS_TOKEN)):
        raise PermissionDenied(
            "The numbers are for this machine itself, or for whoever holds GRADSCHOOL_METRICS_TOKEN."
        )
    return HttpResponse(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")
