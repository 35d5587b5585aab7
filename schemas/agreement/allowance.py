"""How many questions a review may still ask: so many in the first weeks, then so many a week.

Broker, asked agency and verifiers count by the log's time. Spec page: `schemas/spec/review.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from schemas.agreement.clauses import Review

KEPT_WEEKS: Final = 8
"""So many are the first weeks, and so long is kept what a later week leaves."""


class Charge(NamedTuple):
    """What one review asked of an agency: the time of its log entry, and how many questions that states."""

    time: str
    questions: int


def charge_of(n_questions: int, floor: int) -> int:
    """Return how many questions the log states: those that were asked, no number below the floor."""
    return max(n_questions, floor)


def questions_left(clause: Review, before: Sequence[Charge], time: str) -> int:
    """Return how many questions a reviewer's agency may ask another one at a time; below 0 after a breach.

    Args:
        before: what it asked the same agency before, in the order of the log, in the whole project.
        time: of the log, as `utc_text` writes it.
    """
    if not before:
        return clause.first
    begun = _day(before[0].time)
    # Numbers of weeks after the first ones; negative within these.
    now, *weeks = ((_day(at) - begun) // 7 - KEPT_WEEKS for at in (time, *(c.time for c in before)))
    if now < 0:
        return clause.first - sum(one.questions for one in before)
    kept = max(0, now + 1 - KEPT_WEEKS)
    asked = sum(one.questions for one, week in zip(before, weeks, strict=True) if week >= kept)
    return clause.weekly * (now + 1 - kept) - asked


def _day(time: str) -> int:
    return date.fromisoformat(time[:10]).toordinal()
