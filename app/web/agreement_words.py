"""Where an agreement stands, in words, and what its page shows of signatures and notices."""

from __future__ import annotations

from typing import Final

from schemas.agreement.chapter_limits import listed
from schemas.agreement.negotiation import AgreementState, AgreementSummary, AgreementView
from schemas.agreement.statement import Act, Consent, Notice

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


def signatures_of(view: AgreementView) -> list[tuple[str, Consent | None]]:
    """Return each party with its signature, by name; None where it has yet to sign."""
    given = [one.statement for one in view.consents]
    signed: list[tuple[str, Consent | None]] = [
        (one.party, one) for one in given if isinstance(one, Consent)
    ]
    return sorted([*signed, *((party, None) for party in view.missing)], key=lambda one: one[0])


def notices_of(view: AgreementView) -> list[tuple[Notice, str]]:
    """Return what parties have said since all had signed, oldest first, each with its act in words."""
    said = [one.statement for one in view.notices]
    return [(one, ACT_WORDS[one.act]) for one in said if isinstance(one, Notice)]
