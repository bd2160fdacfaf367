"""When a hand-in is taken, which time counts for it, and what its receipt says. No database, no web, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from gradschool.syllabus.course import Course
from gradschool.syllabus.dates import aware

UPLOAD_TIME = timedelta(minutes=10)  # an upload that takes longer counts from its end
SIGNATURE = "Signature: "
PROJECT = "project"  # what the project is called beside the keys of problem sets
# How often one student hands in one problem set, so that nobody fills the disk: far above what work on it can need.
MOST = ((30, timedelta(minutes=10)), (200, timedelta(days=1)))
LONGEST_EXTENSION = timedelta(days=366)
DISK_FULL = "The server's disk is full, so nothing was handed in. Tell the course staff and try again."


class Refusal(Exception):
    """A hand-in is not taken. `status` is the HTTP status, str() the sentence for the person.

    `retry_after` is in how many seconds it would be, where that is known.
    """

    def __init__(self, status: int, sentence: str, retry_after: int = 0) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {"Retry-After": str(retry_after)} if retry_after else {}


@dataclass(frozen=True)
class Window:
    """What decides whether a problem set takes hand-ins; `zone` is the one in which its times are told."""

    name: str
    ready: bool
    released: datetime
    due: datetime
    closes: datetime
    zone: str


def wall_clock(moment: datetime, zone: str) -> str:
    """A time as people of the course say it: Wed, Sep 15, 2021, 11:59 pm EDT."""
    local = moment.astimezone(ZoneInfo(zone))
    half = "am" if local.hour < 12 else "pm"
    return f"{local:%a, %b} {local.day}, {local.year}, {(local.hour + 11) % 12 + 1}:{local:%M} {half} {local:%Z}"


def refusal_at(moment: datetime, window: Window) -> Refusal | None:
    """Why nothing can be handed in at this moment, or None when it can."""
    if not window.ready:
        return Refusal(409, f"{window.name} cannot be handed in yet: it is planned, and its checks are being written.")
    if moment < window.released:
        return Refusal(
            409, f"{window.name} is not released yet: it opens on {wall_clock(window.released, window.zone)}."
        )
    if moment > window.closes:
        return Refusal(
            409,
            f"{window.name} closed on {wall_clock(window.closes, window.zone)}, and nothing is taken after that. "
            "If there was a medical or other pressing reason, write to the course staff.",
        )
    return None


@dataclass(frozen=True)
class Granted:
    """What the staff granted one student: new due times of deliverables, and homeworks taken out of the count.

    A deliverable is named by the key of its problem set, the project by PROJECT.
    """

    due: Mapping[str, datetime] = field(default_factory=dict)
    excused: frozenset[str] = frozenset()

    def dates(self, deliverable: str, due: datetime, closes: datetime, zone: str) -> tuple[datetime, datetime]:
        """The effective due and closing times, from those of the course.

        An extension moves the closing time along, by the clock on the wall: it stays as many days after the due time,
        at its own time of day, also where daylight-saving time begins or ends in between.
        """
        if deliverable not in self.due:
            return due, closes
        place = ZoneInfo(zone)
        new, old, end = (moment.astimezone(place) for moment in (self.due[deliverable], due, closes))
        return new, aware(end.replace(tzinfo=None) + (new.replace(tzinfo=None) - old.replace(tzinfo=None)), place)

    def course(self, course: Course) -> Course:
        """The course with the effective dates."""
        if not self.due:
            return course

        def moved(key: str, due: datetime, closes: datetime) -> dict[str, datetime]:
            due, closes = self.dates(key, due, closes, course.zone)
            return {"due": due, "closes": closes}

        project = course.project
        return course.model_copy(
            update={
                "problem_sets": tuple(
                    one.model_copy(update=moved(one.id, one.due, one.closes)) for one in course.problem_sets
                ),
                "project": project.model_copy(update=moved(PROJECT, project.due, project.closes)),
            }
        )


def extension_fault(name: str, due: datetime, wanted: datetime, zone: str) -> str | None:
    """Why a due time cannot be moved to this moment, or None."""
    due = due.astimezone(UTC)
    if wanted <= due:
        return f"{name} is due on {wall_clock(due, zone)}; an extension is to a later time."
    if wanted - due > LONGEST_EXTENSION:
        return f"{wall_clock(wanted, zone)} is more than a year after {name} is due; give an earlier time."
    return None


def student_seed(offering: str, group: int) -> str:
    """What a group's numbers are drawn from: the same in the questions it sees and in every grading."""
    return f"{offering}/{group}"


def too_often(taken: Sequence[datetime], now: datetime) -> Refusal | None:
    """Why the next hand-in has to wait. `taken` is when one student's latest of a problem set came, newest first."""
    for most, per in MOST:
        if len(taken) >= most and (wait := (taken[most - 1] + per - now).total_seconds()) > 0:
            minutes = ceil(wait / 60)
            return Refusal(
                429,
                f"You have handed this in {most} times of late, the most that is taken. Wait {minutes} "
                f"minute{'s' if minutes > 1 else ''}; what you handed in before is safe, and this was not handed in.",
                ceil(wait),
            )
    return None


def counted_at(arrived: datetime, completed: datetime) -> datetime:
    """The time that counts: the first byte's if the upload was complete within ten minutes, else the last one's."""
    return arrived if completed - arrived <= UPLOAD_TIME else completed


def seconds_to_next_look(least_seconds: int | None, ahead: int) -> int:
    """After how long a page that waits for a grading asks again: a quarter of the wait, from 2 to 30 seconds.

    At a deadline a whole class waits, and a thousand pages that ask every two seconds leave no time for hand-ins.
    While nothing is known of the wait, each grading `ahead` counts as a second.
    """
    return max(2, min(30, (ahead if least_seconds is None else least_seconds) // 4))


def missing_warning(missing: Sequence[str]) -> str:
    """What a hand-in that lacks required files is told; it is taken all the same."""
    one = len(missing) == 1
    what = f"{missing[0]} is" if one else f"{', '.join(missing[:-1])} and {missing[-1]} are"
    return (
        f"{what} missing. The rest was handed in all the same; what needs {'that file' if one else 'those files'} "
        "gets no points until you hand in again."
    )


def receipt_text(
    *,
    submission: str,
    course: str,
    problem_set: str,
    number: int,
    by: str,
    group: Sequence[str],
    counted: datetime,
    arrived: datetime,
    completed: datetime,
    zone: str,
    sha256: str,
    size: int,
    files: Iterable[tuple[str, int]],
    warnings: Sequence[str],
) -> str:
    """The receipt without its signature: one fact a line, so that people and programs can read it."""
    lines = [
        ("Receipt for", submission),
        ("Course", course),
        ("Problem set", problem_set),
        ("Hand-in", f"no. {number}"),
        ("Handed in by", by),
    ]
    if len(group) > 1:
        lines.append(("Group", ", ".join(group)))
    lines += [
        ("Counts from", f"{wall_clock(counted, zone)} ({_stamp(counted)})"),
        ("First byte", _stamp(arrived)),
        ("Last byte", _stamp(completed)),
        ("SHA-256", sha256),
        ("Size", f"{size} bytes"),
    ]
    lines += [("File", f"{name} ({length} bytes)") for name, length in files]
    lines += [("Warning", warning) for warning in warnings]
    return "".join(f"{label}: {' '.join(value.split())}\n" for label, value in lines)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def split_receipt(text: str) -> tuple[str, str]:
    """A pasted receipt as its text and its signature, tidied of what mail and editors do to line ends."""
    lines = [line.strip() for line in text.replace("\ufeff", "").splitlines()]
    lines = [line for line in lines if line]
    signature = next((line for line in reversed(lines) if line.startswith(SIGNATURE)), "")
    body = [line for line in lines if not line.startswith(SIGNATURE)]
    return "".join(f"{line}\n" for line in body), signature.removeprefix(SIGNATURE).strip()
