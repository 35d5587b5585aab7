"""Which counts of a run are shown, held against a reader who tries out everything that may be true."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.example_documents import RUN

from app.matching.exhaustive.groups import groups_from_labels
from app.runs.counts import (
    Found,
    FoundGroups,
    counts_for_agency,
    counts_for_log,
    found_groups,
    is_paired,
    links_for_log,
    shown_counts,
)
from schemas.api import RunCounts
from schemas.run import RunSpecification

MOST = 24
SMALL = st.integers(0, 12)


def pairs_found(auto: int, review: int, rest: int) -> Found:
    """Return what a run of two files one to one found; `rest` are candidates that nobody decides."""
    linked = FoundGroups(auto, (auto, auto), is_paired=True)
    return Found(auto + review + rest, auto, review, linked)


def possible(shown: RunCounts, auto: int, floor: int) -> list[tuple[int, int]]:
    """Return what pairs for review, and rest, may be for a reader who knows how many links there are."""
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
    assert shown.auto_pairs == shown.groups == (auto if auto >= floor else None)


A, B, C = "child-welfare", "k12", "health-department"


def specified(
    uploading: tuple[str, ...], receiving: set[str], other_mode: str, solver: str
) -> RunSpecification:
    """Return a run of these parties' files; of those who do not receive links, one has another mode."""
    uploads = [
        {"party": party, **RUN["uploads"][0], "upload": f"upl-{number:032x}"} | {"party": party}
        for number, party in enumerate(sorted(uploading))
    ]
    recipients = [{"party": one, "mode": "linked", "space": "shared"} for one in sorted(receiving)]
    recipients.append({"party": "research", "mode": other_mode, "space": "shared"})
    policy = {**RUN["policy"], "solver": solver}
    return RunSpecification.from_json(
        {**RUN, "uploads": uploads, "recipients": recipients, "policy": policy}
    )


@given(
    st.sampled_from([(A, B), (A, B, C)]),
    st.sets(st.sampled_from([A, B, C])),
    st.sampled_from(["linked", "count", "blind"]),
    st.sampled_from(["one-to-one", "groups"]),
    SMALL,
    SMALL,
)
def test_agencies_and_the_log_are_told_nothing_beyond_their_own_links(
    uploading: tuple[str, ...],
    receiving: set[str],
    other_mode: str,
    solver: str,
    auto: int,
    review: int,
) -> None:
    specification = specified(uploading, receiving, other_mode, solver)
    found = Found(auto + review, auto, review, FoundGroups(auto, (), solver == "one-to-one"))
    log = counts_for_log(found, specification)
    for party in uploading:
        shown = counts_for_agency(found, specification, party)
        own = auto if party in receiving and len(uploading) == 2 else None
        assert (shown.candidate_pairs, shown.review_pairs, shown.groups) == (None, None, own)
        assert shown.auto_pairs == (own if solver == "one-to-one" else None)
        # The log tells nobody who takes part more than their own view does.
        for name, told in log:
            assert told in (None, getattr(shown, name))
    assert (links_for_log(auto, specification) is None) == (
        len(uploading) == 3 or solver != "one-to-one" or not receiving.issuperset(uploading)
    ) or auto < specification.floor


@given(SMALL, SMALL, SMALL)
def test_without_a_floor_everything_is_shown(auto: int, review: int, rest: int) -> None:
    found = pairs_found(auto, review, rest)
    assert shown_counts(found, 0) == RunCounts(
        candidate_pairs=found.candidate_pairs, auto_pairs=auto, review_pairs=review, groups=auto
    )


@pytest.mark.parametrize(
    ("auto", "review", "rest", "shown"),
    [
        (100, 50, 20, 170),
        (100, 5, 20, 125),
        (100, 5, 4, None),
        (100, 50, 9, None),
        (5, 50, 4, None),
        (5, 50, 20, 75),
        (0, 0, 0, None),
    ],
)
def test_candidates_are_shown_where_nothing_small_follows(
    auto: int, review: int, rest: int, shown: int | None
) -> None:
    assert shown_counts(pairs_found(auto, review, rest), 10).candidate_pairs == shown


@pytest.mark.parametrize(
    ("groups", "matched", "shown"),
    [
        (100, (80, 90), 100),
        (100, (80, 91), None),
        (100, (100, 100), None),
        (100, (), 100),
        (9, (), None),
    ],
)
def test_groups_are_shown_where_they_differ_from_the_links_by_nothing_small(
    groups: int, matched: tuple[int, ...], shown: int | None
) -> None:
    """Of three files, the difference is how many people the two others have in common."""
    assert FoundGroups(groups, matched, is_paired=False).shown(10) == shown


def test_linked_pairs_that_nearly_tell_the_groups_are_hidden() -> None:
    def auto_of(auto: int) -> int | None:
        linked = FoundGroups(100, (80,), is_paired=False)
        return shown_counts(Found(500, auto, 0, linked), 10).auto_pairs

    assert (auto_of(105), auto_of(85), auto_of(120)) == (None, None, 120)


def test_neither_count_shows_in_a_repr() -> None:
    assert "17" not in repr(Found(17, 17, 17, FoundGroups(17, (17,), is_paired=False)))


def specification(mode: str, solver: str = "one-to-one") -> RunSpecification:
    recipients = [{"party": "k12", "mode": mode, "space": "shared"}]
    policy = {**RUN["policy"], "solver": solver}
    return RunSpecification.from_json({**RUN, "recipients": recipients, "policy": policy})


def test_matched_records_are_counted_for_those_who_receive_links() -> None:
    labels = np.array([0, 0, 1, 0, 0, 1], dtype=np.uint32)
    groups = groups_from_labels(labels, [3, 3])
    assert found_groups(groups, specification("linked")).matched == (3,)
    assert found_groups(groups, specification("count")).matched == ()


def test_two_files_one_to_one_are_paired() -> None:
    assert is_paired(specification("linked"))
    assert not is_paired(specification("linked", "groups"))
