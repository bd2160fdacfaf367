"""What students are shown of a regrade on the page of a hand-in."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from django import template

from gradschool.office.handin.models import Submission
from gradschool.office.people.models import Offering
from gradschool.office.regrade.shadow import published_about
from gradschool.office.site.templatetags.course import points

register = template.Library()


@register.inclusion_tag("regrade/told.html")
def regraded(submission: Submission, offering: Offering) -> dict[str, Any]:
    """The published regrades that changed this hand-in's points."""
    trials = [trial for trial in published_about(submission.pk) if trial.before != trial.after]
    return {"trials": trials, "offering": offering}


@register.filter
def signed(value: Fraction) -> str:
    """A change with its sign: +2, −1.5, 0."""
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{points(abs(value))}"
