"""What an office holds after a rush, counted from its tables, its blobs and its clients' receipts.

`python audit.py SECONDS receipts.jsonl` waits for at most so long until nothing is left to be graded, and prints the
counts as JSON. A receipt is a line {"student": number, "submission": id, "sha256": digest, "receipt": text}.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import Counter
from pathlib import Path

import django

django.setup()

from django.db import connection  # noqa: E402  # Django is set up above

from gradschool.office.handin import blobs, receipts  # noqa: E402
from gradschool.office.handin.models import Submission  # noqa: E402
from gradschool.office.queue.models import OPEN, Job, Report, State  # noqa: E402


def wait_for_the_queue(seconds: float) -> int:
    """Wait until all is graded; how many gradings are still open at the end."""
    deadline = time.monotonic() + seconds
    while (left := Job.objects.filter(state__in=OPEN).count()) and time.monotonic() < deadline:
        time.sleep(0.25)
    return left


def intact(digest: str) -> bool:
    """Whether the store holds this content, byte for byte."""
    try:
        return hashlib.sha256(blobs.path_of(digest).read_bytes()).hexdigest() == digest
    except OSError:
        return False


def count(given: list[dict[str, str]]) -> dict[str, int]:
    """The counts, by what is counted; which of them must be 0 is for `rush.py` to say."""
    rows = {str(row.pk): row for row in Submission.objects.all()}
    held = [entry for entry in given if (row := rows.get(entry["submission"])) and row.blob == entry["sha256"]]
    groups = {row.group_id for row in rows.values()}  # each student hands in one content, however often it is sent
    graded = Counter(str(pk) for pk in Report.objects.values_list("submission_id", flat=True))
    jobs = Counter(str(pk) for pk in Job.objects.values_list("submission_id", flat=True))
    return {
        "receipts": len(given),
        "submissions": len(rows),
        "reports": sum(graded.values()),
        "gradings lost with a worker and done again": sum(Job.objects.values_list("losses", flat=True)),
        "submissions without a receipt given": len(set(rows) - {entry["submission"] for entry in given}),
        "lost": len(given) - len(held),
        "duplicated": len(rows) - len(groups),
        "receipts without a blob": sum(not intact(entry["sha256"]) for entry in given),
        "submissions without a blob": sum(not intact(row.blob) for row in rows.values()),
        "receipts that do not verify": sum(receipts.genuine(entry["receipt"]) is None for entry in given),
        "not graded": len(set(rows) - set(graded)),
        "graded twice": sum(times > 1 for times in graded.values()),
        "jobs too many": sum(times > 1 for times in jobs.values()),
        "given up": Job.objects.filter(state=State.DEAD).count(),
        "failures of the grader": Report.objects.filter(verdict="grader_error").count(),
        "left aside": len(list((blobs.folder() / "incoming").glob("*"))),
        "damage to the database": _damage(),
    }


def _damage() -> int:
    if connection.vendor != "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        said = cursor.fetchall()
        cursor.execute("PRAGMA foreign_key_check")
        return len([line for line in said if line != ("ok",)]) + len(cursor.fetchall())


if __name__ == "__main__":
    still_open = wait_for_the_queue(float(sys.argv[1]))
    lines = [json.loads(line) for line in Path(sys.argv[2]).read_text().splitlines()]
    json.dump({"still to be graded": still_open, **count(lines)}, sys.stdout)
