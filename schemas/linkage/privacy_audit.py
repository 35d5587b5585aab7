"""What a manifest states of the agency's privacy audit, and when that counts for an upload.

The agency, the broker and the auditor ask this one function. Spec page: `schemas/spec/manifest.md`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.documents.document import Model
from schemas.documents.ids import Sha256Hex
from schemas.linkage.profile import Side
from schemas.linkage.rows import MAX_RECORDS

# With fewer, a lucky guess already weighs more than the goals allow.
SMALLEST_AUDITED_FILE: Final = 500
# An audit counts for files that differ by at most one in so many of its records.
_ONE_IN: Final = 4

Scope = Literal["full", "quick"]
AuditFault = Literal["missing", "quick", "missed", "other-profile", "other-side", "other-size"]


class PrivacyAudit(Model):
    """An agency's privacy audit of its file, as its manifest states it.

    `digest` is that of the report. `records` is how many the audited file had, `side` which file of the pair
    it was taken for, and `passed` says whether every goal was reached.
    """

    digest: Sha256Hex
    scope: Scope
    profile: Sha256Hex
    side: Side
    records: Annotated[int, Field(ge=1, le=MAX_RECORDS)]
    passed: bool


def audit_words(audit: PrivacyAudit | None) -> str:
    """Return what is stated of an audit, in plain words."""
    if audit is None:
        return f"none, fewer than {SMALLEST_AUDITED_FILE} records"
    result = "every goal reached" if audit.passed else "a goal missed"
    return f"{audit.scope}, of {audit.records:,} records, {result}"


def audit_fault(
    audit: PrivacyAudit | None, *, profile: str, side: Side, records: int
) -> AuditFault | None:
    """Return why an audit does not count for an upload; None where it counts, or none is needed.

    Args:
        audit: what is stated; None: none.
        profile: digest of the upload's encoding profile.
        side: which file of the pair is uploaded.
        records: how many records are uploaded.
    """
    if audit is None:
        return "missing" if records >= SMALLEST_AUDITED_FILE else None
    faults: tuple[tuple[AuditFault, bool], ...] = (
        ("quick", audit.scope != "full"),
        ("missed", not audit.passed),
        ("other-profile", audit.profile != profile),
        ("other-side", audit.side != side),
        ("other-size", _ONE_IN * abs(records - audit.records) > audit.records),
    )
    return next((fault for fault, is_so in faults if is_so), None)
