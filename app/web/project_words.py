"""Projects, rounds and destructions in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeVar

from app.rounds.views import RoundStand
from schemas.agreement.agreement import ProjectTerms
from schemas.agreement.allowance import KEPT_WEEKS
from schemas.agreement.chapter_limits import FREQUENCY_WORDS, days, due_sentence, listed
from schemas.agreement.clause_words import LIFETIME_WORDS, MODE_WORDS
from schemas.agreement.policy_words import percent
from schemas.api.bodies import RunFinality
from schemas.api.destruction import DestructionView
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


_PERSONS_WORDS: Final = {1: "one person settles", 2: "two persons who agree settle"}


# A class of the style sheet: no state is told by it alone.
STATE_MARKS: Final[dict[RoundState, tuple[str, str]]] = {
    "open": ("wait", "open"),
    "closed": ("good", "closed"),
    "superseded": ("plain", "corrected"),
}


@dataclass(frozen=True, slots=True)
class PartyWords:
    """A party as a page names it: short name, name for people, and its parts in the project."""

    name: str
    title: str
    parts: tuple[str, ...]


def terms_sentences(terms: ProjectTerms) -> Iterator[str]:
    """Yield what the terms allow, one sentence each."""
    yield f"The purpose is {terms.purpose}, for the population {terms.population}."
    yield f"The terms hold from {terms.start} to {terms.end}; both days are included."
    yield f"{listed(terms.providers)} {_verb(terms.providers, 'uploads', 'upload')} encodings."
    for recipient in terms.recipients:
        yield f"{recipient.party} receives {MODE_WORDS[recipient.mode]}, in the ID space “{recipient.space}”."
    for space in terms.spaces:
        yield f"Link IDs of the ID space “{space.name}” are {LIFETIME_WORDS[space.lifetime]}."
    if terms.review is not None:
        review = terms.review
        yield (
            f"Of pairs that a run holds back, reviewers of {review.reviewer} decide up to {review.first:,} "
            f"of each other agency in the first {KEPT_WEEKS} weeks, then {review.weekly:,} a week, "
            f"within {days(review.days)}; {_PERSONS_WORDS[review.persons]} a pair."
        )
    if terms.auditors:
        verbs = _verb(terms.auditors, ("checks", "sees"), ("check", "see"))
        yield f"{listed(terms.auditors)} {verbs[0]} the match log, and {verbs[1]} no person's data."
    else:
        yield "The terms name no auditor."
    for file in terms.files:
        yield f"The file of {file.party} has {file.least:,} to {file.most:,} records."
    for larger, smaller in terms.pairs:
        yield f"Of {larger} and {smaller}, {larger} has the larger file."
    yield (
        f"A round of linkage is made {FREQUENCY_WORDS[terms.frequency]}, and waits {days(terms.round_days)} "
        "for "
        "uploads."
    )
    if terms.due is not None:
        yield due_sentence(terms.due)
    if terms.round_budget is not None:
        budget = terms.round_budget
        yield f"At most {budget.rounds:,} rounds are opened in {days(budget.days)}."
    if terms.most_ended is not None:
        yield (
            f"If a round would end more than {percent(terms.most_ended)} of an agency's links, a person of "
            "that agency has to accept it first."
        )
    yield f"Counts under {terms.floor}, and counts that would reveal one, are hidden."
    yield (
        f"Encodings are destroyed {terms.keep_encodings_days:,} days after they were uploaded, "
        f"match IDs {terms.keep_links_days:,} days after their run."
    )


def parties_of(terms: ProjectTerms, titles: Mapping[str, str]) -> list[PartyWords]:
    """Return the parties that the terms name, by name, with what each is in the project."""
    parts: dict[str, list[str]] = {}
    for party in terms.providers:
        parts.setdefault(party, []).append("uploads encodings")
    for recipient in terms.recipients:
        parts.setdefault(recipient.party, []).append(f"receives {MODE_WORDS[recipient.mode]}")
    for party in terms.auditors:
        parts.setdefault(party, []).append("checks the match log")
    return [
        PartyWords(name, titles.get(name, name), tuple(found))
        for name, found in sorted(parts.items())
    ]


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
