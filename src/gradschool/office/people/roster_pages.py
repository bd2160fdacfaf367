"""Staff's pages of who is in the course: the roster, and bringing it up to date from a file."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gradschool.office.audit.models import log
from gradschool.office.handin.rules import Refusal
from gradschool.office.handin.uploads import drain, files_of, let_files_in
from gradschool.office.people import admission, roster
from gradschool.office.people.models import Enrolment, Place, Role, RosterImport, Section
from gradschool.office.people.permissions import STAFF, Viewer, viewer_of
from gradschool.office.people.rules import MOST_BYTES, RosterError

GIVEN = [Role.INSTRUCTOR, Role.TA, Role.STUDENT, Role.OBSERVER]  # a place as applicant is asked for, not given


def sections_of(viewer: Viewer) -> list[Section]:
    """The sections of the offering, in the course's order."""
    return list(Section.objects.filter(offering=viewer.offering).order_by("pk"))


@require_safe
def people(request: HttpRequest, offering: str) -> HttpResponse:
    """Everybody of the offering that the viewer may see, by what they are in it."""
    viewer = viewer_of(request, offering)
    viewer.require_staff()
    rows = list(viewer.enrolments().order_by("section__code", "user__name", "pk"))
    here = [row for row in rows if row.state == Place.ACTIVE]
    groups = [
        ("Students", [row for row in here if row.role == Role.STUDENT]),
        ("Staff", [row for row in here if row.role in STAFF]),
        ("Observers", [row for row in here if row.role == Role.OBSERVER]),
        ("Dropped", [row for row in rows if row.state == Place.DROPPED]),
    ]
    context = {
        "offering": viewer.offering,
        "viewer": viewer,
        "groups": [(title, group) for title, group in groups if group],
        "expected": len(admission.expected(viewer.offering)) if viewer.is_instructor else 0,
        "asking": sum(row.role == Role.APPLICANT for row in here),
        "imports": RosterImport.objects.filter(offering=viewer.offering, applied_at__isnull=False)[:10],
    }
    return render(request, "people/people.html", context)


@require_safe
def person(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """One person's place: role, section, and whether they are in the course."""
    viewer = viewer_of(request, offering)
    viewer.require_instructor()
    return _person_page(request, viewer, get_object_or_404(viewer.enrolments(), pk=pk))


def _person_page(
    request: HttpRequest, viewer: Viewer, enrolment: Enrolment, error: str = "", status: int = 200
) -> HttpResponse:
    context = {"offering": viewer.offering, "enrolment": enrolment, "sections": sections_of(viewer), "error": error}
    return render(request, "people/person.html", {**context, "roles": GIVEN, "places": Place}, status=status)


@require_POST
def change_place(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """Give somebody another role or section, or note that they have left or come back."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    with transaction.atomic():
        row = get_object_or_404(viewer.enrolments().select_for_update(of=("self",)), pk=pk)
        role, place = request.POST.get("role", ""), request.POST.get("state", "")
        code = request.POST.get("section", "")
        section = next((one for one in sections_of(viewer) if one.code == code), None)
        if role not in GIVEN or place not in Place.values or (code and section is None):
            error = "Choose a role, a section of this course or all of it, and whether they are in the course."
        elif role == Role.STUDENT and section is None:
            error = "A student is in a section; choose one."
        elif row.user_id == user.pk and (role, place) != (Role.INSTRUCTOR, Place.ACTIVE):
            error = "You cannot take the course from yourself; another instructor can."
        elif row.role == Role.STUDENT and role != Role.STUDENT and row.user.groups_of.filter(submissions__isnull=False):
            error = f"{row.user.name} has handed in as a student, so they stay one; note that they have left instead."
        else:
            before = {"role": row.role, "section": row.section.code if row.section else "", "state": row.state}
            row.role, row.section, row.state = role, section, place
            row.save(update_fields=["role", "section", "state"])
            log(
                viewer.offering,
                user,
                "role",
                row.user.email,
                before=before,
                after={"role": role, "section": code, "state": place},
            )
            messages.success(request, f"{row.user.name}: {row.get_role_display()}, {code or 'whole course'}, {place}.")
            return redirect("people:people", offering)
    return _person_page(request, viewer, row, error, 400)


@csrf_exempt  # checked once it is known that this sender's files may be read
@require_http_methods(["GET", "HEAD", "POST"])
def roster_import(request: HttpRequest, offering: str) -> HttpResponse:
    """Choose a roster file; what it would change is shown before anything is changed."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    error, status = "", 200
    if request.method == "POST":
        try:
            if refused := let_files_in(request):
                return refused
            section, domain = request.POST.get("section", ""), request.POST.get("domain", "")
            name, data = _one_file(request)
            row = roster.preview(viewer.offering, name, data, section, domain, user)
            return redirect("people:import_preview", offering, row.pk)
        except RosterError as wrong:
            error, status = f"{wrong} Nothing was changed.", 400
        except Refusal as refusal:
            drain(request)
            error, status = str(refusal), refusal.status
    context = {"offering": viewer.offering, "sections": sections_of(viewer), "error": error}
    return render(request, "people/import.html", context, status=status)


def _one_file(request: HttpRequest) -> tuple[str, bytes]:
    """Name and content of the form's only file."""
    files = files_of(request)
    try:
        if len(files) != 1:
            raise RosterError(f"There {'is no file' if not files else 'are several files'}; choose one CSV file.")
        if files[0].incoming.size > MOST_BYTES:
            raise RosterError(f"The file is larger than {MOST_BYTES >> 20} MiB, which no roster is.")
        return str(files[0].name), files[0].incoming.path.read_bytes()
    finally:
        for file in files:
            file.close()


@require_safe
def import_preview(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """What an import would change, or has changed."""
    viewer = viewer_of(request, offering)
    viewer.require_instructor()
    row = get_object_or_404(RosterImport, offering=viewer.offering, pk=pk)
    later = RosterImport.objects.filter(
        offering=viewer.offering, pk__gt=row.pk, applied_at__isnull=False, undone_at__isnull=True
    )
    return render(
        request,
        "people/preview.html",
        {
            "offering": viewer.offering,
            "row": row,
            "groups": roster.grouped(row.changes),
            "expected": len(admission.expected(viewer.offering)),
            "later": later.first() if row.applied_at else None,
        },
    )


@require_POST
def import_apply(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """Make the changes that the preview shows."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    row = get_object_or_404(RosterImport, offering=viewer.offering, pk=pk)
    try:
        roster.apply(row, user)
        messages.success(request, "The roster is applied.")
    except roster.CannotApply as reason:
        messages.error(request, str(reason))
    return redirect("people:import_preview", offering, pk)


@require_POST
def import_undo(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """Take an applied import back."""
    viewer = viewer_of(request, offering)
    user = viewer.require_instructor()
    row = get_object_or_404(RosterImport, offering=viewer.offering, pk=pk)
    try:
        kept = roster.undo(row, user)
        messages.success(request, " ".join(["The roster is as it was before this import.", *kept[:20]]))
    except roster.CannotApply as reason:
        messages.error(request, str(reason))
    return redirect("people:import_preview", offering, pk)
