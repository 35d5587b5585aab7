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
    """One step: from and to, as decimal text; how many pairs, None if too few; where it lies.

    `at_least` counts the pairs from here on upward, as far as no step among them is hidden; None below that. It
    adds up what is shown, and so tells nothing more.
    """

    start: str
    end: str
    pairs: int | None
    place: str
    at_least: int | None


def similarity_rows(
    steps: Sequence[Step], thresholds: EncodedThresholds
) -> tuple[SimilarityRow, ...]:
    """Return the steps as rows."""
    sums = _sums_from_above([step.pairs for step in steps])
    return tuple(
        SimilarityRow(
            _decimal(step.start), _decimal(step.end), step.pairs, _place(step, thresholds), at_least
        )
        for step, at_least in zip(steps, sums, strict=True)
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
        marks=_marks(thresholds, first, last),
    )


def threshold_chart(
    steps: Sequence[Step], thresholds: EncodedThresholds, floor: int
) -> Chart | None:
    """Return the chart of how many pairs lie at or above each step's beginning; None for no steps."""
    if not steps:
        return None
    rows = similarity_rows(steps, thresholds)
    first, last = steps[0].start, steps[-1].end
    return bar_chart(
        "over-thresholds",
        [
            Value(row.start, row.at_least, "review" if step.start < thresholds.auto else "auto")
            for row, step in zip(rows, steps, strict=True)
        ],
        title="Pairs at or above each threshold",
        description=(
            "How many pairs are at least as alike as each step's beginning: so many a threshold there would "
            f"leave. A frame stands for a number that is not shown, so that none below {floor} can be "
            "read off. The numbers are in the table."
        ),
        axis="threshold",
        marks=_marks(thresholds, first, last),
    )


def _sums_from_above(counts: Sequence[int | None]) -> list[int | None]:
    sums: list[int | None] = []
    total: int | None = 0
    for count in reversed(counts):
        total = None if total is None or count is None else total + count
        sums.append(total)
    return sums[::-1]


def _marks(thresholds: EncodedThresholds, first: Fraction, last: Fraction) -> list[Mark]:
    return [
        Mark(f"{name} {float(at):.3g}", float((at - first) / (last - first)))
        for name, at in (("review", thresholds.review), ("auto", thresholds.auto))
    ]


def _place(step: Step, thresholds: EncodedThresholds) -> str:
    if step.start >= thresholds.auto:
        return AUTO
    return BOTH if step.end > thresholds.auto else REVIEW


def _decimal(number: Fraction) -> str:
    return f"{float(number):.2f}"
