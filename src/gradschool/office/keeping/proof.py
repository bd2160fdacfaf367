"""Whether what the office keeps is whole: every content that a row names is there, and every receipt is genuine."""

from __future__ import annotations

from django.apps import apps

from gradschool.office.handin import receipts
from gradschool.office.handin.blobs import path_of
from gradschool.office.handin.models import Submission
from gradschool.office.keeping.chest import digest_of
from gradschool.office.keeping.rules import BLOBS, digests_in


def contents_named() -> set[str]:
    """The contents of the store that rows name."""
    found: set[str] = set()
    for label, names in BLOBS.items():
        for row in apps.get_model(label)._base_manager.values_list(*names).iterator():
            found.update(digests_in(row))
    return found


def missing_contents() -> list[str]:
    """The contents that rows name and that are not there, or not whole; all are read."""
    named = sorted(contents_named())
    return [digest for digest in named if not path_of(digest).exists() or digest_of(path_of(digest)) != digest]


def bent_receipts() -> tuple[int, list[str]]:
    """How many receipts there are, and the submissions whose receipt this office's key did not sign."""
    count, bent = 0, []
    rows = Submission.objects.order_by("pk").values_list("pk", "receipt", "signature")
    for pk, receipt, signature in rows.iterator():
        count += 1
        if receipts.sign(receipt) != signature:
            bent.append(str(pk))
    return count, bent
