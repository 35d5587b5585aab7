"""The next version of a spoke's agreement, which extends it: only what needs no counsel's ink."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from encoding.agreement.draft import draft_agreement
from encoding.errors import AgreementDraftError
from schemas.agreement.agreement import Agreement
from schemas.agreement.amendment import clauses_of, succession_fault
from schemas.agreement.clauses import Amends
from schemas.agreement.negotiation import AgreementProposal

_PRACTICE: Final = Amends(only="practice", party=None)


def extended(
    before: AgreementProposal, answers: Mapping[str, Any], folder: Path
) -> AgreementProposal | None:
    """Return the version that extends an agreement; None: it says all of this already.

    An agreement is never shortened. Where the answers do not say by when all is destroyed, that is as many days
    after the last day as before, so that nothing is kept longer.
    """
    made = draft_agreement(_settled(before.agreement, answers), folder, before)
    if (clauses_of(made.agreement), made.agreement.parties, made.agreement.epoch) == (
        clauses_of(before.agreement),
        before.agreement.parties,
        before.agreement.epoch,
    ):
        return None
    if made.agreement.amends != _PRACTICE or made.agreement.epoch != before.agreement.epoch:
        wanted = made.agreement.model_copy(update={"amends": _PRACTICE})
        fault = succession_fault(before.agreement, wanted)
        raise AgreementDraftError(
            f"this is more than an extension: {fault or 'it opens a new epoch, or asks for counsel'}"
        )
    return made


def _settled(before: Agreement, answers: Mapping[str, Any]) -> dict[str, Any]:
    settled = dict(answers)
    end = settled.get("end")
    if end is None or str(end) <= before.end:
        settled.pop("end", None)
        return settled
    kept = settled.get("retention", {})
    if isinstance(kept, dict) and "destroy_by" not in kept:
        settled["retention"] = {**kept, "destroy_by": _destroy_by(before, str(end))}
    return settled


def _destroy_by(before: Agreement, end: str) -> str:
    """Return the day that is as long after a later last day as it was after the one before."""
    try:
        longer = date.fromisoformat(end) - date.fromisoformat(before.end)
        return (date.fromisoformat(before.retention.destroy_by) + longer).isoformat()
    except (ValueError, OverflowError):
        raise AgreementDraftError("the answer end is a day, such as 2028-08-31") from None
