"""The judge: asks questions of a student's code, which answers from inside a sandbox, and compares the answers here.

A problem's `checks.py` imports what it needs from this package:

    from gradschool.grading import check, close

    @check(part="1a", points=4, public=True, title="softmax of known scores")
    def softmax_is_stable(student, reference):
        scores = np.array([[1e4, 0.0, -1e4]])
        close(student.softmax(scores), reference.softmax(scores), rtol=1e-6, what="softmax(scores)")
"""

from __future__ import annotations

from gradschool.grading.assertions import (
    Mismatch,
    at_least,
    at_least_on_average,
    close,
    equal,
    fail,
    gradient_close,
    gradients_agree,
    is_finite,
    numeric_gradient,
    pair,
)
from gradschool.grading.marking import Score, check

__all__ = [
    "Mismatch",
    "Score",
    "at_least",
    "at_least_on_average",
    "check",
    "close",
    "equal",
    "fail",
    "gradient_close",
    "gradients_agree",
    "is_finite",
    "numeric_gradient",
    "pair",
]
