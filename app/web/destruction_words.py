"""Destructions as pages show them: what was destroyed, who has still to say that nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from schemas.api.destruction import DestructionView
from schemas.reports.certificate_page import LOCAL_WORDS, REASON_WORDS, SCOPE_WORDS
from schemas.rounds.destruction import LocalStatement, Outstanding, SignedDestruction


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
