"""Which counts of a run may be shown: none below the floor, and none from which such a one could be computed.

Statisticians call it complementary suppression. Whoever receives links knows how many they are, so whether
a count is shown never depends on whether those are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from schemas.api import RunCounts

if TYPE_CHECKING:
    from app.matching import Groups
    from schemas.run import RunSpecification


@dataclass(frozen=True, slots=True)
class FoundGroups:
    """How many groups a run found, as it is.

    `matched` holds, for each party that receives links, how many of its records are in a group.
    `is_paired` says that the run links two files one to one: then groups, linked pairs and matched records
    are one number by the rule alone, and that they are equal tells nothing.
    """

    groups: int = field(repr=False)
    matched: tuple[int, ...] = field(repr=False)
    is_paired: bool

    def shown(self, floor: int) -> int | None:
        """Return the number of groups, None where it may not be shown.

        Its difference from a party's matched records counts people too: those who are twice in its file,
        or whom, of three files, only the two others have.
        """
        return above_floor(self.groups, floor) if self.is_apart(self.groups, floor) else None

    def is_apart(self, count: int, floor: int) -> bool:
        """Tell whether a count differs from every party's matched records by nothing small."""
        return self.is_paired or _are_apart(count, self.matched, floor)


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found, as it is."""

    candidate_pairs: int = field(repr=False)
    auto_pairs: int = field(repr=False)
    review_pairs: int = field(repr=False)
    linked: FoundGroups


def found_groups(groups: Groups, specification: RunSpecification) -> FoundGroups:
    """Count the groups of a run, whose files are numbered as its specification lists them."""
    receiving = {found.party for found in specification.recipients if found.mode == "linked"}
    matched = tuple(
        count_own(groups, number)
        for number, upload in enumerate(specification.uploads)
        if upload.party in receiving
    )
    return FoundGroups(len(groups), matched, is_paired(specification))


def count_own(groups: Groups, dataset: int) -> int:
    """Return how many records of one file are in a group."""
    return int(np.count_nonzero(groups.dataset == dataset))


def is_paired(specification: RunSpecification) -> bool:
    """Tell whether a run links two files one to one."""
    return len(specification.uploads) == 2 and specification.policy.solver == "one-to-one"


def is_blind(specification: RunSpecification) -> bool:
    """Tell whether what a run found is hidden from agencies.

    Not only counts below the floor: of two totals that differ by one, after an upload that lacks one record,
    the agency would learn whether that record is linked.
    """
    return any(recipient.mode == "blind" for recipient in specification.recipients)


def above_floor(count: int | None, floor: int) -> int | None:
    """Return a count, or None where it lies below the smallest one that is shown."""
    return count if count is not None and count >= floor else None


def shown_counts(found: Found, floor: int, *, owns_links: bool = False) -> RunCounts:
    """Return the counts that may be shown, None in place of the others.

    With `owns_links`, for a party whose own the linked pairs are: those and the groups as they are.
    """
    return RunCounts(
        candidate_pairs=_shown_candidates(found, floor),
        auto_pairs=found.auto_pairs if owns_links else _shown_auto(found, floor),
        review_pairs=above_floor(found.review_pairs, floor),
        groups=found.linked.groups if owns_links else found.linked.shown(floor),
    )


def no_counts() -> RunCounts:
    """Return the counts of a run whose counts are all hidden."""
    return RunCounts(candidate_pairs=None, auto_pairs=None, review_pairs=None, groups=None)


def _shown_candidates(found: Found, floor: int) -> int | None:
    not_linked = found.candidate_pairs - found.auto_pairs
    rests = [not_linked, found.candidate_pairs - found.review_pairs]
    if found.review_pairs >= floor:
        rests.append(not_linked - found.review_pairs)
    return found.candidate_pairs if min(rests) >= floor else None


def _shown_auto(found: Found, floor: int) -> int | None:
    linked = found.linked
    is_apart = linked.is_paired or _are_apart(found.auto_pairs, (linked.groups,), floor)
    is_shown = is_apart and linked.is_apart(found.auto_pairs, floor)
    return above_floor(found.auto_pairs, floor) if is_shown else None


def _are_apart(count: int, others: Sequence[int], floor: int) -> bool:
    return all(abs(count - other) >= floor for other in others)
