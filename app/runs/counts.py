"""Which counts of a run may be shown: to agencies those of their own links, to others none that is small.

Of two totals that differ by one, after an upload that lacks one record, an agency would learn whether that
record is linked. So agencies see, on the wire and in the log that they read, only what their links tell them.
Auditors and operators upload nothing. They see no count below the floor, and none from which such a one
could be computed, which statisticians call complementary suppression. Whoever receives links knows how many
they are, so whether a count is shown never depends on whether those are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from schemas.api import RunCounts

if TYPE_CHECKING:
    from app.matching.exhaustive import Groups
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


def owns_links(specification: RunSpecification, party: str) -> bool:
    """Tell whether a run's links are a party's own: two files, and it receives the links of its records.

    Among three, totals would tell it with how many of the others its record is linked.
    """
    return len(specification.uploads) <= 2 and any(
        recipient.party == party and recipient.mode == "linked"
        for recipient in specification.recipients
    )


def are_links_common(specification: RunSpecification) -> bool:
    """Tell whether every agency that takes part knows from its own links how many a run made."""
    parties = {upload.party for upload in specification.uploads}
    return is_paired(specification) and all(owns_links(specification, one) for one in parties)


def above_floor(count: int | None, floor: int) -> int | None:
    """Return a count, or None where it lies below the smallest one that is shown."""
    return count if count is not None and count >= floor else None


def shown_counts(found: Found, floor: int) -> RunCounts:
    """Return the counts that auditors and operators may see, None in place of the others."""
    return RunCounts(
        candidate_pairs=_shown_candidates(found, floor),
        auto_pairs=_shown_auto(found, floor),
        review_pairs=above_floor(found.review_pairs, floor),
        groups=found.linked.shown(floor),
    )


def counts_for_agency(found: Found, specification: RunSpecification, party: str) -> RunCounts:
    """Return what an agency may see: its own links, never how many pairs are held back or lie near."""
    if not owns_links(specification, party):
        return _linked_only(None, None)
    # Of one record that is linked with several, the pairs would tell how many the other agency has.
    return _linked_only(found.auto_pairs if found.linked.is_paired else None, found.linked.groups)


def counts_for_log(found: Found, specification: RunSpecification) -> RunCounts:
    """Return what the match log may say, which all parties read."""
    if not are_links_common(specification):
        return _linked_only(None, None)
    shown = shown_counts(found, specification.floor)
    return _linked_only(shown.auto_pairs, shown.groups)


def _linked_only(auto_pairs: int | None, groups: int | None) -> RunCounts:
    return RunCounts(candidate_pairs=None, auto_pairs=auto_pairs, review_pairs=None, groups=groups)


def links_for_log(links: int, specification: RunSpecification) -> int | None:
    """Return how many links a release holds, as far as the match log may say it."""
    return above_floor(links, specification.floor) if are_links_common(specification) else None


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
