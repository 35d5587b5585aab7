"""Approvals as pages show them: of one step of one run, or in advance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from app.agreements.service import TermsInForce
from app.clock import utc_text
from schemas.agreement.negotiation import RunApprovals, StandingState
from schemas.agreement.statement import RunApproval, StandingApproval, Step

StandingWord = Literal["good", "used-up", "over", "revoked", "replaced"]

WORDS: dict[StandingWord, str] = {
    "good": "holds",
    "used-up": "used up",
    "over": "its last day has passed",
    "revoked": "taken back",
    "replaced": "of an agreement that does not bind now",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """An approval given in advance, and whether a run could take it up now."""

    approval: str
    party: str
    person: str
    agreement: str
    at: str
    until: str
    runs: int
    used: int
    revoked: str | None
    word: StandingWord

    @property
    def words(self) -> str:
        """Whether it holds, in words."""
        return WORDS[self.word]


@dataclass(frozen=True, slots=True)
class StepApproval:
    """What a party says to a step of a run: approved by a person, in advance, or not yet (`at` is None).

    `standing` is the approval in advance that stands for it, None where a person signed for this run.
    """

    step: str
    party: str
    at: str | None = None
    person: str | None = None
    standing: str | None = None


def step_words(step: Step) -> str:
    """Return what is approved with a step."""
    return {"run": "the run", "release": "the release of what it found"}[step]


def standing_of(state: StandingState, terms: TermsInForce, now: datetime) -> Standing:
    """Return an approval in advance as it stands under the terms that bind at this moment."""
    stated = cast(StandingApproval, state.signed.statement)
    return Standing(
        approval=stated.approval,
        party=stated.party,
        person=stated.person,
        agreement=stated.agreement,
        at=stated.at,
        until=stated.until,
        runs=stated.runs,
        used=state.used,
        revoked=state.revoked,
        word=_word(state, stated, terms, utc_text(now)[:10]),
    )


def step_approvals(
    view: RunApprovals, standing: Iterable[StandingState], waits_for: Step | None
) -> tuple[StepApproval, ...]:
    """Return who has approved which step of a run, and who has yet to."""
    found = []
    for signed in view.approvals:
        stated = cast(RunApproval, signed.statement)
        words = step_words(stated.step)
        found.append(StepApproval(words, stated.party, stated.at, stated.person))
    for state in standing:
        advance = cast(StandingApproval, state.signed.statement)
        if advance.approval in view.standing:
            words = step_words("run")
            found.append(
                StepApproval(words, advance.party, advance.at, advance.person, advance.approval)
            )
    missing = {None: (), "run": view.missing, "release": view.missing_for_release or ()}[waits_for]
    found += [StepApproval(step_words(waits_for or "run"), party) for party in missing]
    return tuple(sorted(found, key=lambda one: (one.step != step_words("run"), one.party)))


def _word(
    state: StandingState, stated: StandingApproval, terms: TermsInForce, today: str
) -> StandingWord:
    if state.revoked is not None:
        return "revoked"
    if stated.agreement != terms.digest:
        return "replaced"
    if stated.until < today:
        return "over"
    return "good" if state.used < stated.runs else "used-up"
