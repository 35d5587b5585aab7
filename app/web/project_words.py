"""Projects, rounds and destructions in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeVar

from app.rounds.views import RoundStand
from schemas.agreement.chapter_limits import listed
from schemas.api.destruction import DestructionView
from schemas.api.runs import RunFinality
from schemas.reports.certificate_page import LOCAL_WORDS, REASON_WORDS, SCOPE_WORDS
from schemas.rounds.destruction import LocalStatement, Outstanding, SignedDestruction
from schemas.rounds.rounds import RoundList, RoundState, RoundView

T = TypeVar("T")

RUN_WORDS: Final = {
    "waiting": "It waits for its turn.",
    "comparing": "It compares encodings.",
    "deciding": "It decides which records belong to the same person.",
    "releasing": "It makes the releases ready.",
    "done": "",
}


# A class of the style sheet: no state is told by it alone.
STATE_MARKS: Final[dict[RoundState, tuple[str, str]]] = {
    "open": ("wait", "open"),
    "closed": ("good", "closed"),
    "superseded": ("plain", "corrected"),
}


def run_sentence(state: str, stage: str, failure: str | None) -> str:
    """Return what a run is doing, or why it has no result; empty where its state says all."""
    if state == "failed":
        return f"It ended without a result; the reason is {failure}."
    if state == "cancelled":
        return "It was stopped before it had a result."
    if state == "awaiting":
        return "It waits until all parties that the agreement asks have approved it."
    return RUN_WORDS[stage] if state in {"queued", "running"} else ""


def finality_sentence(finality: RunFinality | None) -> str:
    """Return whether a run is final, and by whose doing; empty before its end."""
    if finality is None:
        return ""
    parties = finality.cosigned_by
    who = f"{listed(parties)} {_verb(parties, 'has', 'have')}" if parties else "nobody has"
    cosigned = f"{who} cosigned the match log since it ended"
    if not finality.needed:
        return f"The terms ask for no cosigners; {cosigned}."
    state = "final" if finality.is_final else "not final yet"
    return f"It is {state}: {cosigned}; {finality.needed:,} must have."


def _verb(names: Sequence[str], one: T, many: T) -> T:
    return one if len(names) == 1 else many


def round_sentence(view: RoundView | RoundStand) -> str:
    """Return in a sentence what a round waits for, or how it ended."""
    if view.state == "superseded":
        return f"It does not count: round {view.superseded_by} took its place."
    if view.state == "closed":
        return "Link IDs follow from the claims below, and from no others."
    waiting = sorted(
        {
            party
            for one in view.progress
            for party, root in ((one.larger, one.root_larger), (one.smaller, one.root_smaller))
            if root is None
        }
    )
    if waiting:
        return f"It waits for uploads of {listed(waiting)}."
    return "All uploads are there. It waits for runs, and for what recipients tell each other."


def round_due_sentence(document: RoundList) -> str:
    """Return whether a new round may be opened now, and who has no unspent nonce."""
    ready = "A new round may be opened now." if document.due else "No new round is due now."
    if not document.waiting_for:
        return ready
    lacking = listed(document.waiting_for)
    return f"{ready} Without an unspent nonce, and so left out of a new round: {lacking}."


@dataclass(frozen=True, slots=True)
class Stated:
    """What a party has stated of its own copies: what none is left of, and what it keeps with the reason."""

    at: str
    party: str
    person: str
    none_left: str
    kept: str


def extent_words(view: DestructionView) -> str:
    """Return how far a destruction goes."""
    about = f" ({view.subject})" if view.scope == "party" else ""
    return f"{SCOPE_WORDS[view.scope]}{about}"


def reason_words(reason: str) -> str:
    """Return why something was destroyed then."""
    return REASON_WORDS.get(reason, reason)


def outstanding_words(outstanding: Sequence[Outstanding]) -> list[str]:
    """Return for each party what it has not stated to be deleted."""
    return [
        f"{party}: {', '.join(LOCAL_WORDS[one.what] for one in owed)}"
        for party, owed in groupby(outstanding, key=lambda one: one.party)
    ]


def statements_of(signed: Sequence[SignedDestruction]) -> tuple[Stated, ...]:
    """Return what parties have stated, in the order given."""
    found = []
    for one in signed:
        said = one.said
        if isinstance(said, LocalStatement):
            none_left = ", ".join(LOCAL_WORDS[what] for what in said.none_left)
            kept = "; ".join(f"{LOCAL_WORDS[item.what]}: {item.why}" for item in said.kept)
            found.append(Stated(said.at, said.party, said.person, none_left, kept))
    return tuple(found)
