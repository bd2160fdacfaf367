"""Receipts are signed, so that anyone can see that a receipt is genuine and unchanged."""

from __future__ import annotations

from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

from gradschool.office.handin.models import Submission
from gradschool.office.handin.rules import SIGNATURE, split_receipt

SALT = "gradschool.handin.receipt"


def sign(text: str) -> str:
    """The signature of a receipt's text."""
    return Signer(salt=SALT).signature(text)


def whole(submission: Submission) -> str:
    """A submission's receipt as it is given out: its text and the line with the signature."""
    return f"{submission.receipt}{SIGNATURE}{submission.signature}\n"


def genuine(pasted: str) -> str | None:
    """The text of a genuine receipt, or None: it was never given out here, or something in it was changed."""
    text, signature = split_receipt(pasted)
    if not text or not signature:
        return None
    return text if constant_time_compare(sign(text), signature) else None
