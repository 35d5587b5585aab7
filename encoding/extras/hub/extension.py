"""The next version of a spoke's agreement, which extends it: only what needs no counsel's ink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from encoding.errors import AgreementDraftError
from schemas.agreement.agreement import Agreement
from schemas.agreement.amendment import clauses_of, succession_fault
from schemas.agreement.clauses import Amends
from schemas.agreement.negotiation import AgreementProposal

# What the places of answers are called on a sheet; any other is called by its place.
_WORDS: Final[Mapping[str, str]] = {
    "start": "first day",
    "end": "last day",
    "retention.destroy_by": "all is destroyed by",
    "limits.files.spoke.least": "least records of the spoke",
    "limits.files.spoke.most": "most records of the spoke",
}


def changes_of(before: Agreement, after: Agreement, spoke: str) -> dict[str, str]:
    """Return what an extension changes, in words: what it was and what it will be, by what it is called."""
    old, new = (dict(_places(clauses_of(one), spoke)) for one in (before, after))
    return {
        _WORDS.get(place, place): f"{new.get(place, 'none')} (was {old.get(place, 'none')})"
        for place in dict.fromkeys((*old, *new))
        if old.get(place) != new.get(place)
    }


def _places(value: Any, spoke: str, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value with its place as in answers; what is listed for a party stands by its name."""
    if isinstance(value, list):
        parties = [one.get("party") if isinstance(one, dict) else None for one in value]
        names = ("spoke" if party == spoke else party for party in parties)
        value = {
            str(name or at): one for at, (name, one) in enumerate(zip(names, value, strict=True))
        }
    if not isinstance(value, dict):
        yield place, str(value)
        return
    for name, one in value.items():
        yield from _places(one, spoke, f"{place}.{name}".lstrip("."))


_PRACTICE: Final = Amends(only="practice", party=None)


def extended(
    before: AgreementProposal, answers: Mapping[str, Any], folder: Path
) -> AgreementProposal | None:
    """Return the version that extends an agreement; None: it says all of this already.

    An agreement is never shortened. Where the answers do not say by when all is destroyed, that is as many days
    after the last day as before, so that nothing is kept longer.
    """
    # It loads what computes, and help does not.
    from encoding.agreement.draft import draft_agreement

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
