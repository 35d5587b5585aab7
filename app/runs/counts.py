"""Which counts of a run may be shown: to agencies those of their own matches, to others none that is small.

Of two totals that differ by one, after an upload that lacks one record, an agency would learn whether that
record is matched. So agencies see, on the wire and in the log that they read, only what their matches tell
them. Auditors and operators upload nothing. They see no count below the floor, and none from which such a one
could be computed, which statisticians call complementary suppression. Anyone who receives matches knows how
many they are, so whether a count is shown never depends on whether those are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from app.matching.blocks.concordance import FieldConcordance
from app.matching.blocks.weights import UNIT, least_weight
from app.runs.models import Run
from schemas.api.runs import RunCounts
from schemas.linkage.link_quality import Concordance, shown_concordance
from schemas.linkage.run import MatchingPolicy, RunSpecification

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found, as it is; pairs are one to one, so that matched records on both sides are `auto_pairs`.

    In hundredths, `expected_false` is how many of the linked pairs are expected to be wrong, `expected_missed`
    how many matches are expected among the others that met. `rejected_before` are pairs that a reviewer
    rejected in an earlier round, none of the others. `concordance` is how the linked pairs agree. `rival_pairs`
    are likely enough, but a better pair of one of their records comes first; None of a run of an
    earlier version, which did not count them.
    """

    candidate_pairs: int = field(repr=False)
    auto_pairs: int = field(repr=False)
    review_pairs: int = field(repr=False)
    expected_false: int = field(repr=False)
    rejected_before: int = field(repr=False)
    expected_missed: int = field(repr=False)
    concordance: tuple[FieldConcordance, ...] = field(repr=False)
    rival_pairs: int | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotLinked:
    """How many candidate pairs are not linked, and why; None: not shown.

    `pairs` is the sum of the pairs that are sent to review (`RunCounts.review_pairs`), those below the bound of
    review, and those with a better rival.
    """

    pairs: int | None
    below_review: int | None
    better_rival: int | None


NOTHING_SHOWN: Final = NotLinked(None, None, None)


def owns_matches(specification: RunSpecification, party: str) -> bool:
    """Tell whether a run's matches are a party's own: it is of the pair, and receives those of its records."""
    is_of_pair = party in {upload.party for upload in specification.uploads}
    return is_of_pair and any(
        recipient.party == party and recipient.mode == "linked"
        for recipient in specification.recipients
    )


def are_matches_common(specification: RunSpecification) -> bool:
    """Tell whether both agencies of the pair know from their own matches how many a run made."""
    return all(owns_matches(specification, upload.party) for upload in specification.uploads)


def above_floor(count: int | None, floor: int) -> int | None:
    """Return a count, or None where it lies below the smallest one that is shown."""
    return count if count is not None and count >= floor else None


def shown_counts(found: Found, floor: int) -> RunCounts:
    """Return the counts that auditors and operators may see, None in place of the others."""
    auto = above_floor(found.auto_pairs, floor)
    return RunCounts(
        candidate_pairs=_shown_candidates(found, floor),
        auto_pairs=auto,
        review_pairs=above_floor(found.review_pairs, floor),
        expected_false=None if auto is None else found.expected_false,
        rejected_before=above_floor(found.rejected_before, floor),
        expected_missed=above_floor(found.expected_missed, 100 * floor),
        concordance=None if auto is None else _concordance(found, floor),
    )


def shown_not_linked(found: Found, floor: int) -> NotLinked:
    """Return why pairs are not linked, as far as auditors and operators may see it beside `shown_counts`.

    Anyone who adds and subtracts what is shown comes to no sum below the floor: where a part is hidden, the
    smallest of the others are hidden too, until the hidden parts together are not small.
    """
    rivals, held = found.rival_pairs, found.review_pairs
    is_total_hidden = shown_counts(found, floor).candidate_pairs is None
    if is_total_hidden or found.auto_pairs < floor or rivals is None:
        return NOTHING_SHOWN
    not_linked = found.candidate_pairs - found.auto_pairs
    parts = {"below_review": not_linked - held - rivals, "better_rival": rivals}
    hidden = protected(parts, floor, held if held < floor else None)
    seen = {name: None if name in hidden else count for name, count in parts.items()}
    return NotLinked(
        pairs=not_linked, below_review=seen["below_review"], better_rival=seen["better_rival"]
    )


def protected(
    counts: Mapping[K, int],
    floor: int,
    hidden_elsewhere: int | None = None,
    *,
    hides_sum: bool = False,
) -> set[K]:
    """Return which counts are hidden: those below the floor, and as many more as protect them.

    The total is shown, so what is hidden can be computed as a sum: the smallest of the other counts are hidden
    too until that sum is not below the floor either.
    """
    hidden = {key for key, count in counts.items() if count < floor}
    others = sorted((count, at, key) for at, (key, count) in enumerate(counts.items()))
    others = [one for one in others if one[2] not in hidden]
    is_needed = bool(hidden) or hidden_elsewhere is not None or hides_sum
    n_hidden = (hidden_elsewhere or 0) + sum(counts[key] for key in hidden)
    while is_needed and others and n_hidden < floor:
        n_more, _, key = others.pop(0)
        hidden.add(key)
        n_hidden += n_more
    return hidden


def counts_for_agency(found: Found, specification: RunSpecification, party: str) -> RunCounts:
    """Return what an agency may see: its own matches, never how many pairs are sent to review, near or
    rejected.
    """
    is_own = owns_matches(specification, party)
    return RunCounts(
        candidate_pairs=None,
        auto_pairs=found.auto_pairs if is_own else None,
        review_pairs=None,
        expected_false=found.expected_false if is_own else None,
        rejected_before=None,
        expected_missed=None,
        concordance=_concordance(found, specification.floor) if is_own else None,
    )


def counts_for_log(found: Found, specification: RunSpecification) -> RunCounts:
    """Return what the match log may say, which all parties read."""
    matches = matches_for_log(found.auto_pairs, specification)
    is_told = matches is not None
    return RunCounts(
        candidate_pairs=None,
        auto_pairs=matches,
        review_pairs=None,
        expected_false=found.expected_false if is_told else None,
        concordance=_concordance(found, specification.floor) if is_told else None,
    )


def matches_for_log(matches: int, specification: RunSpecification) -> int | None:
    """Return how many matches a release holds, as far as the match log may say it."""
    return above_floor(matches, specification.floor) if are_matches_common(specification) else None


def _concordance(found: Found, floor: int) -> tuple[Concordance, ...]:
    return shown_concordance(found.auto_pairs, found.concordance, floor)


def _shown_candidates(found: Found, floor: int) -> int | None:
    not_linked = found.candidate_pairs - found.auto_pairs
    rests = [not_linked, found.candidate_pairs - found.review_pairs]
    if found.review_pairs >= floor:
        rests.append(not_linked - found.review_pairs)
    return found.candidate_pairs if min(rests) >= floor else None


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
