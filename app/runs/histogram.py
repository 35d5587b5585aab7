"""How alike a run's candidate pairs are: counts in steps of similarity, hidden where they are small."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from app.runs.counts import shown_counts

if TYPE_CHECKING:
    from app.runs.counts import Found
    from app.runs.models import Run
    from schemas.run import EncodedThresholds


@dataclass(frozen=True, slots=True)
class Step:
    """Candidate pairs whose similarity lies from `start` up to, but not including, `end`.

    The last step includes similarity 1. `pairs` is None where the count is not shown. Similarities are
    those of the encodings, as the broker compares them.
    """

    start: Fraction
    end: Fraction
    pairs: int | None


def histogram_of(
    run: Run, found: Found | None, thresholds: EncodedThresholds, floor: int
) -> tuple[Step, ...]:
    """Return a run's steps from the review threshold up; none before it has succeeded.

    Below the review threshold there are no candidate pairs, so a step that ends there says nothing.
    """
    if run.histogram is None or found is None:
        return ()
    counts = json.loads(run.histogram)
    first = int(thresholds.review * len(counts))
    auto = math.ceil(thresholds.auto * len(counts))
    # The sum of all steps is the number of candidate pairs, and that of the steps above the auto threshold
    # nearly that of the linked ones: where the difference is not shown, the sums must not show it.
    is_total_hidden = shown_counts(found, floor).candidate_pairs is None
    not_linked = sum(counts[auto:]) - found.auto_pairs
    shown = [
        *hide_small(counts[first:auto], floor, hides_sum=is_total_hidden),
        *hide_small(counts[auto:], floor, hides_sum=is_total_hidden or not_linked < floor),
    ]
    return tuple(
        Step(Fraction(at, len(counts)), Fraction(at + 1, len(counts)), pairs)
        for at, pairs in enumerate(shown, start=first)
    )


def hide_small(counts: Sequence[int], floor: int, *, hides_sum: bool = False) -> list[int | None]:
    """Return the counts, None for those below the floor and for as many more as protect them.

    The total is shown elsewhere, so what is hidden can be computed as a sum: the smallest of the other
    counts are hidden too until that sum is not below the floor either. With `hides_sum`, as many are hidden
    even where none is small.
    """
    hidden = {at for at, count in enumerate(counts) if count < floor}
    others = sorted((count, at) for at, count in enumerate(counts) if count >= floor)
    is_needed = bool(hidden) or hides_sum
    while is_needed and sum(counts[at] for at in hidden) < floor and others:
        hidden.add(others.pop(0)[1])
    return [None if at in hidden else count for at, count in enumerate(counts)]
