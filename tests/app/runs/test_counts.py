"""Which counts of a run are shown, held against a reader who tries out everything that may be true."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.documents import RUN

from app.matching.blocks.concordance import FieldConcordance
from app.runs.counts import (
    Found,
    counts_for_agency,
    counts_for_log,
    hide_small,
    matches_for_log,
    shown_counts,
)
from schemas.api.runs import RunCounts
from schemas.linkage.run import RunSpecification

MOST = 24
SMALL = st.integers(0, 12)


def pairs_found(auto: int, review: int, rest: int) -> Found:
    """Return what a run found; `rest` are candidates that nobody decides."""
    birth_date = FieldConcordance("birth-date", apart=review, other=rest, missing=rest)
    return Found(
        auto + review + rest,
        auto,
        review,
        expected_false=3,
        rejected_before=rest,
        expected_missed=100 * rest,
        concordance=(birth_date,),
        rival_pairs=0,
    )


def possible(shown: RunCounts, auto: int, floor: int) -> list[tuple[int, int]]:
    """Return what pairs for review, and rest, may be for a reader who knows how many matches there are."""
    return [
        (review, rest)
        for review, rest in product(range(MOST + 1), repeat=2)
        if shown.review_pairs in (review, None)
        and (shown.review_pairs is not None or review < floor)
        and shown.candidate_pairs in (auto + review + rest, None)
    ]


@given(SMALL, SMALL, SMALL, st.integers(0, 8))
def test_a_hidden_number_of_pairs_for_review_is_not_even_bounded(
    auto: int, review: int, rest: int, floor: int
) -> None:
    shown = shown_counts(pairs_found(auto, review, rest), floor)
    if review < floor:
        assert shown.review_pairs is None
        assert {seen for seen, _ in possible(shown, auto, floor)} >= set(range(floor))


@given(SMALL, SMALL, SMALL, st.integers(0, 8))
def test_the_rest_of_the_candidates_is_not_narrowed_down_below_the_floor(
    auto: int, review: int, rest: int, floor: int
) -> None:
    shown = shown_counts(pairs_found(auto, review, rest), floor)
    if rest < floor:
        assert len({seen for _, seen in possible(shown, auto, floor)}) >= floor


@given(SMALL, SMALL, SMALL, st.integers(0, 8))
def test_no_shown_count_is_small_nor_untrue(auto: int, review: int, rest: int, floor: int) -> None:
    found = pairs_found(auto, review, rest)
    shown = shown_counts(found, floor)
    assert shown.candidate_pairs in (found.candidate_pairs, None)
    assert shown.review_pairs == (review if review >= floor else None)
    assert shown.auto_pairs == (auto if auto >= floor else None)
    assert shown.expected_false == (3 if auto >= floor else None)
    assert shown.rejected_before == (rest if rest >= floor else None)
    assert shown.expected_missed == (100 * rest if rest >= floor else None)
    assert (shown.concordance is None) == (shown.auto_pairs is None)


LARGER, SMALLER = (upload["party"] for upload in RUN["uploads"])


def specified(receiving: set[str], other_mode: str) -> RunSpecification:
    """Return a run of which these parties receive matches, and one that is not of the pair something."""
    recipients = [{"party": one, "mode": "linked", "space": "shared"} for one in receiving]
    recipients.append({"party": "research", "mode": other_mode, "space": "shared"})
    recipients.sort(key=lambda one: one["party"])
    spaces = [{"name": "shared", "lifetime": "lasting"}]
    return RunSpecification.from_json(RUN | {"recipients": recipients, "spaces": spaces})


@given(
    st.sets(st.sampled_from([LARGER, SMALLER])),
    st.sampled_from(["linked", "count", "blind"]),
    SMALL,
    SMALL,
)
def test_agencies_and_the_log_are_told_nothing_beyond_their_own_matches(
    receiving: set[str], other_mode: str, auto: int, review: int
) -> None:
    specification = specified(receiving, other_mode)
    found = pairs_found(auto, review, 0)
    log = counts_for_log(found, specification)
    for party in (LARGER, SMALLER, "research"):
        shown = counts_for_agency(found, specification, party)
        own = auto if party in receiving else None
        assert (shown.candidate_pairs, shown.review_pairs) == (None, None)
        assert shown.rejected_before is None
        assert shown.auto_pairs == own
        assert shown.expected_missed is None
        assert (shown.expected_false is None, shown.concordance is None) == (own is None,) * 2
    # The log tells nobody of the pair more than their own view does.
    is_common = receiving == {LARGER, SMALLER} and auto >= specification.floor
    assert log.auto_pairs == (auto if is_common else None)
    assert (log.candidate_pairs, log.review_pairs, log.rejected_before) == (None,) * 3
    assert log.expected_false == (3 if is_common else None)
    assert (log.concordance is None) == (not is_common)
    assert matches_for_log(auto, specification) == log.auto_pairs


@given(st.lists(st.integers(0, 20), max_size=12), st.integers(0, 8), st.booleans())
def test_what_a_histogram_hides_cannot_be_computed_as_a_small_sum(
    counts: list[int], floor: int, hides_sum: bool
) -> None:
    shown = hide_small(counts, floor, hides_sum=hides_sum)
    hidden = [count for count, seen in zip(counts, shown, strict=True) if seen is None]
    assert all(seen in (count, None) for count, seen in zip(counts, shown, strict=True))
    assert all(count in shown or count < floor or hidden for count in counts)
    if hidden and len(hidden) < len(counts):
        assert sum(hidden) >= floor


@pytest.mark.parametrize("floor", [0, 3])
def test_nothing_is_hidden_where_nothing_is_small(floor: int) -> None:
    assert hide_small([5, 4, 3], floor) == [5, 4, 3]
