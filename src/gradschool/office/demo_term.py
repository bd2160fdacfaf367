"""What the demo class has done until today: handed in, come late, been extended, marked, published, asked and answered.

Everybody acts through the office's own doors, the pages above all, at times that have passed. No grade is made up: the
hand-ins are graded by the worker after the start, behind whatever a visitor hands in.
"""

from __future__ import annotations

import contextlib
import csv
import io
import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.test import Client

from gradschool.grading import answers, bank
from gradschool.grading.archive import pack_bytes
from gradschool.grading.problem import Problem
from gradschool.grading.written import ANSWERS, Written
from gradschool.office import clock
from gradschool.office.handin import accept
from gradschool.office.handin.blobs import Incoming
from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.marking import intake
from gradschool.office.marking.models import Question, RegradeRequest, Writing
from gradschool.office.people.models import Offering, Session, User
from gradschool.office.queue.models import Job, Lane
from gradschool.office.similarity import comparing
from gradschool.sandbox import NoSandbox

HOUR = timedelta(hours=1)
PREDICTIONS = "predictions.csv"


@dataclass(frozen=True)
class HandIn:
    """A hand-in of hw1: which entry of the bank it is, what of it, and when, in hours from the due time."""

    who: str
    entry: str
    hours: float
    only: Sequence[str] = ()
    on_paper: int = 0  # how many of the answers on paper that are the same for everybody


HW1 = [
    HandIn("hana", "right", -50, on_paper=9),
    HandIn("jonas", "right_other_style", -30, on_paper=6),
    HandIn("chi", "unstable_softmax", -29, ["classifier.py"]),
    HandIn("chi", "unstable_softmax", -3.5, ["classifier.py", "network.py"], on_paper=4),
    HandIn("goran", "sum_for_mean", -2, ["classifier.py", "network.py"], on_paper=3),
    HandIn("lucia", "starter", -0.1, on_paper=2),
    HandIn("priya", "right_other_style", 2, ["classifier.py", "network.py", "pieces.py", "figures.py"], on_paper=5),
    HandIn("kwame", "prints_only", 9, on_paper=1),
    HandIn("noor", "right_other_style", 17, ["network.py", "pieces.py", "torch_net.py"], on_paper=3),
]
PS0 = [("chi", 3), ("chi", 9), ("eve", 9), ("hana", 9), ("goran", 5), ("mei", 7), ("sana", 6)]

TEXTS = tomllib.loads(Path(__file__).with_name("demo_answers.toml").read_text("utf-8"))  # by question and student
# Who marked the review with which items, and a comment.
FIRST = {
    "hana": ([0], "Which of your two controls would you run first, and why?"),
    "jonas": ([0], "Say how you would find out."),
    "chi": ([0, 1], ""),
    "goran": ([], "What do they claim, and which experiment carries it?"),
    "lucia": ([0], "Say how you would find out."),
}
SECOND = {"hana": [0, 1], "jonas": [0], "goran": []}
BOARD = [
    ("priya", 0.36, 10),
    ("goran", 0.55, 8),
    ("chi", 0.33, 7),
    ("hana", 0.68, 5),
    ("noor", 0.47, 4),
    ("priya", 0.71, 2),
]


def play(offering: Offering) -> bool:
    """Let the class do what it has done, once, where the course has the problem sets for it. Whether it did."""
    sets = {row.key: row for row in ProblemSet.objects.filter(offering=offering).select_related("current")}
    wanted = [sets.get(key) for key in ("ps0", "hw1", "hw2")]
    if Submission.objects.filter(group__offering=offering).exists() or not all(row and row.ready for row in wanted):
        return False
    problems = {key: Problem.load(Path(sets[key].folder)) for key in ("ps0", "hw1", "hw2")}
    if not (problems["hw1"].bank.is_dir() and (problems["hw2"].solution / PREDICTIONS).exists()):
        return False  # a copy of the course without its private half
    _Class(offering, sets, problems).plays()
    return True


class _Class:
    """The people of the class at their browsers."""

    def __init__(self, offering: Offering, sets: Mapping[str, ProblemSet], problems: Mapping[str, Problem]) -> None:
        self.offering, self.sets, self.problems = offering, sets, problems
        self.now = clock.now()
        self.zone = ZoneInfo(offering.zone)
        self.home = f"/{offering.slug}"
        self.users = {user.email.partition("@")[0]: user for user in User.objects.filter(is_demo=True)}
        self.clients: dict[str, Client] = {}

    def plays(self) -> None:
        self.ask_for_places()
        self.answer_ps0()
        self.hand_in_hw1()
        self.are_compared()
        self.are_granted_time()
        self.mark()
        self.ask_and_answer()
        self.compete()
        Session.objects.filter(user__in=self.users.values()).delete()
        # What a visitor hands in is graded before all of this.
        Job.objects.filter(submission__group__offering=self.offering).update(lane=Lane.RERUN)

    def posts(self, who: str, when: datetime, address: str, **fields: object) -> None:
        """Somebody sends a form at a moment that has passed."""
        if who not in self.clients:
            self.clients[who] = Client(SERVER_NAME="127.0.0.1")
            self.clients[who].force_login(self.users[who])
        with clock.held_at(when):
            answer = self.clients[who].post(self.home + address, fields)
        assert answer.status_code in (200, 302), f"{address} as {who}: {answer.status_code}"

    def hands_in(self, who: str, when: datetime, problem: str, files: dict[str, bytes]) -> Submission:
        enrolment = self.users[who].enrolments.get(offering=self.offering)
        with clock.held_at(when), Incoming() as incoming:
            archive = incoming.path.with_suffix(".pack")
            pack_bytes(files, archive)
            incoming.write(archive.read_bytes())
            archive.unlink()
            incoming.close()
            row, _ = accept.hand_in(enrolment, self.sets[problem], [("hand-in.zip", incoming)], when)
        return row

    def ask_for_places(self) -> None:
        says = "I am on the waiting list of CS 7643 and would like to do the homework meanwhile."
        section = self.offering.sections.order_by("-pk").first()
        assert section is not None
        self.posts("sana", self.now - 30 * HOUR, "/access/", section=section.code, message=says)

    def answer_ps0(self) -> None:
        written = self.problems["ps0"].written
        start = self.sets["ps0"].due - 20 * HOUR
        for number, (who, count) in enumerate(PS0):
            when = self.now - 29 * HOUR if who == "sana" else start + number * 3 * HOUR
            self.hands_in(who, when, "ps0", {ANSWERS: answers.dump(_of_everybody(written, count))})

    def hand_in_hw1(self) -> None:
        problem = self.problems["hw1"]
        entries = {entry.name: entry for entry in bank.entries(problem)}
        for one in HW1:
            when = self.sets["hw1"].due + one.hours * HOUR
            if when > self.now or one.entry not in entries:
                continue
            files = {
                name: content
                for name, content in bank.code(entries[one.entry], problem).items()
                if not one.only or name in one.only
            }
            given = dict(_of_everybody(problem.written, one.on_paper))
            given |= {key: texts[one.who] for key, texts in TEXTS.items() if one.who in texts}
            row = self.hands_in(one.who, when, "hw1", {**files, ANSWERS: answers.dump(given)})
            for key in TEXTS:  # as the worker will find them: readers need not wait for it
                if key in given:
                    intake.write(row, key, str(given[key]))

    def are_compared(self) -> None:
        """Similarity of the hand-ins, where this machine gives a sandbox to open them in."""
        with contextlib.suppress(NoSandbox), clock.held_at(self.now - 5 * HOUR):
            comparing.make_prints(comparing.missing(comparing.latest(self.sets["hw1"])))
            comparing.run(self.sets["hw1"], self.users["ben"])

    def are_granted_time(self) -> None:
        later = (self.now + timedelta(days=4)).astimezone(self.zone)
        place = {name: user.enrolments.filter(offering=self.offering).first() for name, user in self.users.items()}
        page, when = "/staff/extensions/", self.now - 26 * HOUR
        forms = [
            {
                "student": "eve",
                "kind": "extension",
                "due": f"{later:%Y-%m-%d}T23:59",
                "reason": "Influenza; a note of the health services was shown.",
            },
            {"student": "mei", "kind": "excuse", "due": "", "reason": "Called to jury duty for two weeks."},
        ]
        for form in forms:
            enrolment = place[form["student"]]
            assert enrolment is not None
            self.posts("ada", when, page, **{**form, "student": enrolment.pk, "deliverable": "hw1"})

    def mark(self) -> None:
        review = self.question("review")
        items = list(review.items.values_list("pk", flat=True))
        for who, (applied, comment) in FIRST.items():
            self.reads("ben", review, who, 1, [items[number] for number in applied], comment)
        for who, applied in SECOND.items():
            self.reads("ada", review, who, 2, [items[number] for number in applied], "")
        proof = self.question("convex_minimum")
        items = list(proof.items.values_list("pk", flat=True))
        self.reads("ben", proof, "hana", 1, items, "")
        self.posts("ada", self.now - 4 * HOUR, f"/marking/{review.pk}/publish", days="7")

    def question(self, key: str) -> Question:
        return Question.objects.get(problem_set=self.sets["hw1"], key=key)

    def writing(self, question: Question, who: str) -> Writing:
        rows = Writing.objects.filter(question=question, submission__submitted_by=self.users[who])
        return rows.order_by("submission__number").last()  # type: ignore[return-value]  # everybody who is marked has one

    def reads(self, reader: str, question: Question, who: str, place: int, items: list[int], comment: str) -> None:
        row = self.writing(question, who)
        mark = row.marks.filter(place=place).first()
        form = {"items": items, "comment": comment, "version": mark.version if mark else 0, "then": "stay"}
        when = self.now - (6 if place == 1 else 5) * HOUR
        self.posts(reader, when if mark is None else self.now - HOUR, f"/marking/answers/{row.pk}/{place}/", **form)

    def ask_and_answer(self) -> None:
        review = self.question("review")
        for who, hours, text in (
            (
                "hana",
                3,
                "I name the control that I would run, ten random sets of units, and what would change my mind.",
            ),
            (
                "lucia",
                2.5,
                "I gave a strength and a weakness, each with its reason. Why are there points only for the claim?",
            ),
        ):
            row = self.writing(review, who)
            self.posts(
                who, self.now - hours * HOUR, f"/submissions/{row.submission_id}/questions/review/ask", text=text
            )
        lucia = self.writing(review, "lucia")
        request = RegradeRequest.objects.get(writing=lucia)
        says = "The first item is for claim, strength and weakness together; the second asks for a thought of your own."
        self.posts("ben", self.now - HOUR, f"/marking/requests/{request.pk}/answer", text=says)

    def compete(self) -> None:
        right = list(csv.reader(io.StringIO((self.problems["hw2"].solution / PREDICTIONS).read_text("utf-8"))))
        for who, name in (("priya", "Local Minimum"), ("goran", "Gradient Ascent"), ("hana", "Eager Stopping")):
            self.posts(who, self.now - 11 * HOUR, "/board-name", name=name)
        for who, share, hours in BOARD:
            files = {PREDICTIONS: _predictions(right, share, random.Random(f"{who} {share}"))}
            self.hands_in(who, self.now - hours * HOUR, "hw2", files)


def _of_everybody(written: Written | None, count: int) -> dict[str, Any]:
    """The first answers to questions that ask everybody the same."""
    same = (
        []
        if written is None
        else [one for one in written.judged if not one.instance and (one.example or isinstance(one.answer, str))]
    )
    return {one.id: bank.as_given(one.example or one.answer) for one in same[:count]}


def _predictions(right: list[list[str]], share: float, draw: random.Random) -> bytes:
    """Predictions of which about this share is right."""
    header, *rows = right
    labels = sorted({label for _, label in rows})
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(header)
    table.writerows([number, label if draw.random() < share else draw.choice(labels)] for number, label in rows)
    return out.getvalue().encode()
