"""Everything that the office keeps about one person in one offering, as a zip that people can read.

What is somebody else's stays out: names of readers, second readers' marks, marks that are not published, what hidden
checks asked, other members' things, and comparisons with other people's hand-ins.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import FileResponse

from gradschool.office.audit.models import Entry
from gradschool.office.gradebook.models import Override
from gradschool.office.handin import receipts
from gradschool.office.handin.blobs import path_of
from gradschool.office.handin.models import Accommodation, Submission
from gradschool.office.leaderboard.models import BoardName, Withdrawal
from gradschool.office.marking.models import Mark, RegradeRequest, Writing
from gradschool.office.people.models import AccessRequest, ApiToken, Enrolment, Identity, Invitation, Session
from gradschool.office.queue.models import Report
from gradschool.office.regrade.models import Stage, Trial
from gradschool.office.theory.models import Sheet

WHAT = """What {offering} keeps about {name}

about.json   what is stored: the account, the place in the course, and what was entered, granted, marked and logged
hand-ins/    each hand-in as its bytes, with its signed receipt and its reports
documents/   documents that came with an extension

Not in it, because it is other people's or would give it away: who marked, second readers' marks, marks that are not
published, what hidden checks ask, and comparisons with other hand-ins. Passwords and keys are kept as hashes alone.
"""


def write(enrolment: Enrolment, file: IO[bytes]) -> None:
    """Write the zip."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("README.txt", WHAT.format(offering=enrolment.offering, name=enrolment.user.name))
        packed.writestr("about.json", json.dumps(about(enrolment), indent=1, ensure_ascii=False, default=_plain))
        for row in _hand_ins(enrolment):
            folder = f"hand-ins/{row.problem_set.key}/{row.number}"
            packed.writestr(f"{folder}/receipt.txt", receipts.whole(row) if row.receipt else "")
            if row.blob and row.path.exists():
                packed.write(row.path, f"{folder}/files.zip", zipfile.ZIP_STORED)
            for number, report in enumerate(row.reports.order_by("created_at", "pk"), 1):
                packed.writestr(f"{folder}/report-{number}.json", report.whole().for_student().to_json())
        for granted in Accommodation.objects.filter(enrolment=enrolment).exclude(document=""):
            if path_of(granted.document).exists():
                packed.write(path_of(granted.document), f"documents/{granted.pk}-{_safe(granted.document_name)}")


def about(enrolment: Enrolment) -> dict[str, Any]:
    """The rows, by what they are."""
    user, offering = enrolment.user, enrolment.offering
    hand_ins = _hand_ins(enrolment)
    writings = Writing.objects.filter(submission__in=hand_ins)
    return {
        "account": _rows([user], "email name is_active created_at"),
        "place": _rows([enrolment], "offering section role state sid created_at"),
        "sessions": _rows(Session.objects.filter(user=user), "agent address opened_at expire_date"),
        "tokens": _rows(ApiToken.objects.filter(user=user), "label created_at used_at"),
        "sign-ins elsewhere": _rows(Identity.objects.filter(user=user), "issuer subject created_at"),
        "invitations": _rows(
            Invitation.objects.filter(offering=offering, email__iexact=user.email),
            "email name role message created_at expires_at used_at revoked_at",
        ),
        "requests for access": _rows(
            AccessRequest.objects.filter(enrolment=enrolment), "message asked_at decided_at admitted"
        ),
        "extensions and excuses": _rows(
            Accommodation.objects.filter(enrolment=enrolment),
            "deliverable kind due reason document_name granted_at revoked_at",
        ),
        "hand-ins": _rows(
            hand_ins, "id problem_set number blob size files arrived_at completed_at counted_at warnings"
        ),
        "reports": _rows(
            Report.objects.filter(submission__in=hand_ins), "submission points max_points verdict created_at"
        ),
        "regrades": _rows(
            Trial.objects.filter(submission__in=hand_ins, regrade__stage=Stage.PUBLISHED).exclude(after=""),
            "submission before after told_at",
        ),
        "answers being written": _rows(Sheet.objects.filter(group__alone=enrolment), "problem_set answers saved_at"),
        "answers for readers": _rows(writings, "id submission question text pages"),
        "marks": [
            {"answer": mark.writing_id, **mark.as_log()}
            for mark in Mark.objects.filter(
                writing__in=writings, place=1, writing__question__published_at__isnull=False
            ).select_related("writing__question")
        ],
        "requests to look again": _rows(
            RegradeRequest.objects.filter(writing__in=writings, asked_by=user),
            "writing text before asked_at answer answered_at after",
        ),
        "values that staff entered": _rows(
            Override.objects.filter(enrolment=enrolment), "item value handed_in_at reason at"
        ),
        "names on boards": _rows(BoardName.objects.filter(enrolment=enrolment), "name"),
        "withdrawn from boards": _rows(Withdrawal.objects.filter(submission__in=hand_ins), "submission at"),
        "log": _rows(
            Entry.objects.filter(offering=offering, details__enrolment=enrolment.pk).order_by("pk"),
            "at action thing details",
        ),
    }


def _hand_ins(enrolment: Enrolment) -> QuerySet[Submission]:
    rows = Submission.objects.filter(problem_set__offering=enrolment.offering, group__members=enrolment.user)
    return rows.select_related("problem_set").order_by("problem_set", "number")


def _rows(rows: Iterable[Model], names: str) -> list[dict[str, Any]]:
    return [{name: _value(getattr(row, name)) for name in names.split()} for row in rows]


def _value(value: Any) -> Any:
    return str(value.pk if isinstance(value, Submission | Writing) else value) if isinstance(value, Model) else value


def _plain(value: object) -> str:
    assert isinstance(value, datetime | UUID), value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _safe(name: str) -> str:
    """A file's name without a way out of its folder."""
    return name.replace("/", "_").replace("\\", "_").lstrip(".") or "document"


def answer(enrolment: Enrolment, file: IO[bytes]) -> FileResponse:
    """The zip as a download; the file is closed with it."""
    write(enrolment, file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{enrolment.offering.slug}-{enrolment.pk}.zip")
