"""From the candidate pairs of all blocks to groups, decisions and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive.bands import Band, Rule
from app.matching.exhaustive.blocks import Block
from app.matching.exhaustive.candidates import (
    HISTOGRAM_STEPS,
    Candidates,
    dice,
    similarity_histogram,
)
from app.matching.exhaustive.components import label_components
from app.matching.exhaustive.groups import (
    Groups,
    first_record_ids,
    groups_from_labels,
    split_record_ids,
)
from app.matching.exhaustive.judged_pairs import JudgedPairs, collect_pairs, judge_all
from app.matching.exhaustive.policy import MatchingPolicy
from app.matching.exhaustive.solver import GroupSolver


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Decisions:
    """Every pair across files that was decided, by left dataset and record, then right.

    Attributes:
        left_dataset: uint16.
        left_record: uint32.
        right_dataset: uint16, above `left_dataset`.
        right_record: uint32.
        common: uint16, bits set in both encodings.
        total: uint16, bits set in one plus bits set in the other.
        band: uint8, a `Band`.
        rule: uint8, a `Rule`.
        runner_up_common: uint16, of the best other candidate of either record (see `Standing`).
        runner_up_total: uint16, 0 where no other candidate is at or above the review threshold.
    """

    left_dataset: NDArray[np.uint16]
    left_record: NDArray[np.uint32]
    right_dataset: NDArray[np.uint16]
    right_record: NDArray[np.uint32]
    common: NDArray[np.uint16]
    total: NDArray[np.uint16]
    band: NDArray[np.uint8]
    rule: NDArray[np.uint8]
    runner_up_common: NDArray[np.uint16]
    runner_up_total: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.band)

    def similarity(self) -> NDArray[np.float64]:
        """Return the similarity of each pair; exact values must not leave the run."""
        return dice(self.common, self.total)

    def margin(self) -> NDArray[np.float64]:
        """Return how far each pair is ahead of its runner-up; NaN where there is none."""
        lead = self.similarity() - dice(self.runner_up_common, self.runner_up_total)
        margin: NDArray[np.float64] = np.where(self.runner_up_total > 0, lead, np.nan)
        return margin


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Resolution:
    """What a run concludes from its candidate pairs.

    Attributes:
        groups: what may be released: solved from the auto pairs alone.
        groups_with_review: what it would be if every pair for review were accepted.
        duplicates: records of one file that are the same person, by within-file pairs.
        decisions: every pair across files that is auto or for review.
        n_candidate_pairs: pairs across files at or above the review threshold.
        n_auto_pairs: decisions in band auto.
        n_review_pairs: decisions in band review.
        n_duplicate_pairs: pairs within files at or above the auto threshold.
        histogram: int64, candidate pairs across files by similarity in steps of 0.05; the last
            step includes similarity 1.
    """

    groups: Groups
    groups_with_review: Groups
    duplicates: Groups
    decisions: Decisions
    n_candidate_pairs: int
    n_auto_pairs: int
    n_review_pairs: int
    n_duplicate_pairs: int
    histogram: NDArray[np.int64]


def resolve(
    n_records: Sequence[int], blocks: Iterable[tuple[Block, Candidates]], policy: MatchingPolicy
) -> Resolution:
    """Solve all candidate pairs of a run.

    A pair across files is auto if it is at or above the auto threshold, is the best candidate of
    both its records between its two files, and is ahead of each record's runner-up by the margin;
    the runner-up is the best candidate outside the duplicate group of the pair's other record.
    The auto pairs are solved first, and alone give `groups`; the other candidates follow, and what
    the solver picks among them is for review. So accepting a review never undoes a release.

    Args:
        n_records: number of records of each dataset.
        blocks: each block of the plan with its pairs, each block once, in any order.
        policy: the policy that the blocks were matched with.

    Raises:
        DatasetError: a pair names a record that is not there.
    """
    across, within = collect_pairs(n_records, blocks)
    duplicates = [
        label_components(n, within[file].left, within[file].right)
        for file, n in enumerate(n_records)
    ]
    histogram = sum(
        (similarity_histogram(part) for parts in across.values() for part in parts),
        start=np.zeros(HISTOGRAM_STEPS, dtype=np.int64),
    )
    n_candidates = int(histogram.sum())
    judged = judge_all(across, duplicates, policy)
    solver = GroupSolver(
        n_records, judged.left, judged.right, needs_every_pair=policy.solver == "groups"
    )
    n_auto = int(np.count_nonzero(judged.rule == Rule.MUTUAL_BEST_WITH_MARGIN))
    solver.advance(n_auto)
    groups, is_released = solver.groups(), solver.is_together()
    solver.advance(len(judged))
    is_picked = solver.is_together()
    is_released[n_auto:] = False
    is_picked[:n_auto] = True
    decisions = _decide(judged, is_picked, is_released, n_records)
    n_auto_pairs = int(np.count_nonzero(decisions.band == Band.AUTO))
    return Resolution(
        groups=groups,
        groups_with_review=solver.groups(),
        duplicates=_duplicate_groups(duplicates, n_records),
        decisions=decisions,
        n_candidate_pairs=n_candidates,
        n_auto_pairs=n_auto_pairs,
        n_review_pairs=len(decisions) - n_auto_pairs,
        n_duplicate_pairs=sum(map(len, within.values())),
        histogram=histogram,
    )


def _decide(
    judged: JudgedPairs,
    is_picked: NDArray[np.bool_],
    is_released: NDArray[np.bool_],
    n_records: Sequence[int],
) -> Decisions:
    """Return the picked pairs with band and rule, in the order of `Decisions`.

    An auto pair that the solver could not put in a group contradicts a better one (only with
    three files or more): it is for review.
    """
    picked = np.flatnonzero(is_picked)
    picked = picked[np.lexsort((judged.right[picked], judged.left[picked]))]
    band = np.where(is_released[picked], Band.AUTO, Band.REVIEW).astype(np.uint8)
    rule = judged.rule[picked].copy()
    rule[(rule == Rule.MUTUAL_BEST_WITH_MARGIN) & (band == Band.REVIEW)] = Rule.GROUP_CONFLICT
    left_dataset, left_record = split_record_ids(judged.left[picked], n_records)
    right_dataset, right_record = split_record_ids(judged.right[picked], n_records)
    return Decisions(
        left_dataset=left_dataset,
        left_record=left_record,
        right_dataset=right_dataset,
        right_record=right_record,
        common=judged.common[picked],
        total=judged.total[picked],
        band=band,
        rule=rule,
        runner_up_common=judged.runner_up_common[picked],
        runner_up_total=judged.runner_up_total[picked],
    )


def _duplicate_groups(duplicates: Sequence[NDArray[np.uint32]], n_records: Sequence[int]) -> Groups:
    first_ids = first_record_ids(n_records)
    labels = [
        label + first.astype(np.uint32)
        for label, first in zip(duplicates, first_ids[:-1], strict=True)
    ]
    return groups_from_labels(np.concatenate(labels), n_records)
