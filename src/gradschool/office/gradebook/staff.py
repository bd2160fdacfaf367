"""The staff's pages of grades: the class, its statistics, and values entered for single students."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from gradschool.office import clock
from gradschool.office.courses import course_of
from gradschool.office.gradebook import figures, overrides
from gradschool.office.gradebook import statistics as numbers
from gradschool.office.gradebook.files import students_of
from gradschool.office.gradebook.ledger import policy_of, records_of
from gradschool.office.gradebook.overrides import Change, Setting
from gradschool.office.gradebook.record_page import record_page, student_for_staff
from gradschool.office.gradebook.rules import Record, show
from gradschool.office.gradebook.sentences import plain
from gradschool.office.gradebook.templatetags.grades import status_word
from gradschool.office.gradebook.whatif import moment_in
from gradschool.office.handin.models import ProblemSet
from gradschool.office.people.models import Enrolment
from gradschool.office.people.permissions import viewer_of
from gradschool.office.queue.models import Report

PAGE = 100  # students on a page of the class


@dataclass(frozen=True)
class Row:
    """A student in the table of the class. `shares` are written out, with whether they count."""

    enrolment: Enrolment
    record: Record
    shares: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Heading:
    """A column's name with the link that sorts by it; `order` is the present one, if it is sorted by it now."""

    title: str
    link: str
    order: str
    numeric: bool


@require_safe
def everyone(request: HttpRequest, offering: str) -> HttpResponse:
    """The class: every student's shares, days left and final; sorted and narrowed down by links and a form."""
    viewer = viewer_of(request, offering)
    viewer.require_staff()
    course = course_of(viewer.offering)
    enrolments = students_of(viewer.offering, viewer.section.code if viewer.section else "")
    wanted = {name: request.GET.get(name, "").strip()[:100] for name in ("section", "letter", "name")}
    kept = [one for one in enrolments if _is_wanted(one, wanted)]
    records = records_of(viewer.offering, kept, clock.now())
    if wanted["letter"]:
        kept = [one for one in kept if (records[one.pk].letter or "") == wanted["letter"]]
    first = next(iter(records.values()), None)
    titles = [line.deliverable.title for line in first.lines] if first else []
    sort, order = _sorting(request, titles)
    kept = _sorted(kept, records, _sort_key(sort, titles), order == "down")
    page = Paginator(kept, PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "gradebook/class.html",
        {
            "offering": viewer.offering,
            "course": course,
            "policy": policy_of(course),
            "total": len(enrolments),
            "found": len(kept),
            "wanted": wanted,
            "narrowed": any(wanted.values()),
            "page": page,
            "rows": [_row(one, records[one.pk]) for one in page],
            "headings": _headings(titles, wanted, sort, order),
            "here": urlencode({**wanted, "sort": sort, "order": order}),
        },
    )


def _is_wanted(enrolment: Enrolment, wanted: dict[str, str]) -> bool:
    section = enrolment.section.code if enrolment.section else ""
    text = f"{enrolment.user.name} {enrolment.user.email}".casefold()
    return wanted["section"] in ("", section) and wanted["name"].casefold() in text


def _sorting(request: HttpRequest, titles: Sequence[str]) -> tuple[str, str]:
    sort = request.GET.get("sort", "")
    known = {"name", "section", "days", "final", *(str(place) for place in range(len(titles)))}
    return (sort if sort in known else "name", "down" if request.GET.get("order") == "down" else "up")


def _sorted(
    enrolments: list[Enrolment], records: dict[int, Record], key: Callable[[Enrolment, Record], Any], down: bool
) -> list[Enrolment]:
    """Sorted, of equals by name; students without a value come last either way."""
    values = {one.pk: key(one, records[one.pk]) for one in enrolments}
    having = [one for one in enrolments if values[one.pk] is not None]
    having.sort(key=lambda one: values[one.pk], reverse=down)
    return having + [one for one in enrolments if values[one.pk] is None]


def _sort_key(sort: str, titles: Sequence[str]) -> Callable[[Enrolment, Record], Any]:
    """What is sorted by."""
    if sort == "section":
        return lambda one, record: one.section.code if one.section else ""
    if sort == "days":
        return lambda one, record: record.days_left
    if sort == "final":
        return lambda one, record: record.final
    if sort.isdecimal():
        return lambda one, record: record.lines[int(sort)].share_after
    return lambda one, record: one.user.name.casefold()


def _headings(titles: Sequence[str], wanted: dict[str, str], sort: str, order: str) -> list[Heading]:
    columns = [("Student", "name"), ("Section", "section")]
    columns += [(title, str(place)) for place, title in enumerate(titles)]
    columns += [("Days left", "days"), ("Final", "final")]
    return [
        Heading(
            title,
            "?" + urlencode({**wanted, "sort": key, "order": "down" if key == sort and order == "up" else "up"}),
            {"up": "ascending", "down": "descending"}[order] if key == sort else "",
            key not in ("name", "section"),
        )
        for title, key in columns
    ]


def _row(enrolment: Enrolment, record: Record) -> Row:
    shares = []
    for line in record.lines:
        share = line.share_after
        if share is None:
            shares.append((status_word(line.status), False))
        else:
            text = f"{show(100 * share)} %"
            shares.append((f"({text})", False) if line.status == "dropped" else (text, True))
    return Row(enrolment, record, tuple(shares))


@require_POST
def override(request: HttpRequest, offering: str, student: int) -> HttpResponse:
    """Enter a value for a student, or take back what was entered; with a reason, into the audit log."""
    viewer = viewer_of(request, offering)
    user = viewer.require_staff()
    enrolment = student_for_staff(viewer, student)
    course = course_of(viewer.offering)
    item, reason = request.POST.get("item", ""), " ".join(request.POST.get("reason", "").split())
    fault, setting = "", Setting("")
    if item not in overrides.items_of(course):
        fault = "Choose what the value is for."
    elif not reason:
        fault = "Say why: the reason is kept, and the student reads it beside the value."
    elif len(reason) > 500:
        fault = f"The reason has {len(reason)} letters; at most 500 are kept."
    elif request.POST.get("take_back"):
        setting = Setting("", None, reason)
    else:
        try:
            value = overrides.as_value(course, item, request.POST.get("value", ""))
            setting = Setting(value, moment_in(viewer.offering.zone, request.POST.get("handed_in", "")), reason)
        except ValueError as error:
            fault = str(error)
    if fault:
        return record_page(request, viewer.offering, enrolment, own=False, fault=fault, status=400)
    if overrides.write(viewer.offering, user, [Change(enrolment.pk, item, setting)]):
        name = overrides.items_of(course)[item]
        messages.success(request, f"{name} is {'as it was worked out again' if not setting.value else 'entered'}.")
    return redirect("gradebook:student", offering, student)


@require_safe
def statistics(request: HttpRequest, offering: str) -> HttpResponse:
    """The class in figures: finals, late days, and for one problem set its scores and questions."""
    viewer = viewer_of(request, offering)
    viewer.require_statistics()
    course = course_of(viewer.offering)
    section = viewer.section.code if viewer.section else request.GET.get("section", "")
    if section not in {one.code for one in course.sections}:
        section = ""
    records = list(records_of(viewer.offering, students_of(viewer.offering, section), clock.now()).values())
    finals = [record.final for record in records if record.final is not None]
    sets = [one for one in ProblemSet.objects.filter(offering=viewer.offering) if one.ready and one.counted]
    chosen = next((one for one in sets if one.key == request.GET.get("problem")), sets[0] if sets else None)
    shares = [line.share_after * 100 for record in records for line in record.lines
              if chosen and line.deliverable.id == chosen.key and line.share_after is not None]  # fmt: skip
    return render(
        request,
        "gradebook/statistics.html",
        {
            "offering": viewer.offering,
            "course": course,
            "section": section,
            "sets": sets,
            "chosen": chosen,
            "spread": numbers.spread(finals),
            "problem_spread": numbers.spread(shares),
            "students": len(records),
            "finals": _histogram("Finals", "Finals as they stand today, in percent.", finals),
            "letters": _letters(records, [letter.letter for letter in course.grading.letters]),
            "days": _days(records, course.late.free_days),
            "late": numbers.late_use(records),
            "scores": _histogram(f"{chosen.name}", "What it counts, in percent.", shares) if chosen else None,
            **(_questions(chosen) if chosen else {}),
        },
    )


def _histogram(title: str, caption: str, values: Sequence[Fraction]) -> figures.Figure:
    most = Fraction(100)
    found = [
        (plain(one.low), f"{plain(one.low)} to {plain(one.high)} %", one.count) for one in numbers.bins(values, most)
    ]
    low, said, count = found[-1]
    found[-1] = (low, said.replace(" to 100 %", " % and more"), count)
    return figures.columns(title, caption, ("Percent", "Students"), found)


def _letters(records: Sequence[Record], letters: Sequence[str]) -> figures.Figure:
    counts = [(letter, letter, sum(record.letter == letter for record in records)) for letter in letters]
    return figures.columns("Letters", "The letters that these finals would be.", ("Letter", "Students"), counts)


def _days(records: Sequence[Record], free_days: int) -> figures.Figure:
    counts = [(str(days), f"{days} spent", count) for days, count in enumerate(numbers.days_spent(records, free_days))]
    return figures.columns("Free days", "How many free late days students spend.", ("Days", "Students"), counts)


def _questions(problem_set: ProblemSet) -> dict[str, Any]:
    """The checks of a problem set, from the report that holds of each student's latest hand-in."""
    latest: dict[int, int] = {}
    rows = Report.objects.filter(submission__problem_set=problem_set).exclude(verdict="grader_error")
    for group, pk in rows.order_by("submission__number", "created_at", "pk").values_list("submission__group_id", "pk"):
        latest[group] = pk
    results, titles = [], {}
    for report in Report.objects.filter(pk__in=latest.values()).iterator():
        checks = report.whole().checks
        results.append({check.name: (check.points, check.max_points) for check in checks})
        titles.update({check.name: (check.title, check.part) for check in checks})
    found = numbers.questions(results, titles)
    shown = [(f"{one.part}: {one.title}", one) for one in found]
    return {
        "questions": found,
        "difficulty": figures.rows(
            "Difficulty",
            "The mean share of a question's points: a long bar is an easy question.",
            ("Question", "Mean share"),
            [(title, one.difficulty, f"{100 * one.difficulty:.0f} %") for title, one in shown],
        ),
        "discrimination": figures.rows(
            "Discrimination",
            "How a question's points go with those of the other questions, as a correlation; near 0 it tells nothing.",
            ("Question", "Correlation"),
            [
                (title, one.discrimination, f"{one.discrimination:.2f}")
                for title, one in shown
                if one.discrimination is not None
            ],
        ),
    }
