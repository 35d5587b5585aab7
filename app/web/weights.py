"""The chart of how likely a run's candidate pairs are matches, and the rows of the table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, log10
from typing import Final

from app.matching.blocks.weights import UNIT, least_weight
from app.runs.counts import Step
from app.web.chart import Chart, Mark, Value, bar_chart
from schemas.linkage.run import MatchingPolicy

AUTO: Final = "linked"
AT_AUTO: Final = "held back or linked"
REVIEW: Final = "held back"
AT_REVIEW: Final = "not linked or held back"
BELOW: Final = "not linked"
KINDS: Final = {
    AUTO: "auto",
    AT_AUTO: "review",
    REVIEW: "review",
    AT_REVIEW: "reject",
    BELOW: "reject",
}


@dataclass(frozen=True, slots=True)
class WeightRow:
    """One step: from and to, in bits; how many pairs, None if not shown; what becomes of them."""

    start: int
    end: int
    pairs: int | None
    place: str

    @property
    def probability(self) -> str:
        """The match probability from which on the step is."""
        return probability_words(self.start)


def weight_rows(steps: Sequence[Step], policy: MatchingPolicy) -> tuple[WeightRow, ...]:
    """Return the steps as rows."""
    return tuple(
        WeightRow(step.bits, step.bits + 1, step.pairs, _place(step, policy)) for step in steps
    )


def probability_words(bits: float) -> str:
    """Return the match probability of a total match weight, to as many digits as tell it from 0 and 1."""
    likely, odds = bits >= 0, 2.0 ** -abs(bits)
    rest = odds / (1 + odds)
    digits = max(2, 1 - floor(log10(rest)))
    return f"{1 - rest if likely else rest:.{digits}f}"


def table_rows(rows: Sequence[WeightRow]) -> tuple[WeightRow, ...]:
    """Return the rows for reading: neighbouring steps that are not shown, and become the same, are one row."""
    joined: list[WeightRow] = []
    for row in rows:
        last = joined[-1] if joined else None
        if last and last.pairs is None and row.pairs is None and last.place == row.place:
            joined[-1] = replace(last, end=row.end)
        else:
            joined.append(row)
    return tuple(joined)


def weight_chart(steps: Sequence[Step], policy: MatchingPolicy, least: int) -> Chart | None:
    """Return the chart of these steps with both bounds; None where no step may be shown."""
    if all(step.pairs is None for step in steps):
        return None
    return bar_chart(
        "weights",
        [Value(str(step.bits), step.pairs, KINDS[_place(step, policy)]) for step in steps],
        title="Pairs by match weight",
        description=(
            f"Candidate pairs in steps of one bit of total match weight from {steps[0].bits} on. "
            f"A frame stands for a number below {least} or one that would reveal it. "
            "The numbers are in the table."
        ),
        axis="total match weight, in bits; the bounds are match probabilities",
        marks=list(_marks(steps, policy)),
    )


def _marks(steps: Sequence[Step], policy: MatchingPolicy) -> list[Mark]:
    found = []
    for name, bound in (("held back", policy.review), ("linked", policy.auto)):
        share = (least_weight(bound) / UNIT - steps[0].bits) / len(steps)
        if 0 <= share <= 1:
            found.append(Mark(f"{name} from {bound}", share))
    return found


def _place(step: Step, policy: MatchingPolicy) -> str:
    auto, review = least_weight(policy.auto), least_weight(policy.review)
    first, last = step.bits * UNIT, (step.bits + 1) * UNIT - 1
    if last >= auto:
        return AUTO if first >= auto else AT_AUTO
    if last >= review:
        return REVIEW if first >= review else AT_REVIEW
    return BELOW
