"""Staff's page of extensions and excuses."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gradschool.office.courses import course_of
from gradschool.office.handin import blobs, deadlines
from gradschool.office.handin.deadlines import CannotGrant
from gradschool.office.handin.models import Accommodation
from gradschool.office.handin.rules import Refusal
from gradschool.office.handin.uploads import drain, files_of, let_files_in
from gradschool.office.people.models import User
from gradschool.office.people.permissions import Viewer, viewer_of
from gradschool.syllabus.dates import aware

LARGEST_DOCUMENT = 5 << 20
FORM_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?")


@csrf_exempt  # checked once it is known that this sender's files may be read
@require_http_methods(["GET", "HEAD", "POST"])
def extensions(request: HttpRequest, offering: str) -> HttpResponse:
    """What is granted to whom, and the form to grant more."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff()
    error, status = "", 200
    if request.method == "POST":
        try:
            if refused := let_files_in(request):
                return refused
            _grant(request, viewer, user)
            return redirect("handin:extensions", offering)
        except CannotGrant as wrong:
            error, status = f"{wrong} Nothing was changed.", 400
        except Refusal as refusal:
            drain(request)
            error, status = str(refusal), refusal.status
    rows = Accommodation.objects.filter(enrolment__in=viewer.enrolments())
    names = deadlines.names_of(course_of(viewer.offering))
    said = request.POST if request.method == "POST" else request.GET
    context = {
        "offering": viewer.offering,
        "students": viewer.students(),
        "names": names,
        "rows": [
            (row, names.get(row.deliverable, row.deliverable))
            for row in rows.select_related("enrolment__user", "enrolment__section", "granted_by", "revoked_by")
        ],
        "error": error,
        "said": {name: said.get(name, "") for name in ("student", "deliverable", "kind", "due", "reason")},
    }
    return render(request, "handin/extensions.html", context, status=status)


def _grant(request: HttpRequest, viewer: Viewer, user: User) -> None:
    files = files_of(request)
    try:
        form = request.POST
        student = form.get("student", "")
        enrolment = viewer.students().filter(pk=int(student)).first() if re.fullmatch("[0-9]{1,15}", student) else None
        if enrolment is None:
            raise CannotGrant("Choose a student.")
        if form.get("kind") not in Accommodation.Kind.values:
            raise CannotGrant("Choose whether to extend or to excuse.")
        excuse = form["kind"] == Accommodation.Kind.EXCUSE
        due = None if excuse else _moment(form.get("due", ""), viewer.offering.zone)
        document = ("", "")
        for file in files:
            if file.incoming.size > LARGEST_DOCUMENT:
                raise CannotGrant(f"The document is larger than {LARGEST_DOCUMENT >> 20} MiB; give a smaller scan.")
            document = (file.incoming.digest, str(file.name)) if file.incoming.size else document
        with transaction.atomic():  # the document is in the store before the row that names it is written for good
            deadlines.grant(enrolment, form.get("deliverable", ""), due, form.get("reason", ""), user, document)
            for file in files:
                if file.incoming.digest == document[0]:
                    file.incoming.keep()
    finally:
        for file in files:
            file.close()


def _moment(text: str, zone: str) -> datetime:
    """What a form's date and time say by the clock on the course's wall."""
    try:
        local = datetime.fromisoformat(text) if FORM_TIME.fullmatch(text) else datetime.min
    except ValueError:
        local = datetime.min
    if not 2000 <= local.year <= 2200:
        raise CannotGrant("Give the new due time as a date and a time, like 2021-09-18 23:59.")
    return aware(local, ZoneInfo(zone))


@require_POST
def revoke_extension(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """Let the course's own dates hold again."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff()
    deadlines.revoke(_row(viewer, pk), user)
    return redirect("handin:extensions", offering)


@require_safe
def extension_document(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """The document behind a grant, to be saved and not to be shown: anything may be in it."""
    viewer = viewer_of(request, offering)
    viewer.require_staff()
    row = _row(viewer, pk)
    if not row.document:
        raise Http404("There is no document for this.")
    response = HttpResponse(blobs.path_of(row.document).read_bytes(), content_type="application/octet-stream")
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", row.document_name)[-100:] or "document"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _row(viewer: Viewer, pk: int) -> Accommodation:
    rows = Accommodation.objects.filter(enrolment__in=viewer.enrolments()).select_related("enrolment__offering")
    return get_object_or_404(rows, pk=pk)
