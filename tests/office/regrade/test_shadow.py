"""A regrade counts for nothing until it is published, and then at once, once, and for good."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from fractions import Fraction

import pytest
from django.core import mail

from gradschool.grading.report import BoardScores, Verdict
from gradschool.office import clock
from gradschool.office.audit.models import Entry
from gradschool.office.gradebook import overrides
from gradschool.office.gradebook.files import export
from gradschool.office.gradebook.ledger import record_of
from gradschool.office.gradebook.overrides import Change, Setting
from gradschool.office.gradebook.replay import record_at
from gradschool.office.marking.models import Item, Mark, Question, Writing
from gradschool.office.queue import leases
from gradschool.office.queue.models import Job, Report, State
from gradschool.office.queue.standing import active_reports, standing
from gradschool.office.regrade import diff, shadow, telling
from gradschool.office.regrade.models import Regrade, Stage
from gradschool.office.regrade.shadow import CannotRegrade

from .conftest import of_two

WHY = "A check was too strict."


@pytest.fixture
def hw1(offering):
    return offering.problem_sets.get(key="hw1")


@pytest.fixture
def later(at):
    """Let hours pass."""
    begin = clock.now()

    def passed(hours: float) -> None:
        at(begin + timedelta(hours=hours))

    return passed


@pytest.fixture
def two(ada, chi, eve, hw1, hand_in, graded, new_version, later):
    """Chi and Eve have 20 and 40 points by the first version; a second one is in force."""
    of_chi = hand_in(chi, "x = 1\n")
    graded(of_chi, "10", "10")
    of_eve = hand_in(eve, "x = 2\n")
    graded(of_eve, "20", "20")
    later(1)
    new_version()
    hw1.refresh_from_db()
    return of_chi, of_eve


def points(submission) -> str:
    return active_reports([submission])[submission.pk].points


def seen(client_of, chi, ada, offering, submission) -> list[bytes]:
    """All that shows points of this hand-in to anybody."""
    pages = [f"/fall-2021/submissions/{submission.pk}/", "/fall-2021/grades/", "/fall-2021/problems/hw1/"]
    shown = [_body(client_of(chi), page) for page in pages]
    staff = ["/fall-2021/staff/hw1/", "/fall-2021/staff/grades/", "/fall-2021/staff/grades/statistics/"]
    shown += [_body(client_of(ada), page) for page in staff]
    return [*shown, export(offering, "own", "").encode()]


def _body(client, page: str) -> bytes:
    content = client.get(page).content.split(b"<main")[1]
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", content)


def test_shadows_are_seen_nowhere_and_count_for_nothing(offering, hw1, ada, chi, eve, two, graded, client_of):
    before = seen(client_of, chi, ada, offering, two[0])
    record = record_of(chi.enrolments.get(), clock.now())
    shadow.start(hw1, ada, "latest", WHY)
    assert seen(client_of, chi, ada, offering, two[0]) == before
    assert standing(two[0]).job is None, "the student is not told that anything is being graded"
    graded(two[0], "23", "23")
    assert seen(client_of, chi, ada, offering, two[0]) == before
    assert record_of(chi.enrolments.get(), clock.now()) == record
    graded(two[1], "1", "1")
    assert seen(client_of, chi, ada, offering, two[0]) == before
    shadow.publish(Regrade.objects.get(), ada)
    assert all(new != old for new, old in zip(seen(client_of, chi, ada, offering, two[0]), before, strict=True))


def test_a_published_regrade_holds_and_the_moment_before_is_replayed(hw1, ada, chi, eve, two, graded, later):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    graded(two[0], "23", "23")
    graded(two[1], "15", "20")
    later(2)
    enrolment = chi.enrolments.get()
    old, before = record_of(enrolment, clock.now()), clock.now()
    later(3)
    assert shadow.publish(regrade, ada)
    assert (points(two[0]), points(two[1])) == ("46", "35")
    assert record_at(enrolment, before) == old
    new = record_of(enrolment, clock.now())
    assert record_at(enrolment, clock.now()) == new
    assert new.final > old.final
    entries = Entry.objects.filter(action="points regraded").order_by("pk")
    assert [(entry.details["before"], entry.details["after"]) for entry in entries] == [("20", "46"), ("40", "35")]
    assert entries[0].details["enrolment"] == enrolment.pk
    assert Entry.objects.get(action="regrade published").details["reason"] == WHY


def test_published_twice_at_once_is_published_once(hw1, ada, two, graded):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    graded(two[0], "23", "23")
    graded(two[1], "15", "20")
    assert shadow.publish(regrade, ada)
    assert not shadow.publish(regrade, ada)
    assert not shadow.discard(regrade, ada)
    assert Report.objects.count() == 4
    assert Entry.objects.filter(action="regrade published").count() == 1


def test_whoever_would_lose_points_may_keep_them(hw1, ada, two, graded):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    graded(two[0], "23", "23")
    graded(two[1], "15", "20")
    shadow.publish(regrade, ada, only_gains=True)
    assert (points(two[0]), points(two[1])) == ("46", "40")
    assert Entry.objects.filter(action="points regraded").count() == 1


def test_what_is_discarded_never_counts(hw1, ada, two, graded):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    graded(two[0], "23", "23")
    assert shadow.discard(regrade, ada)
    assert leases.claim("w") is None, "what was still to come is not graded any more"
    assert (points(two[0]), points(two[1])) == ("20", "40")
    assert not shadow.publish(regrade, ada)
    assert shadow.start(hw1, ada, "all", WHY), "another one may begin"


def test_hand_ins_go_before_a_regrade(hw1, ada, chi, two, hand_in):
    shadow.start(hw1, ada, "latest", WHY)
    fresh = hand_in(chi, "x = 3\n")
    claimed = leases.claim("w")
    assert claimed is not None
    assert claimed[1].submission == fresh


def test_a_paused_regrade_waits(hw1, ada, two, graded):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    shadow.pause(regrade)
    assert leases.claim("w") is None
    assert shadow.progress(regrade).left == 2
    regrade.refresh_from_db()
    assert regrade.stage == Stage.PAUSED
    with pytest.raises(CannotRegrade, match="2 gradings are still to come"):
        shadow.publish(regrade, ada)
    shadow.resume(regrade)
    graded(two[0], "23", "23")


def test_what_is_handed_in_meanwhile_is_graded_by_the_new_version_anyway(hw1, ada, chi, two, hand_in, graded):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    fresh = hand_in(chi, "x = 3\n")
    graded(fresh, "22", "22")
    graded(two[0], "23", "23")
    graded(two[1], "15", "20")
    assert shadow.join_late(regrade) == 0
    assert shadow.publish(regrade, ada)
    assert points(fresh) == "44"


def test_a_late_grading_by_the_old_version_joins(hw1, ada, chi, eve, two, hand_in, graded):
    """As when it was handed in between the look at the class and the new version's coming into force."""
    fresh = hand_in(eve, "x = 4\n")
    graded(fresh, "5", "5")
    old = two[1].jobs.get().version
    regrade = shadow.start(hw1, ada, "counts", WHY)
    assert regrade.trials.count() == 2
    late = hand_in(chi, "x = 5\n")
    Job.objects.filter(submission=late).update(version=old)
    graded(late, "23", "22")
    for trial in regrade.trials.order_by("pk"):
        graded(trial.submission, "1", "1")
    with pytest.raises(CannotRegrade, match="1 hand-ins came in meanwhile"):
        shadow.publish(regrade, ada)
    assert shadow.join_late(regrade) == 1
    assert shadow.join_late(regrade) == 0
    graded(late, "11", "11")
    assert shadow.publish(regrade, ada)
    assert points(late) == "22"


@pytest.mark.parametrize(("scope", "count"), [("latest", 2), ("all", 3), ("counts", 2)])
def test_the_scope_says_which(hw1, ada, chi, two, hand_in, graded, scope, count):
    worse = hand_in(chi, "x = 0\n")
    graded(worse, "0", "1")
    regrade = shadow.start(hw1, ada, scope, WHY)
    found = set(regrade.trials.values_list("submission", flat=True))
    assert len(found) == count
    assert (worse.pk in found) == (scope != "counts"), "the best one counts"


def test_a_grader_that_fails_is_shown_and_leaves_the_old_points(hw1, ada, two, graded, later):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    for hours in (2, 3, 4):
        later(hours)
        lease, job = leases.claim("w")
        assert job.submission == two[0]
        leases.fail(lease, leases.grader_error(job, "on fire"))
    graded(two[1], "15", "20")
    assert shadow.progress(regrade).given_up == 1
    kinds = [case.kind for case in diff.cases_of(regrade)]
    assert kinds == ["trouble", "loses"]
    assert shadow.retry(regrade) == 1
    graded(two[0], "23", "23")
    assert [case.kind for case in diff.cases_of(regrade)] == ["gains", "loses"]


def test_a_worker_that_dies_is_no_loss(hw1, ada, two, graded, later):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    leases.claim("w")
    leases.reap(of=["w"])
    later(5)
    graded(two[0], "23", "23")
    graded(two[1], "15", "20")
    assert shadow.progress(regrade).done == 2


def test_a_grading_by_other_files_is_no_grading_of_this_regrade(hw1, ada, two, graded):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    graded(two[0], "23", "23", version="another")
    graded(two[1], "15", "20")
    assert [case.kind for case in diff.cases_of(regrade)] == ["trouble", "loses"]
    shadow.publish(regrade, ada)
    assert points(two[0]) == "20"


def test_marks_by_hand_and_values_that_staff_entered_survive(hw1, ada, chi, offering, two, graded):
    question = Question.objects.create(problem_set=hw1, key="prose", part="1a", title="R", points=4)
    item = Item.objects.create(question=question, text="right", points="3")
    writing = Writing.objects.create(submission=two[0], question=question, digest="d", text="t")
    mark = Mark.objects.create(writing=writing, reader=ada, at=clock.now())
    mark.items.add(item)
    question.published_at = clock.now()
    question.save()
    enrolment = chi.enrolments.get()
    overrides.write(offering, ada, [Change(enrolment.pk, "participation", Setting("4", None, "asked much"))])
    regrade = shadow.start(hw1, ada, "latest", WHY)
    graded(two[0], "20", "20")
    graded(two[1], "15", "20")
    shadow.publish(regrade, ada)
    line = next(line for line in record_of(enrolment, clock.now()).lines if line.deliverable.id == "hw1")
    assert line.earned == 43, "40 by the new version, 3 by hand"
    assert record_of(enrolment, clock.now()).bonus == 4


def test_the_effect_on_the_final_is_what_publishing_does(hw1, ada, chi, eve, two, graded):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    graded(two[0], "23", "23")
    graded(two[1], "15", "20")
    effects = diff.effects(regrade, diff.cases_of(regrade), only_gains=False)
    assert [effect.enrolment.user.name for effect in effects] == ["Eve", "Chi"], "who loses most comes first"
    only = diff.effects(regrade, diff.cases_of(regrade), only_gains=True)
    assert [effect.enrolment.user.name for effect in only] == ["Chi"]
    shadow.publish(regrade, ada)
    for effect in effects:
        assert record_of(effect.enrolment, clock.now()).final == effect.after
    regrade.refresh_from_db()
    assert [case.kind for case in diff.cases_of(regrade)] == ["gains", "loses"], "the page shows it afterwards, too"


def test_students_are_told_once_what_changed_and_why(hw1, ada, chi, eve, two, graded, settings, client_of, monkeypatch):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    graded(two[0], "23", "23")
    graded(two[1], "20", "20")
    assert telling.tell(regrade, str) == (0, 0), "not before it is published"
    shadow.publish(regrade, ada)
    regrade.refresh_from_db()
    with monkeypatch.context() as patch:
        patch.setattr(telling, "mail", lambda *_: False)
        assert telling.tell(regrade, str) == (0, 1)
    assert telling.tell(regrade, lambda path: f"https://x.edu{path}") == (1, 0), "Eve's points are what they were"
    assert telling.tell(regrade, str) == (0, 0)
    (sent,) = mail.outbox
    assert sent.to == ["chi@example.edu"]
    assert sent.subject == "PS/HW1 was graded again"
    assert f"20 points became 46. https://x.edu/fall-2021/submissions/{two[0].pk}/" in sent.body
    assert WHY in sent.body
    page = client_of(chi).get(f"/fall-2021/submissions/{two[0].pk}/").content.decode()
    assert "20 points became 46" in page
    assert WHY in page
    assert "became" not in client_of(eve).get(f"/fall-2021/submissions/{two[1].pk}/").content.decode()


def test_what_cannot_be_started(hw1, ada, two, course, graded):
    with pytest.raises(CannotRegrade, match="Say why"):
        shadow.start(hw1, ada, "latest", "  ")
    with pytest.raises(CannotRegrade, match="Choose which"):
        shadow.start(hw1, ada, "some", WHY)
    shadow.start(hw1, ada, "latest", WHY)
    with pytest.raises(CannotRegrade, match="is open already"):
        shadow.start(hw1, ada, "all", WHY)
    assert (Regrade.objects.count(), Job.objects.filter(shadow=True).count()) == (1, 2)


def test_files_that_were_not_applied_are_not_graded_by(hw1, ada, two, course):
    (course / "problems" / "hw1" / "handout.md").write_text("New.\n")
    with pytest.raises(CannotRegrade, match="have changed since the course was applied"):
        shadow.start(hw1, ada, "latest", WHY)


def test_a_version_that_came_after_is_not_published_over(hw1, ada, two, graded, new_version):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    graded(two[0], "23", "23")
    graded(two[1], "15", "20")
    new_version()
    with pytest.raises(CannotRegrade, match="has got a newer version"):
        shadow.publish(regrade, ada)
    assert points(two[0]) == "20"


def test_staff_may_grade_one_again_while_a_regrade_is_open(hw1, ada, two):
    shadow.start(hw1, ada, "latest", WHY)
    job = leases.grade_again(two[0].jobs.get())
    assert job.state == State.WAITING
    assert two[0].jobs.count() == 2, "the shadow is not among them"


def test_board_scores_come_with_the_publication(hw1, ada, two, graded):
    regrade = shadow.start(hw1, ada, "latest", WHY)
    lease, job = leases.claim("w")
    report = dataclasses.replace(
        of_two("1", "1", job.version.digest), board=BoardScores(Fraction(1, 2), Fraction(1, 4)), verdict=Verdict.PARTIAL
    )
    leases.finish(lease, report)
    graded(two[1], "15", "20")
    assert not Report.objects.exclude(public_score="").exists()
    shadow.publish(regrade, ada)
    assert Report.objects.exclude(public_score="").get().public_score == "1/2"
