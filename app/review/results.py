"""What came of reviews, for the person who watches over them: no count below the floor, and none that reveals
one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from app.review import repository
from app.review.models import Review, StatedDecision
from app.review.settlement import Agreed
from app.runs.counts import above_floor, hide_small

# Of fewer questions that both decided, Cohen's kappa says little, and more about each of them.
LEAST_COMMON: Final = 30
_FLOORS_IN_COMMON: Final = 3


@dataclass(frozen=True, slots=True)
class Results:
    """How many pairs of a review were accepted, rejected, and left open; None: not shown."""

    accepted: int | None = None
    rejected: int | None = None
    open: int | None = None

    @property
    def accept_rate(self) -> int | None:
        """How many of 100 settled pairs were accepted; None where that is not shown, or nothing was settled."""
        if self.accepted is None or self.rejected is None:
            return None
        settled = self.accepted + self.rejected
        return (200 * self.accepted + settled) // (2 * settled) if settled else None


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person who decided in a review.

    `at_least` is a multiple of the floor: they decided so many pairs, and fewer than the next multiple.
    `has_ended` tells whether they said that their work is done.
    """

    person: str
    at_least: int
    first: str
    last: str
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa of two persons in tenths, from -10 to 10; None where they decided too little in common."""

    first: str
    second: str
    tenths: int | None

    @property
    def kappa(self) -> str | None:
        """The same as it is written: -1.0 to 1.0."""
        return None if self.tenths is None else f"{self.tenths / 10:.1f}"


def results_of(review: Review) -> Results:
    """Return how a review ended; nothing is told before, since what differs from day to day is small."""
    if review.accepted is None or review.rejected is None or review.questions < review.floor:
        return Results()
    counts = [review.accepted, review.rejected]
    left = review.questions - sum(counts)
    # That nothing is left open tells of nobody, and needs no other count to be hidden.
    shown = (
        hide_small([*counts, left], review.floor)
        if left
        else [*hide_small(counts, review.floor), 0]
    )
    return Results(*shown)


def rejected_for_log(review: Review) -> int | None:
    """Return how many pairs were rejected, as far as the match log may say it, which the asked agency reads.

    The log also says how many were asked about, and may say how many were accepted.
    """
    accepted, rejected, floor = review.accepted or 0, review.rejected or 0, review.floor
    others = (accepted, review.questions - accepted - rejected)
    are_others_hidden = all(count == 0 or count >= floor for count in others)
    return above_floor(rejected, floor) if are_others_hidden else None


def reviewers_of(session: Session, review: Review) -> tuple[Reviewer, ...]:
    """Return who decided in a review, in the order in which they began."""
    step = max(review.floor, 1)
    stated: dict[str, list[StatedDecision]] = {}
    for one in repository.statements_of(session, review.run):
        stated.setdefault(one.person, []).append(one)
    return tuple(
        Reviewer(
            person,
            at_least=_n_decided(own) // step * step,
            first=own[0].received,
            last=own[-1].received,
            has_ended=own[-1].is_last,
        )
        for person, own in stated.items()
    )


def agreements_of(review: Review) -> tuple[Agreement, ...]:
    """Return how far each two reviewers agreed who decided pairs in common; none before the end."""
    found = [Agreed(*one) for one in json.loads(review.agreed or "[]")]
    least = max(LEAST_COMMON, _FLOORS_IN_COMMON * review.floor)
    return tuple(
        Agreement(one.first, one.second, _tenths(one) if one.n_questions >= least else None)
        for one in found
    )


def _n_decided(statements: Iterable[StatedDecision]) -> int:
    return sum(one.accepted + one.rejected + one.unsure for one in statements)


def _tenths(agreed: Agreed) -> int | None:
    kappa = agreed.kappa()
    return None if kappa is None else round(10 * kappa)
