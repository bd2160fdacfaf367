"""Grades as files, for the staff: downloads, a Canvas gradebook filled in, and imports with preview and undo."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from gradschool.office.courses import course_of
from gradschool.office.gradebook import files as grade_files
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.exchange.table import MOST_BYTES, BadTable
from gradschool.office.gradebook.files import FORMS, Stale
from gradschool.office.gradebook.models import Import
from gradschool.office.handin.rules import Refusal
from gradschool.office.handin.uploads import check_declared_length, drain, files_of, let_files_in
from gradschool.office.people.models import Section
from gradschool.office.people.permissions import Viewer, viewer_of

SHOWN = 500  # differences of a preview that are listed


@require_safe
def files(request: HttpRequest, offering: str) -> HttpResponse:
    """What can be downloaded and brought in, and what was."""
    viewer = viewer_of(request, offering)
    viewer.require_staff_of_all()
    return _files_page(request, viewer)


def _files_page(request: HttpRequest, viewer: Viewer, fault: str = "", status: int = 200) -> HttpResponse:
    items = overrides.items_of(course_of(viewer.offering))
    return render(
        request,
        "gradebook/files.html",
        {
            "offering": viewer.offering,
            "forms": FORMS,
            "sections": Section.objects.filter(offering=viewer.offering).order_by("code"),
            "items": {key: name for key, name in items.items() if key != overrides.LETTER},
            "imports": Import.objects.filter(offering=viewer.offering).select_related("by").order_by("-pk")[:50],
            "fault": fault,
        },
        status=status,
    )


@require_safe
def download(request: HttpRequest, offering: str, form: str) -> HttpResponse:
    """The grades in one of the forms, of one section or of all."""
    viewer = viewer_of(request, offering)
    viewer.require_staff_of_all()
    if form not in FORMS:
        raise Http404(f"There is no form {form}; there are {', '.join(FORMS)}.")
    section = request.GET.get("section", "")
    if section and not Section.objects.filter(offering=viewer.offering, code=section).exists():
        raise Http404(f"There is no section {section[:50]}.")
    return _csv(grade_files.export(viewer.offering, form, section), f"{offering}-{form}.csv")


@csrf_exempt  # checked in _uploaded, once it is known that this sender's files may be read
@require_POST
def fill_canvas(request: HttpRequest, offering: str) -> HttpResponse:
    """A gradebook that Canvas exported comes back with our scores in it."""
    viewer = viewer_of(request, offering)
    viewer.require_staff_of_all()
    try:
        taken = _uploaded(request)
        if isinstance(taken, HttpResponse):
            return taken
        name, data = taken
        return _csv(grade_files.export(viewer.offering, "canvas", like=data), f"filled-{name}")
    except (BadTable, Refusal) as error:
        return _files_page(request, viewer, str(error), 400)


@csrf_exempt  # checked in _uploaded, once it is known that this sender's files may be read
@require_POST
def upload(request: HttpRequest, offering: str) -> HttpResponse:
    """Read a table of scores and lead to its preview; no grade changes yet."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff_of_all()
    try:
        taken = _uploaded(request)
        if isinstance(taken, HttpResponse):
            return taken
        name, data = taken
        draft = grade_files.draft(viewer.offering, user, name, data, request.POST.get("item") or None)
    except (BadTable, Refusal) as error:
        return _files_page(request, viewer, f"{error} Nothing was changed.", 400)
    return redirect("gradebook:import", offering, draft.pk)


@require_safe
def preview(request: HttpRequest, offering: str, pk: int) -> HttpResponse:
    """What a file would change or has changed."""
    viewer = viewer_of(request, offering)
    viewer.require_staff_of_all()
    return _preview_page(request, viewer, _import(viewer, pk))


def _preview_page(
    request: HttpRequest, viewer: Viewer, found: Import, fault: str = "", status: int = 200
) -> HttpResponse:
    names = overrides.items_of(course_of(viewer.offering))
    rows = [
        (one["enrolment"], one["name"], names.get(one["item"], one["item"]), one["shown"], one["after"])
        for one in found.proposed[:SHOWN]
    ]
    context = {"offering": viewer.offering, "import": found, "rows": rows, "fault": fault}
    return render(request, "gradebook/import.html", context, status=status)


@require_POST
def decide(request: HttpRequest, offering: str, pk: int, step: str) -> HttpResponse:
    """Apply a previewed file, throw it away, or undo it."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff_of_all()
    found = _import(viewer, pk)
    if step == "apply":
        try:
            count = grade_files.apply(found, user)
        except Stale as error:
            return _preview_page(request, viewer, found, str(error), 409)
        messages.success(request, f"{count} value{'' if count == 1 else 's'} entered.")
    elif step == "undo":
        count = overrides.undo(found, user)
        messages.success(request, f"{count} value{' is' if count == 1 else 's are'} as before.")
    elif step == "discard":
        with transaction.atomic():
            gone, _ = Import.objects.filter(pk=found.pk, applied_at=None).delete()
        messages.success(request, "The file is thrown away." if gone else "It was applied; undo it instead.")
        return redirect("gradebook:files", offering)
    else:
        raise Http404(f"There is no step {step}.")
    return redirect("gradebook:import", offering, pk)


def _import(viewer: Viewer, pk: int) -> Import:
    return get_object_or_404(Import.objects.select_related("by"), pk=pk, offering=viewer.offering)


def _uploaded(request: HttpRequest) -> tuple[str, bytes] | HttpResponse:
    """The file of a form, or the answer to a forged request. Raises Refusal."""
    try:
        check_declared_length(request)
        forged = let_files_in(request)
    except Refusal:
        drain(request)
        raise
    if forged is not None:
        return forged
    uploads = files_of(request)
    try:
        if len(uploads) != 1:
            raise BadTable("Choose one file of grades." if not uploads else "Choose one file at a time.")
        with uploads[0].incoming.path.open("rb") as file:
            return str(uploads[0].name), file.read(MOST_BYTES + 1)
    finally:
        for upload in uploads:
            upload.close()


def _csv(text: str, name: str) -> HttpResponse:
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "-" for letter in name)
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{safe[:100]}"'
    return response
