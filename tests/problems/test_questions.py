"""Every problem set's questions: right answers are right for all, slips are caught, and every formula can be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradschool.grading import answers
from gradschool.grading.instances import Instances
from gradschool.grading.problem import Problem
from gradschool.grading.slips import slips
from gradschool.office.site import rendering

PROBLEMS = Path(__file__).parents[2] / "course" / "problems"
SETS = [Problem.load(path.parent) for path in sorted(PROBLEMS.glob("*/written.toml"))]
every_set = pytest.mark.parametrize("problem", SETS, ids=lambda problem: problem.id)


@every_set
def test_right_answers_and_known_mistakes_are_judged_as_such_for_every_student(problem: Problem) -> None:
    assert list(answers.faults(problem)) == []


@every_set
def test_nearly_all_slips_are_caught(problem: Problem) -> None:
    found = list(slips(problem))
    passed = [slip for slip in found if slip.passed]
    assert len(passed) <= 0.05 * len(found), passed


@every_set
def test_students_have_numbers_of_their_own_and_the_same_points(problem: Problem) -> None:
    assert problem.written is not None
    sheets, points = [], set()
    for student in ("chi", "eve"):
        sheets.append([question["ask"] for question in Instances(problem, student).sheet()["questions"]])
        results, _, _ = answers.judge(problem, answers.right(problem, student), student, prove=False)
        points.add(sum(result.points for result in results))
    assert points == {sum(question.points for question in problem.written.judged)}
    if any(question.instance for question in problem.written.questions):
        assert sheets[0] != sheets[1]


@every_set
def test_every_formula_in_questions_and_hints_can_be_shown(problem: Problem) -> None:
    own = Instances(problem, "chi")
    texts = [rung for ladder in problem.hints.values() for rung in ladder]
    texts += [text for topic in own.written.topics.values() for text in (topic.intro, topic.read)]
    for question in own.written.questions:
        texts += [own.text(question, mistake.says) for mistake in question.mistakes]
        texts += [question.title, own.text(question, question.ask), *(line.item for line in question.rubric)]
        texts += [own.text(question, text) for field in question.fields for text in (field.label, *field.options)]
    assert [fault for text in texts for fault in rendering.faults(text)] == []


def test_ps0_has_a_ladder_of_hints_for_every_question() -> None:
    (ps0,) = (problem for problem in SETS if problem.id == "ps0")
    assert ps0.written is not None
    assert set(ps0.hints) == {question.id for question in ps0.written.questions}
