"""How likely a run's candidate pairs are matches: counts by total weight, hidden where they are small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.matching.blocks.weights import UNIT, least_weight
from app.runs.counts import shown_counts

if TYPE_CHECKING:
    from app.runs.counts import Found
    from app.runs.models import Run
    from schemas.run import MatchingPolicy


@dataclass(frozen=True, slots=True)
class Step:
    """Candidate pairs whose total weight is from `bits` on and below one bit more; None: not shown."""

    bits: int
    pairs: int | None


def histogram_of(
    run: Run, found: Found | None, policy: MatchingPolicy, floor: int
) -> tuple[Step, ...]:
    """Return a run's steps of one bit, without a gap, in increasing order; none before it has succeeded."""
    if run.histogram is None or found is None:
        return ()
    counted = dict(json.loads(run.histogram))
    if not counted:
        return ()
    bits = range(min(counted), max(counted) + 1)
    counts = [counted.get(at, 0) for at in bits]
    auto = max(0, least_weight(policy.auto) // UNIT - bits.start)
    # The sum of all steps is the number of candidate pairs, and that of the steps from the auto bound on
    # nearly that of the linked ones: where the difference is not shown, the sums must not show it.
    is_total_hidden = shown_counts(found, floor).candidate_pairs is None
    not_linked = sum(counts[auto:]) - found.auto_pairs
    shown = [
        *hide_small(counts[:auto], floor, hides_sum=is_total_hidden),
        *hide_small(counts[auto:], floor, hides_sum=is_total_hidden or not_linked < floor),
    ]
    return tuple(Step(at, pairs) for at, pairs in zip(bits, shown, strict=True))


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
