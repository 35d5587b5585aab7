"""How likely a run's candidate pairs are matches: counts by total weight, hidden where they are small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.matching.blocks.weights import UNIT, least_weight
from app.runs.counts import protected

if TYPE_CHECKING:
    from app.runs.counts import Found, NotLinked
    from app.runs.models import Run
    from schemas.linkage.run import MatchingPolicy


@dataclass(frozen=True, slots=True)
class Step:
    """Candidate pairs whose total weight is from `bits` on and below one bit more; None: not shown."""

    bits: int
    pairs: int | None


def histogram_of(
    run: Run, found: Found | None, policy: MatchingPolicy, floor: int, not_linked: NotLinked
) -> tuple[Step, ...]:
    """Return a run's steps of one bit, without a gap, in increasing order; none before it has succeeded.

    Args:
        not_linked: what is shown beside them, so that the steps do not add up to what is hidden there.
    """
    if run.histogram is None or found is None:
        return ()
    counted = dict(json.loads(run.histogram))
    if not counted:
        return ()
    bits = range(min(counted), max(counted) + 1)
    counts = [counted.get(at, 0) for at in bits]
    review, auto = least_weight(policy.review), least_weight(policy.auto)
    # Each part of a step that the bound of review cuts could be computed from the step.
    is_cut = review % UNIT != 0 or review >= auto
    low = min(max(0, review // UNIT - bits.start), len(counts))
    cut = counts[low : low + is_cut]
    high = max(low + len(cut), auto // UNIT - bits.start)
    # The steps below that bound add up to the pairs below it, and those from the bound of links on nearly to
    # the linked ones: where such a sum, or what it is more than that, is hidden, neither side may show it.
    hides_sum = not_linked.below_review is None or is_cut
    parts = [counts[low + len(cut) :]]
    if sum(counts[high:]) - found.auto_pairs < floor:
        parts, hides_sum = [counts[low + len(cut) : high], counts[high:]], True
    shown = hide_small(counts[:low], floor, hides_sum=hides_sum) + [None for _ in cut]
    for part in parts:
        shown += hide_small(part, floor, hides_sum=hides_sum)
    return tuple(Step(at, pairs) for at, pairs in zip(bits, shown, strict=True))


def hide_small(counts: Sequence[int], floor: int, *, hides_sum: bool = False) -> list[int | None]:
    """Return the counts, None for those below the floor and for as many more as protect them.

    With `hides_sum`, as many are hidden even where none is small.
    """
    hidden = protected(dict(enumerate(counts)), floor, hides_sum=hides_sum)
    return [None if at in hidden else count for at, count in enumerate(counts)]
