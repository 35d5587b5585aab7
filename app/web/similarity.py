"""The chart of how alike a run's candidate pairs are, and the rows of the table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from app.web.chart import Chart, Mark, Value, bar_chart

if TYPE_CHECKING:
    from app.runs.histogram import Step
    from schemas.run import EncodedThresholds

AUTO: Final = "above the auto threshold"
REVIEW: Final = "between the thresholds"
BOTH: Final = "the auto threshold lies here"


@dataclass(frozen=True, slots=True)
class SimilarityRow:
    """One step: from and to, as decimal text; how many pairs, None if too few; where it lies."""

    start: str
    end: str
    pairs: int | None
    place: str


def similarity_rows(
    steps: Sequence[Step], thresholds: EncodedThresholds
) -> tuple[SimilarityRow, ...]:
    """Return the steps as rows."""
    return tuple(
        SimilarityRow(
            _decimal(step.start), _decimal(step.end), step.pairs, _place(step, thresholds)
        )
        for step in steps
    )


def similarity_chart(
    steps: Sequence[Step], thresholds: EncodedThresholds, floor: int
) -> Chart | None:
    """Return the chart of these steps with both thresholds; None where there are no steps."""
    if not steps:
        return None
    first, last = steps[0].start, steps[-1].end
    values = [
        Value(
            _decimal(step.start),
            step.pairs,
            "review" if _place(step, thresholds) == REVIEW else "auto",
        )
        for step in steps
    ]
    marks = [
        Mark(f"{name} {float(at):.3g}", float((at - first) / (last - first)))
        for name, at in (("review", thresholds.review), ("auto", thresholds.auto))
    ]
    return bar_chart(
        "similarity",
        values,
        title="Pairs by similarity",
        description=(
            f"Pairs at or above the review threshold, in steps of similarity from {_decimal(first)} to 1. "
            f"A frame stands for a number below {floor} or one that would reveal it. "
            "The numbers are in the table."
        ),
        axis="similarity of the encodings",
        marks=marks,
    )


def _place(step: Step, thresholds: EncodedThresholds) -> str:
    if step.start >= thresholds.auto:
        return AUTO
    return BOTH if step.end > thresholds.auto else REVIEW


def _decimal(number: Fraction) -> str:
    return f"{float(number):.2f}"
