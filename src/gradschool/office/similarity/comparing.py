"""Comparing a problem set's hand-ins: fingerprints are made once for each archive, then all are compared in one go."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path

from django.db import transaction

from gradschool.grading import handout
from gradschool.grading.problem import Problem, ProblemError
from gradschool.office import clock
from gradschool.office.handin import blobs
from gradschool.office.handin.models import ProblemSet, Submission
from gradschool.office.people.models import User
from gradschool.office.similarity import archives
from gradschool.office.similarity.models import Comparison, Pair, Prints
from gradschool.office.similarity.rules import METHOD, Document, compare, every_hash, prints_of
from gradschool.office.similarity.tokens import tokens_of


def latest(problem_set: ProblemSet) -> list[Submission]:
    """The latest hand-in of each group, for this problem set and those of the same key in other offerings."""
    rows = Submission.objects.filter(problem_set__key=problem_set.key).select_related("problem_set")
    newest: dict[tuple[int, int], Submission] = {}
    for row in rows.defer("receipt", "files").order_by("number"):
        newest[row.problem_set_id, row.group_id] = row
    return list(newest.values())


def missing(submissions: Iterable[Submission]) -> list[str]:
    """The archives among these whose fingerprints have not been made."""
    wanted = {submission.blob for submission in submissions}
    known = set(Prints.objects.filter(method=METHOD, blob__in=wanted).values_list("blob", flat=True))
    return sorted(wanted - known)


def make_prints(wanted: Iterable[str]) -> None:
    """Make and keep the fingerprints of these archives. Raises sandbox.NoSandbox."""
    wanted = list(wanted)
    for blob, code in zip(wanted, archives.read([blobs.path_of(blob) for blob in wanted]), strict=True):
        hashes = array("Q", sorted(prints_of(code.tokens)))
        Prints.objects.get_or_create(blob=blob, method=METHOD, defaults={"hashes": hashes.tobytes(), "note": code.note})


def run(problem_set: ProblemSet, by: User | None) -> Comparison:
    """Compare all hand-ins whose fingerprints are made, and keep the outcome in place of the one before."""
    submissions = latest(problem_set)
    kept = Prints.objects.filter(method=METHOD, blob__in={one.blob for one in submissions})
    prints = {one.blob: frozenset(array("Q", bytes(one.hashes))) for one in kept}
    documents = [
        Document(str(one.pk), str(one.group_id), prints[one.blob], one.problem_set_id == problem_set.pk)
        for one in submissions
        if prints.get(one.blob)
    ]
    pairs = compare(documents, handed_out(problem_set))
    new = sum(one.problem_set_id == problem_set.pk for one in submissions)
    with transaction.atomic():
        Comparison.objects.filter(problem_set=problem_set).delete()
        comparison = Comparison.objects.create(
            problem_set=problem_set, at=clock.now(), by=by, compared=new, earlier=len(submissions) - new
        )
        Pair.objects.bulk_create(
            Pair(
                comparison=comparison,
                left_id=pair.left,
                right_id=pair.right,
                shared=pair.shared,
                left_share=pair.left_share,
                right_share=pair.right_share,
            )
            for pair in pairs
        )
    return comparison


def handed_out(problem_set: ProblemSet) -> frozenset[int]:
    """All runs of tokens of the files that students started from."""
    try:
        files = handout.starter(Problem.load(Path(problem_set.folder)))
    except (ProblemError, OSError):  # an offering of long ago, whose folder is gone
        return frozenset()
    return every_hash([tokens_of(text) for text in files.values()])
