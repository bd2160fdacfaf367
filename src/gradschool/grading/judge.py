"""The judge: runs a problem's checks on a submission, compares its answers, and writes the report.

Checks run here, in a trusted process; the student's code answers from a box. Nothing that the box says can run here,
and a check without an answer is a failed check.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from gradschool import sandbox
from gradschool.grading import archive, leaderboard, marking, pace, papers, wire
from gradschool.grading.assertions import Mismatch
from gradschool.grading.marking import Check, Score, generator
from gradschool.grading.problem import EXPECTED, HANDOUT_MARK, Problem, ProblemError
from gradschool.grading.reference import Recorder, Reference, Replay, load_module
from gradschool.grading.report import BoardScores, CheckResult, Report, Verdict, overall
from gradschool.grading.session import Session, Student, StudentFault, import_fault
from gradschool.grading.written import ANSWERS


def judge(
    problem: Problem,
    submission: Path,
    *,
    student: str,
    public_only: bool = False,
    tier: str | None = None,
    allow_plain: bool = False,
    pool: sandbox.Pool | None = None,
    until_failure: bool = False,
    only: Callable[[Check], bool] | None = None,
    questions: bool = True,
) -> Report:
    """Grade a zip, a folder or a single file.

    `student` seeds the checks' inputs: the same student meets the same inputs at every hand-in. `tier` names the
    sandbox; without it the best one is taken, and plain only if allowed. Who grades much passes a `pool`, which keeps
    interpreters loaded; who only wants to know whether all is right asks `until_failure`, and gets a report of the
    checks that were run; `only` chooses checks, and leaves out questions, as `questions` does. Faults of the grader are
    in the report (`grader_error`), not raised. Raises ProblemError for a problem set that cannot be loaded.
    """
    start = time.perf_counter()
    if pool is None:
        with sandbox.Pool() as own:
            return judge(
                problem,
                submission,
                student=student,
                public_only=public_only,
                tier=tier,
                allow_plain=allow_plain,
                pool=own,
                until_failure=until_failure,
                only=only,
                questions=questions,
            )
    checks = tuple(entry for entry in load_checks(problem) if entry.public or not public_only)
    checks = tuple(filter(only, checks))
    asks_questions = bool(problem.written) and questions and not public_only and not until_failure and only is None
    warnings: list[str] = []
    notes: list[str] = []
    results: list[CheckResult] = []
    used_tier = ""
    scores: BoardScores | None = None
    # Lines to beat are asked for where the whole hand-in is graded, by those who have the labels.
    board = None if public_only or until_failure or only or problem.handed_out else problem.leaderboard
    with tempfile.TemporaryDirectory(prefix="gradschool-judge-") as folder:
        try:
            packed, listing = prepare(submission, Path(folder, "submission.zip"))
        except archive.ArchiveRefused as error:
            results = [_result(entry, Verdict.REFUSED, message=str(error)) for entry in checks]
            results += _refused(problem, str(error)) if asks_questions else []
            results += leaderboard.unbeaten(board, Verdict.REFUSED, str(error)) if board else []
            warnings.append(str(error))
        else:
            wanted = [name for name in problem.files if name != ANSWERS or asks_questions]
            warnings += [f"{name} is missing from the hand-in." for name in listing.missing(wanted)]
            if checks:
                reference = load_reference(problem)
                session = Session(
                    problem, packed, _homes(problem, reference), tier=tier, allow_plain=allow_plain, pool=pool
                )
                results = _ask(checks, session, reference, problem, student, until_failure, notes)
                used_tier = session.used_tier
                warnings += _warnings(session)
            if asks_questions:
                results += _questions(problem, packed, student, warnings, notes)
            if board is not None:
                if listing.missing([board.file]):
                    results += leaderboard.unbeaten(board, Verdict.WRONG, f"{board.file} was not handed in.")
                else:
                    source = papers.Source(packed, tier=tier, allow_plain=allow_plain, pool=pool)
                    scores, lines = _judge_board(problem, board, source, notes)
                    results += lines
    order = [part.id for part in problem.parts]
    results.sort(key=lambda result: order.index(result.part))
    return Report(
        problem=problem.id,
        version=problem.version,
        verdict=overall(tuple(results)),
        checks=tuple(results),
        warnings=tuple(warnings),
        tier=used_tier,
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, pace {pace.slowness():g}",
        python=platform.python_version(),
        seed=student,
        seconds=round(time.perf_counter() - start, 3),
        notes=tuple(notes),
        board=scores,
    )


def _ask(
    checks: tuple[Check, ...],
    session: Session,
    reference: Reference | Recorder | Replay,
    problem: Problem,
    student: str,
    until_failure: bool,
    notes: list[str],
) -> list[CheckResult]:
    """Run the checks on the code of one submission."""
    session.plan(checks)
    done: dict[str, CheckResult] = {}
    try:
        # Public checks first: their output is shown, so no question of a hidden check may have been asked before.
        for entry in sorted(checks, key=lambda entry: not entry.public):
            done[entry.name] = _run(entry, session, reference, problem, student, notes)
            if until_failure and done[entry.name].verdict is not Verdict.CORRECT:
                break
    finally:
        session.drop()
    return [done[entry.name] for entry in checks if entry.name in done]


def _warnings(session: Session) -> Iterator[str]:
    for module, failure in session.failures.items():
        fault = import_fault(module, failure)
        if fault.message != f"{module}.py was not handed in.":  # said already
            yield f"{fault.message}\n{fault.traceback}".strip()
    if session.dead is not None:
        yield session.dead.message
    if session.import_output:
        yield f"Printed while the files were imported:\n{session.import_output}"


def _questions(
    problem: Problem, packed: Path, student: str, warnings: list[str], notes: list[str]
) -> list[CheckResult]:
    """Judge the answers of one submission to written.toml."""
    from gradschool.grading import answers  # only here: where code alone is graded, mpmath need not be installed

    try:
        given = answers.read(packed)
    except answers.AnswersRefused as error:
        warnings.append(str(error))
        return answers.refused(problem, str(error))
    results, told, noted = answers.judge(problem, given, student)
    warnings += told
    notes += noted
    return results


def _refused(problem: Problem, message: str) -> list[CheckResult]:
    from gradschool.grading import answers

    return answers.refused(problem, message)


def _judge_board(
    problem: Problem, board: leaderboard.Leaderboard, source: papers.Source, notes: list[str]
) -> tuple[BoardScores | None, tuple[CheckResult, ...]]:
    """The scores of the predictions, and a result for each line to beat."""
    try:
        labels = leaderboard.labels_of(board, problem.solution)
        content = source.content(board.file, leaderboard.most_bytes(labels))
        return leaderboard.judged(board, labels, content)
    except papers.Unreadable as error:
        return None, leaderboard.unbeaten(board, Verdict.REFUSED, str(error))
    except (leaderboard.BoardError, sandbox.BoxError) as error:
        notes.append(f"leaderboard: {error}")
        sentence = "The judge failed. This costs no points; staff will look into it."
        return None, leaderboard.unbeaten(board, Verdict.GRADER_ERROR, sentence)


def load_checks(problem: Problem) -> tuple[Check, ...]:
    """Run checks.py, which is trusted, and return its checks in order."""
    if not problem.declarations:
        return ()
    try:
        module = load_module(problem.checks, f"gradschool_checks_{problem.id}")
    except Exception as error:
        raise ProblemError(f"{problem.checks} cannot be loaded: {type(error).__name__}: {error}") from error
    checks = marking.declared(module)
    if {entry.name for entry in checks} != {entry.name for entry in problem.declarations}:
        raise ProblemError(f"{problem.checks}: checks must be functions at the top level, one decorator each")
    return checks


def load_reference(problem: Problem) -> Reference | Replay:
    """The solution, or in a hand-out its recorded answers. Raises ProblemError."""
    if problem.handed_out:
        return Replay(problem.folder / EXPECTED)
    try:
        return Reference.load(problem)
    except Exception as error:
        raise ProblemError(f"{problem.solution} cannot be loaded: {type(error).__name__}: {error}") from error


def prepare(submission: Path, target: Path) -> tuple[Path, archive.Listing]:
    """The submission as a zip, and its listing. A folder or a single file is packed. Raises ArchiveRefused."""
    if submission.is_dir():
        files: dict[str, Path] = {}
        for path in sorted(submission.rglob("*")):
            inner = path.relative_to(submission)
            hidden = any(part.startswith(".") or part in archive.IGNORED for part in inner.parts)
            of_handout = len(inner.parts) > 1 and (submission / inner.parts[0] / HANDOUT_MARK).exists()
            if hidden or of_handout or path.is_symlink() or not path.is_file():
                continue
            files[inner.as_posix()] = path
            if len(files) > archive.ArchiveLimits().entries:
                raise archive.ArchiveRefused(f"{submission} holds more than {len(files) - 1:,} files.")
        if sum(path.stat().st_size for path in files.values()) > archive.ArchiveLimits().total_bytes:
            raise archive.ArchiveRefused(f"{submission} holds more than 50 MB. Leave out data and weights.")
        if not files:
            raise archive.ArchiveRefused(f"{submission} holds no file.")
        archive.pack(files, target)
        # What one has on one's own disk may be compressible beyond what is taken from strangers.
        return target, archive.inspect(target, archive.ArchiveLimits(ratio=10_000))
    if submission.suffix == ".py":
        archive.pack({submission.name: submission}, target)
        return target, archive.inspect(target, archive.ArchiveLimits(ratio=10_000))
    return submission, archive.inspect(submission)


def call(entry: Check, student: Any, reference: Any, score: Score, rng: np.random.Generator) -> None:
    """Run a check's function with the arguments it asks for."""
    offered = {"student": student, "reference": reference, "score": score, "rng": rng}
    entry.function(**{name: offered[name] for name in entry.arguments})


def _homes(problem: Problem, reference: Reference | Replay) -> Mapping[str, str]:
    class Homes(dict[str, str]):
        def get(self, name: Any, default: Any = None) -> Any:
            return reference.home_of(name) or default

    return Homes()


def _run(
    entry: Check,
    session: Session,
    reference: Reference | Recorder | Replay,
    problem: Problem,
    student: str,
    notes: list[str],
) -> CheckResult:
    result = _attempt(entry, session, reference, problem, student, notes)
    if session.killed:  # perhaps by the machine and not by the student's code, which would do the same again
        notes.append(f"{entry.name}: its box was killed; asked once more")
        result = _attempt(entry, session, reference, problem, student, notes)
    if entry.false_fail and result.verdict in (Verdict.WRONG, Verdict.PARTIAL):
        second = _attempt(entry, session, reference, problem, student, notes, again=True)
        if second.verdict is Verdict.CORRECT:
            notes.append(f"{entry.name}: failed with one set of random numbers and passed with another")
            return second
        odds = f"A right solution fails this twice in about 1 of {1 / entry.false_fail**2:,.0f} hand-ins."
        result = dataclasses.replace(result, message=f"{result.message}\n{odds}")
    return result


def _attempt(
    entry: Check,
    session: Session,
    reference: Reference | Recorder | Replay,
    problem: Problem,
    student: str,
    notes: list[str],
    again: bool = False,
) -> CheckResult:
    score = Score(entry.points)
    message, trace = "", ""
    verdict = Verdict.CORRECT
    if isinstance(reference, Recorder | Replay):
        reference.begin(entry.name)
    try:
        session.begin(entry, student)
        call(entry, Student(session), reference, score, generator(problem.id, entry.name, student, again))
    except Mismatch as error:
        verdict, message = Verdict.WRONG, str(error)
    except StudentFault as error:
        verdict, message, trace = error.verdict, error.message, error.traceback
    except wire.Refused as error:
        verdict, message = Verdict.REFUSED, f"The answer was refused: {error}"
    except sandbox.BoxError as error:
        verdict, message = (
            Verdict.GRADER_ERROR,
            f"The sandbox failed: {error}. This costs no points; staff will grade again.",
        )
        notes.append(f"{entry.name}: {error}")
    except Exception as error:
        verdict, message = _whose_fault(entry, reference, problem, student, error)
        if verdict is Verdict.GRADER_ERROR:
            notes.append(f"{entry.name}: {traceback.format_exc()}")
    session.end()
    points = score.points
    if verdict is Verdict.CORRECT and "score" not in entry.arguments:
        points = entry.points
    elif verdict is Verdict.CORRECT:
        verdict = Verdict.CORRECT if points == entry.points else Verdict.PARTIAL if points else Verdict.WRONG
    elif verdict is Verdict.WRONG and points:
        verdict = Verdict.PARTIAL
    message = "\n".join([*score.notes, message]).strip()
    return _result(
        entry,
        verdict,
        points=points,
        message=message,
        traceback=trace,
        output=session.output if entry.public else "",
        cpu_seconds=round(session.cpu_seconds, 3),
    )


def _whose_fault(
    entry: Check, reference: Reference | Recorder | Replay, problem: Problem, student: str, error: Exception
) -> tuple[Verdict, str]:
    """An exception inside a check: is the check broken, or did it choke on the student's answer?

    The check is run once more with the solution in the student's place. If that passes, the check is sound.
    """
    sentence = f"The check could not use what your code gave ({type(error).__name__}: {wire.printable(error, 300)})."
    if isinstance(reference, Replay):
        return Verdict.WRONG, sentence
    try:
        score = Score(entry.points)
        call(entry, reference, reference, score, generator(problem.id, entry.name, student))
    except Exception:
        return Verdict.GRADER_ERROR, (
            f"The check itself failed ({type(error).__name__}). This costs no points; staff will look into it."
        )
    return Verdict.WRONG, sentence


def _result(
    entry: Check,
    verdict: Verdict,
    *,
    points: Fraction = Fraction(),
    message: str = "",
    traceback: str = "",
    output: str = "",
    cpu_seconds: float = 0.0,
) -> CheckResult:
    return CheckResult(
        name=entry.name,
        title=entry.title,
        part=entry.part,
        points=points,
        max_points=entry.points,
        public=entry.public,
        verdict=verdict,
        message=message,
        hint=entry.hint if verdict is not Verdict.CORRECT else "",
        output=output,
        traceback=traceback,
        cpu_seconds=cpu_seconds,
    )
