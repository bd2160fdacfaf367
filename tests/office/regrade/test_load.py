"""What a regrade costs beyond its gradings: `make load` prints it. STUDENTS=20 takes a small class."""

from __future__ import annotations

import io
import os
import select
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gradschool import sandbox
from gradschool.office import clock
from gradschool.office.handin import accept
from gradschool.office.handin.blobs import Incoming
from gradschool.office.handin.rules import student_seed
from gradschool.office.people.models import Role
from gradschool.office.queue.dispatcher import Dispatcher
from gradschool.office.queue.grader import Grader
from gradschool.office.queue.models import Job, State
from gradschool.office.regrade import shadow
from gradschool.office.setup import apply_course
from tests.office.conftest import person

COURSE = Path(__file__).parents[3] / "course"
STUDENTS = int(os.environ.get("STUDENTS", "300"))
BAR = 1.2  # times what the same gradings take by themselves


def archive(number: int) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as packed:
        for path in sorted((COURSE / "problems" / "hw1" / "solution").glob("*.py")):
            packed.writestr(path.name, f"# student {number}\n" + path.read_text())
    return memory.getvalue()


@pytest.mark.load
@pytest.mark.django_db(transaction=True)
def test_a_class_is_regraded_in_little_more_than_its_gradings_take(on_disk, at, monkeypatch):
    """Each hand-in is graded by a grader alone and as a shadow in turn, so that both meet the machine in one mood."""
    if reason := sandbox.why_not("namespaces"):
        pytest.skip(reason)
    at(datetime(2021, 9, 13, 16, 0, tzinfo=UTC))
    offering = apply_course(COURSE)
    hw1 = offering.problem_sets.get(key="hw1")
    ada = person("Ada", offering, Role.INSTRUCTOR)
    rows = []
    for number in range(STUDENTS):
        student = person(f"s{number:03}", offering, Role.STUDENT, "CS 7643").enrolments.get()
        with Incoming() as incoming:
            incoming.write(archive(number))
            rows.append(accept.hand_in(student, hw1, [("mine.zip", incoming)], clock.now())[0])
    Job.objects.all().delete()  # of the hand-ins themselves: only shadows are to be graded here
    monkeypatch.undo()  # of the clock
    regrade = shadow.start(hw1, ada, "all", "to be measured")
    Job.objects.filter(shadow=True).update(state=State.HELD)  # one at a time, never beside the grader alone
    alone, worker = Grader("namespaces"), Dispatcher(1)
    by_itself = as_shadow = office = 0.0
    try:
        for number, row in enumerate(rows):
            begin = time.monotonic()
            alone.start(hw1.folder, row.path, student_seed(offering.slug, row.group_id))
            select.select([alone], [], [])
            alone.result()
            Job.objects.filter(submission=row).update(state=State.WAITING)
            between, own = time.monotonic(), time.process_time()
            while Job.objects.filter(shadow=True, state=State.DONE).count() <= number:
                worker.step()
                worker._wait()
            if number:  # the first of each also starts its grader
                by_itself += between - begin
                as_shadow += time.monotonic() - between
                office += time.process_time() - own
    finally:
        alone.close()
        for grader in [*worker.idle, *(grading.grader for grading in worker.running)]:
            grader.close()
    begin = time.process_time()
    assert shadow.publish(regrade, ada)
    publishing = time.process_time() - begin
    ratio = as_shadow / by_itself
    print(
        f"\n{STUDENTS} hand-ins of hw1: {by_itself:.1f} s alone, {as_shadow:.1f} s as shadows, {ratio:.2f} times "
        f"(bar {BAR}); the office's own part {1000 * office / max(1, STUDENTS - 1):.0f} ms of processor time each; "
        f"published in {publishing:.2f} s of processor time"
    )
    assert ratio <= BAR
