"""The life of a regrade: started as shadow gradings, paused and gone on with, published or discarded.

A shadow lies in the lane behind fresh hand-ins, and what it finds in a table of its own, so nothing that shows or
counts reports can come upon it. Publishing writes them into the table of reports, all at once: the moment of the
publication is when they begin to hold, and a record replayed for the moment before has the points of before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet

from gradschool.grading.problem import content_hash
from gradschool.office import clock
from gradschool.office.audit.models import Entry, log
from gradschool.office.gradebook.ledger import records_of
from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.people.models import Enrolment, User
from gradschool.office.queue.models import OPEN, Job, Lane, Report, ShadowReport, State, Worker
from gradschool.office.queue.rules import in_words, wait_seconds
from gradschool.office.queue.standing import Paces
from gradschool.office.regrade import diff
from gradschool.office.regrade.models import UNDECIDED, Regrade, Scope, Stage, Trial


class CannotRegrade(ValueError):
    """A regrade cannot be started, or not be published yet; str() is the sentence, and nothing was changed."""


def start(problem_set: ProblemSet, by: User, scope: str, reason: str) -> Regrade:
    """Grade hand-ins again by the problem set's present version, as shadows. Raises CannotRegrade."""
    reason = " ".join(reason.split())
    version = problem_set.current
    if version is None:
        raise CannotRegrade(f"{problem_set.name} is planned; there is nothing to grade by.")
    if scope not in Scope.values:
        raise CannotRegrade("Choose which hand-ins are to be graded again.")
    if not reason:
        raise CannotRegrade("Say why it is graded again: the students will read it.")
    if content_hash(Path(version.folder)) != version.digest:
        raise CannotRegrade(
            f"The files of {problem_set.name} have changed since the course was applied; "
            "start `gradschool serve` again, which applies them."
        )
    now = clock.now()
    try:
        with transaction.atomic():
            regrade = Regrade.objects.create(
                problem_set=problem_set, version=version, scope=scope, reason=reason, started_by=by, started_at=now
            )
            count = _enter(regrade, in_scope(problem_set, scope), now)
            if not count:
                raise CannotRegrade(f"No hand-in of {problem_set.name} is among these.")
            log(
                problem_set.offering,
                by,
                "regrade started",
                problem_set.name,
                regrade=regrade.pk,
                version=version.digest,
                scope=scope,
                reason=reason,
                hand_ins=count,
            )
    except IntegrityError:
        raise CannotRegrade(f"A regrade of {problem_set.name} is open already; publish or discard it first.") from None
    return regrade


def in_scope(problem_set: ProblemSet, scope: str) -> QuerySet[Submission]:
    """The hand-ins that a scope names at this moment."""
    rows = Submission.objects.filter(problem_set=problem_set)
    if scope == Scope.ALL:
        return rows
    if scope == Scope.LATEST:
        latest = rows.order_by().values("group").annotate(latest=Max("number")).values_list("group", "latest")
        wanted = dict(latest)
        found = rows.values_list("pk", "group_id", "number")
        return rows.filter(pk__in=[pk for pk, group, number in found if wanted[group] == number])
    students = Enrolment.objects.students().filter(offering=problem_set.offering).select_related("user", "section")
    records = records_of(problem_set.offering, students, clock.now())
    counting = {
        (enrolment.user_id, line.hand_in.id)
        for enrolment in students
        for line in records[enrolment.pk].lines
        if line.deliverable.id == problem_set.key and line.hand_in is not None
    }
    owners = rows.values_list("pk", "group__members", "number")
    return rows.filter(pk__in={pk for pk, user, number in owners if (user, f"{number}") in counting})


def _enter(regrade: Regrade, submissions: Iterable[Submission], now: datetime) -> int:
    rows = list(submissions)
    held = State.HELD if regrade.stage == Stage.PAUSED else State.WAITING
    jobs = Job.objects.bulk_create(
        Job(
            submission=row,
            version=regrade.version,
            lane=Lane.RERUN,
            state=held,
            shadow=True,
            created_at=now,
            turn=now,
            not_before=now,
        )
        for row in rows
    )
    Trial.objects.bulk_create(
        Trial(regrade=regrade, submission=row, job=job) for row, job in zip(rows, jobs, strict=True)
    )
    return len(jobs)


def _locked(regrade: Regrade) -> Regrade:
    return (
        Regrade.objects.select_for_update(of=("self",))
        .select_related("problem_set__offering", "version")
        .get(pk=regrade.pk)
    )


def pause(regrade: Regrade) -> None:
    """Begin no further grading; what runs is finished."""
    _turn(regrade, Stage.RUNNING, Stage.PAUSED, State.WAITING, State.HELD)


def resume(regrade: Regrade) -> None:
    """Go on with what was paused."""
    _turn(regrade, Stage.PAUSED, Stage.RUNNING, State.HELD, State.WAITING)


def _turn(regrade: Regrade, before: Stage, after: Stage, old: State, new: State) -> None:
    with transaction.atomic():
        if Regrade.objects.filter(pk=regrade.pk, stage=before).update(stage=after):
            Job.objects.filter(trial__regrade=regrade, state=old).update(state=new, not_before=clock.now())


def retry(regrade: Regrade) -> int:
    """Grade once more what the grader failed on, or what was graded by other files than the regrade is about."""
    with transaction.atomic():
        row = _locked(regrade)
        if not row.undecided:
            return 0
        bad = [case.trial for case in diff.cases_of(row) if case.kind == "trouble"]
        jobs = Job.objects.filter(trial__in=bad)
        ShadowReport.objects.filter(job__in=jobs.values("pk")).delete()
        now = clock.now()
        again = State.HELD if row.stage == Stage.PAUSED else State.WAITING
        return jobs.update(state=again, failures=0, losses=0, trouble="", not_before=now, finished_at=None)


def join_late(regrade: Regrade) -> int:
    """Let hand-ins join that came since the start and that this version has not graded; how many.

    What was handed in after the version came into force was graded by it anyway, and needs no shadow.
    """
    with transaction.atomic():
        row = _locked(regrade)
        return _enter(row, _late(row), clock.now()) if row.undecided else 0


def _late(regrade: Regrade) -> list[Submission]:
    entered = set(regrade.trials.values_list("submission_id", flat=True))
    rows = [row for row in in_scope(regrade.problem_set, regrade.scope) if row.pk not in entered]
    graded_by = dict(
        Job.live.filter(submission__in=[row.pk for row in rows])
        .order_by("pk")
        .values_list("submission_id", "version_id")
    )
    return [row for row in rows if graded_by.get(row.pk) != regrade.version_id]


def publish(regrade: Regrade, by: User, only_gains: bool = False) -> bool:
    """Let what the shadows found hold from now on, in one transaction; False if it was decided before.

    What the grader failed on stays as it is. With `only_gains` so does every hand-in that would lose points. Marks by
    hand and values that the staff entered are not touched. Raises CannotRegrade while something is still to come.
    """
    with transaction.atomic():
        row = _locked(regrade)
        if not row.undecided:
            return False
        _refuse_unless_ready(row)
        now = clock.now()
        cases = {case.trial: case for case in diff.cases_of(row)}
        changed, reports = [], []
        trials = row.trials.select_related("job__shadow_report", "submission")
        for trial in trials.prefetch_related("submission__group__members"):
            case = cases[trial.pk]
            trial.before = str(case.before.points) if case.before and not case.before.failed else ""
            if case.takes_effect(only_gains):
                shadow = trial.job.shadow_report
                trial.after = shadow.points
                reports.append(_report_of(trial, shadow, now))
            changed.append(trial)
        Report.objects.bulk_create(reports)
        Trial.objects.bulk_update(changed, ["before", "after"], batch_size=200)
        row.stage, row.only_gains, row.ended_by, row.ended_at = Stage.PUBLISHED, only_gains, by, now
        row.save(update_fields=["stage", "only_gains", "ended_by", "ended_at"])
        _log(row, by, [trial for trial in changed if trial.after and trial.before != trial.after], len(reports), now)
    return True


def _refuse_unless_ready(regrade: Regrade) -> None:
    open_jobs = Job.objects.filter(trial__regrade=regrade, state__in=[*OPEN, State.HELD]).count()
    if open_jobs:
        raise CannotRegrade(f"{open_jobs} gradings are still to come; publish when all are done.")
    if regrade.problem_set.current_id != regrade.version_id:
        raise CannotRegrade(
            f"{regrade.problem_set.name} has got a newer version meanwhile; discard this regrade and start another."
        )
    if late := len(_late(regrade)):
        raise CannotRegrade(f"{late} hand-ins came in meanwhile and are not graded by this version yet.")


def _report_of(trial: Trial, shadow: ShadowReport, now: datetime) -> Report:
    return Report(
        job=trial.job,
        submission=trial.submission,
        points=shadow.points,
        max_points=shadow.max_points,
        verdict=shadow.verdict,
        public_score=shadow.public_score,
        private_score=shadow.private_score,
        text=shadow.text,
        created_at=now,
    )


def _log(regrade: Regrade, by: User, changed: Sequence[Trial], graded: int, now: datetime) -> None:
    problem_set = regrade.problem_set
    about = {"regrade": regrade.pk, "reason": regrade.reason}
    log(
        problem_set.offering,
        by,
        "regrade published",
        problem_set.name,
        **about,
        version=regrade.version.digest,
        only_gains=regrade.only_gains,
        graded=graded,
        changed=len(changed),
    )
    students = dict(Enrolment.objects.filter(offering=problem_set.offering).values_list("user_id", "pk"))
    Entry.objects.bulk_create(
        Entry(
            at=now,
            offering=problem_set.offering,
            actor=by,
            action="points regraded",
            thing=f"{trial.submission} of {trial.submission.group}"[:200],
            details={
                **about,
                "submission": str(trial.submission_id),
                "enrolment": students.get(user.pk),
                "before": trial.before,
                "after": trial.after,
            },
        )
        for trial in changed
        for user in trial.submission.group.members.all()
    )


def discard(regrade: Regrade, by: User) -> bool:
    """Forget what the shadows found, or would have; False if it was decided before."""
    with transaction.atomic():
        row = _locked(regrade)
        if not row.undecided:
            return False
        Job.objects.filter(trial__regrade=row, state=State.WAITING).update(state=State.HELD)
        row.stage, row.ended_by, row.ended_at = Stage.DISCARDED, by, clock.now()
        row.save(update_fields=["stage", "ended_by", "ended_at"])
        log(row.problem_set.offering, by, "regrade discarded", row.problem_set.name, regrade=row.pk)
    return True


@dataclass(frozen=True)
class Progress:
    """How far a regrade is; `wait` is how long the rest takes, in words, empty while nothing is known."""

    total: int
    done: int
    running: int
    given_up: int
    wait: str
    worker_alive: bool

    @property
    def left(self) -> int:
        return self.total - self.done - self.given_up

    @property
    def percent(self) -> int:
        return 100 * (self.total - self.left) // self.total if self.total else 100


def progress(regrade: Regrade) -> Progress:
    """How far it is, and how long the rest takes if no hand-in comes in between."""
    now = clock.now()
    rows = Job.objects.filter(trial__regrade=regrade)
    states = Counter(rows.values_list("state", flat=True))
    begun = [begin for begin in rows.filter(state=State.LEASED).values_list("started_at", flat=True) if begin]
    workers = [worker for worker in Worker.objects.all() if worker.alive(now)]
    left = states.total() - states[State.DONE] - states[State.DEAD]
    pace = Paces().of(regrade.version)
    running = [((now - begin).total_seconds(), pace) for begin in begun]
    slots = sum(worker.slots for worker in workers)
    estimate = wait_seconds([(max(0, left - len(begun) - 1), pace)], running, pace, slots) if left else None
    return Progress(
        total=states.total(),
        done=states[State.DONE],
        running=len(begun),
        given_up=states[State.DEAD],
        wait=in_words(*estimate) if estimate else "",
        worker_alive=bool(workers),
    )


def published_about(submission: UUID) -> QuerySet[Trial]:
    """The published regrades that changed the points of a hand-in, the latest first."""
    rows = Trial.objects.filter(submission=submission, regrade__stage=Stage.PUBLISHED).exclude(after="")
    return rows.select_related("regrade").order_by("-regrade__ended_at")


def open_regrade(problem_set: ProblemSet) -> Regrade | None:
    """The regrade of a problem set that is not decided yet."""
    return Regrade.objects.filter(problem_set=problem_set, stage__in=UNDECIDED).first()
