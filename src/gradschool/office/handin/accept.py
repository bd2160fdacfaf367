"""Taking a hand-in: files become a stored archive, then a submission and its job in one transaction, then a receipt."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from django.db import OperationalError, transaction

from gradschool.grading.archive import ArchiveRefused, Listing, inspect, pack, put_member
from gradschool.grading.written import ANSWERS
from gradschool.office import clock
from gradschool.office.handin import rules
from gradschool.office.handin.blobs import Incoming, full_disk_is_a_refusal
from gradschool.office.handin.deadlines import window_of
from gradschool.office.handin.models import Group, ProblemSet, Submission
from gradschool.office.handin.receipts import sign
from gradschool.office.handin.rules import Refusal
from gradschool.office.people.models import Enrolment
from gradschool.office.queue import leases

Upload = tuple[str, Incoming]  # the name that the sender gave it, and its content

DISK_IS_FULL = {"SQLITE_FULL", "53100"}  # as the databases call it
ZIP_BEGINS = (b"PK\x03\x04", b"PK\x05\x06")
OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")


def hand_in(
    enrolment: Enrolment, problem_set: ProblemSet, uploads: Sequence[Upload], arrived: datetime
) -> tuple[Submission, bool]:
    """Take these files for a student. The submission, and whether it is new (the same bytes twice are one submission).

    Once this returns the content and the rows are on the disk. Raises Refusal, and has then changed nothing; what is
    aside in the store remains the caller's to discard.
    """
    if not uploads:
        raise Refusal(400, "There was no file in the hand-in. Choose the files, or one zip of them, and hand in again.")
    with contextlib.ExitStack() as stack:
        archive = _one_archive(uploads, stack)
        try:
            listing = inspect(archive.path)
            if (answers := _answers(enrolment, problem_set)) and listing.missing([ANSWERS]):
                archive = with_member(archive.path, ANSWERS, answers, stack)
                listing = inspect(archive.path)
        except ArchiveRefused as error:
            raise Refusal(400, f"{error} Nothing was handed in.") from None
        completed = clock.now()
        counted = rules.counted_at(arrived, completed)
        if refusal := rules.refusal_at(counted, window_of(problem_set, enrolment)):
            raise refusal
        size = archive.size
        digest = archive.keep()
        # As it is now: an upload may take minutes, and the course may have been applied anew meanwhile.
        problem_set = ProblemSet.objects.select_related("offering", "current").get(pk=problem_set.pk)
        with _full_database_is_a_refusal():
            return _write_rows(enrolment, problem_set, digest, size, listing, (arrived, completed, counted))


def _one_archive(uploads: Sequence[Upload], stack: contextlib.ExitStack) -> Incoming:
    """One zip is kept as its bytes; anything else is packed, the same way for the same files."""
    if len(uploads) == 1:
        name, content = uploads[0]
        if content.size == 0:
            raise Refusal(400, f"{_shown(name)} is empty. Nothing was handed in.")
        with content.path.open("rb") as file:
            begins_as_zip = file.read(4) in ZIP_BEGINS
        if begins_as_zip or Path(name).suffix.lower() in (".zip", *OTHER_ARCHIVES):
            return content  # what is no zip after all is refused by `inspect`, in a sentence
    files: dict[str, Path] = {}
    for name, content in uploads:
        if name in files:
            raise Refusal(400, f"There are two files named {_shown(name)}. Leave one out; nothing was handed in.")
        files[name] = content.path
    return _written(lambda beside: pack(files, beside), stack)


def with_member(source: Path, name: str, content: bytes, stack: contextlib.ExitStack) -> Incoming:
    """A stored or incoming zip with this file in it, in place of one of that name."""

    def write(beside: Path) -> None:
        shutil.copyfile(source, beside)
        put_member(beside, name, content)

    return _written(write, stack)


def _written(write: Callable[[Path], None], stack: contextlib.ExitStack) -> Incoming:
    """What `write` makes of a path. Written beside, then taken over: zip files are written back and forth, blobs from
    begin to end."""
    packed = stack.enter_context(Incoming())
    beside = packed.path.with_suffix(".zip")
    stack.callback(beside.unlink, missing_ok=True)
    with full_disk_is_a_refusal():
        write(beside)
    with beside.open("rb") as file:
        while chunk := file.read(1 << 20):
            packed.write(chunk)
    packed.close()
    return packed


def _answers(enrolment: Enrolment, problem_set: ProblemSet) -> bytes:
    """The answers that the student has saved in the form, as a file; nothing if there are none to be handed in."""
    if ANSWERS not in problem_set.files:
        return b""
    sheet = problem_set.sheets.filter(group__alone=enrolment).first()
    return sheet.content() if sheet is not None else b""


def _write_rows(
    enrolment: Enrolment,
    problem_set: ProblemSet,
    digest: str,
    size: int,
    listing: Listing,
    times: tuple[datetime, datetime, datetime],
) -> tuple[Submission, bool]:
    arrived, completed, counted = times
    with transaction.atomic():
        group = group_of(enrolment)
        latest = group.submissions.filter(problem_set=problem_set).order_by("-number").first()
        if latest is not None and latest.blob == digest:
            return latest, False
        missing = listing.missing(problem_set.files)
        submission = Submission(
            id=uuid4(),
            group=group,
            problem_set=problem_set,
            number=latest.number + 1 if latest else 1,
            blob=digest,
            size=size,
            files=[{"name": entry.name, "size": entry.size} for entry in listing.files],
            arrived_at=arrived,
            completed_at=completed,
            counted_at=counted,
            submitted_by=enrolment.user,
            warnings=[rules.missing_warning(missing)] if missing else [],
        )
        offering = problem_set.offering
        submission.receipt = rules.receipt_text(
            submission=str(submission.pk),
            course=f"{offering.title}, {offering.term} ({offering.slug})",
            problem_set=f"{problem_set.key}, {problem_set}",
            number=submission.number,
            by=str(enrolment.user),
            group=[member.name for member in group.members.all()],
            counted=counted,
            arrived=arrived,
            completed=completed,
            zone=offering.zone,
            sha256=digest,
            size=size,
            files=[(entry.name, entry.size) for entry in listing.files],
            warnings=submission.warnings,
        )
        submission.signature = sign(submission.receipt)
        submission.save(force_insert=True)
        assert problem_set.current is not None, "checked by the window"
        leases.enqueue(submission, problem_set.current)
        return submission, True


def check_how_often(enrolment: Enrolment, problem_set: ProblemSet) -> None:
    """Raises Refusal for a student who has handed in this problem set very often of late."""
    rows = Submission.objects.filter(group__alone=enrolment, problem_set=problem_set).order_by("-completed_at")
    taken = list(rows.values_list("completed_at", flat=True)[: max(most for most, _ in rules.MOST)])
    if refusal := rules.too_often(taken, clock.now()):
        raise refusal


def group_of(enrolment: Enrolment) -> Group:
    """The student's group of one, locked: who holds the lock is the only one to number its hand-ins."""
    locked = Group.objects.select_for_update().filter(alone=enrolment)
    if (group := locked.first()) is not None:
        return group
    group, new = Group.objects.get_or_create(alone=enrolment, defaults={"offering": enrolment.offering})
    if new:
        group.members.add(enrolment.user)
    return locked.get()


def _shown(name: str) -> str:
    return f"“{name[:100]}{'…' if len(name) > 100 else ''}”"


@contextlib.contextmanager
def _full_database_is_a_refusal() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        cause = error.__cause__
        if DISK_IS_FULL.isdisjoint({getattr(cause, "sqlite_errorname", None), getattr(cause, "sqlstate", None)}):
            raise
        raise Refusal(507, rules.DISK_FULL) from error
