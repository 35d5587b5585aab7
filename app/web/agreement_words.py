"""Where an agreement stands, in words, and what its page shows of signatures and notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from schemas.agreement.chapter_limits import listed
from schemas.agreement.negotiation import AgreementState, AgreementSummary, AgreementView
from schemas.agreement.statement import Act, Consent, Notice, SignedStatement

# A class of the style sheet: no state is told by it alone.
STATE_MARKS: Final[dict[AgreementState, str]] = {
    "proposed": "wait",
    "signed": "wait",
    "in-force": "good",
    "suspended": "bad",
    "replaced": "plain",
    "ended": "plain",
    "withdrawn": "bad",
}
ACT_WORDS: Final[dict[Act, str]] = {
    "suspend": "suspended the linkage",
    "resume": "lifted its suspension",
    "withdraw": "left the agreement",
}


@dataclass(frozen=True, slots=True)
class Signature:
    """A party's signature; where it has yet to sign, all but its name is None."""

    party: str
    at: str | None = None
    counsel: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a party has said since all had signed."""

    at: str
    party: str
    words: str
    reason: str
    person: str


def state_words(summary: AgreementSummary, suspended_by: tuple[str, ...] = ()) -> str:
    """Return in a few words where an agreement stands; `suspended_by` names who halts the linkage."""
    return {
        "proposed": f"waits for the signature of {listed(summary.missing)}",
        "signed": f"signed by all, begins on {summary.start}",
        "in-force": "in force",
        "suspended": f"suspended by {listed(suspended_by)}" if suspended_by else "suspended",
        "replaced": "another one took its place",
        "ended": f"ended on {summary.end}",
        "withdrawn": "ended, since a party has left",
    }[summary.state]


def signatures_of(view: AgreementView) -> tuple[Signature, ...]:
    """Return a line for each party, by name."""
    given = [
        _signature(stated) for stated in _statements(view.consents) if isinstance(stated, Consent)
    ]
    waited_for = [Signature(party) for party in view.missing]
    return tuple(sorted([*given, *waited_for], key=lambda signature: signature.party))


def notices_of(view: AgreementView) -> tuple[Said, ...]:
    """Return what parties have said since all had signed, oldest first."""
    return tuple(
        Said(stated.at, stated.party, ACT_WORDS[stated.act], stated.reason, stated.person)
        for stated in _statements(view.notices)
        if isinstance(stated, Notice)
    )


def _statements(signed: Iterable[SignedStatement]) -> Iterator[object]:
    return (one.statement for one in signed)


def _signature(stated: Consent) -> Signature:
    return Signature(stated.party, stated.at, stated.counsel_words, stated.person)
