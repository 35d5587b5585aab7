from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.linking import Link, duplicate_groups, link_records

from app.matching.exhaustive import (
    Band,
    Block,
    Candidates,
    DatasetError,
    MatchingPolicy,
    Resolution,
    Rule,
    ThresholdError,
    resolve,
)
from app.matching.exhaustive.candidates import sort_candidates

N_RECORDS = (4, 4, 3)
RECORDS = [(file, record) for file, n in enumerate(N_RECORDS) for record in range(n)]
ACROSS = [pair for pair in itertools.combinations(RECORDS, 2) if pair[0][0] != pair[1][0]]
WITHIN = [pair for pair in itertools.combinations(RECORDS, 2) if pair[0][0] == pair[1][0]]
COUNTS = [(40, 100), (42, 100), (43, 100), (44, 100), (45, 100), (36, 80), (50, 100), (22, 50)]
LINKS = st.lists(
    st.tuples(st.sampled_from(ACROSS), st.sampled_from(COUNTS)), unique_by=lambda row: row[0]
).map(lambda rows: [Link(*pair, *counts) for pair, counts in rows])
DUPLICATES = st.lists(st.sampled_from(WITHIN), unique=True, max_size=4)
POLICIES = st.builds(
    MatchingPolicy,
    auto=st.sampled_from([Fraction(17, 20), Fraction(9, 10), Fraction(4, 5)]),
    review=st.just(Fraction(4, 5)),
    margin=st.sampled_from([Fraction(0), Fraction(1, 50), Fraction(2, 50), Fraction(1, 7)]),
    solver=st.sampled_from(["one-to-one", "groups"]),
)


def block_of(files: tuple[int, int], number: int = 0) -> Block:
    left, right = files
    return Block(number, left, right, 0, N_RECORDS[left], 0, N_RECORDS[right], 1)


def candidates(rows) -> Candidates:
    columns = list(zip(*rows, strict=True)) or [()] * 4
    dtypes = (np.uint32, np.uint32, np.uint16, np.uint16)
    return sort_candidates(
        Candidates(*(np.array(c, dtype=d) for c, d in zip(columns, dtypes, strict=True)))
    )


def blocks_of(links, duplicates=(), *, n_parts: int = 1) -> list[tuple[Block, Candidates]]:
    blocks = []
    for files in itertools.combinations(range(len(N_RECORDS)), 2):
        rows = [
            (link.left[1], link.right[1], link.common, link.total)
            for link in links
            if link.files == files
        ]
        blocks += [(block_of(files), candidates(rows[i::n_parts])) for i in range(n_parts)]
    for file in range(len(N_RECORDS)):
        rows = [(x, y, 50, 100) for (f, x), (_, y) in duplicates if f == file]
        blocks.append((block_of((file, file)), candidates(rows)))
    return blocks


def decisions_of(resolution: Resolution) -> list[tuple]:
    d = resolution.decisions
    runner_up = zip(d.runner_up_common.tolist(), d.runner_up_total.tolist(), strict=True)
    return list(
        zip(
            zip(d.left_dataset.tolist(), d.left_record.tolist(), strict=True),
            zip(d.right_dataset.tolist(), d.right_record.tolist(), strict=True),
            [Band(band).name.lower() for band in d.band.tolist()],
            [Rule(rule).label for rule in d.rule.tolist()],
            [Fraction(2 * c, t) if t else None for c, t in runner_up],
            strict=True,
        )
    )


@given(links=LINKS, duplicates=DUPLICATES, policy=POLICIES, n_parts=st.integers(1, 3))
def test_resolution_is_that_of_the_slow_twin(links, duplicates, policy, n_parts):
    resolution = resolve(N_RECORDS, blocks_of(links, duplicates, n_parts=n_parts), policy)
    twin = link_records(links, duplicates, policy.auto, policy.margin, policy.solver)
    assert list(resolution.groups) == twin.groups
    assert list(resolution.groups_with_review) == twin.groups_with_review
    assert decisions_of(resolution) == twin.decisions
    assert list(resolution.duplicates) == duplicate_groups(duplicates)


@given(links=LINKS, duplicates=DUPLICATES, policy=POLICIES, seed=st.randoms())
def test_the_order_of_blocks_changes_nothing(links, duplicates, policy, seed):
    blocks = blocks_of(links, duplicates, n_parts=2)
    first = resolve(N_RECORDS, blocks, policy)
    seed.shuffle(blocks)
    second = resolve(N_RECORDS, blocks, policy)
    assert decisions_of(first) == decisions_of(second)
    assert list(first.groups) == list(second.groups)


@given(links=LINKS, policy=POLICIES)
def test_an_accepted_review_never_undoes_a_release(links, policy):
    resolution = resolve(N_RECORDS, blocks_of(links), policy)
    reviewed = [set(group) for group in resolution.groups_with_review]
    assert all(any(set(group) <= other for other in reviewed) for group in resolution.groups)


@given(links=LINKS, duplicates=DUPLICATES, policy=POLICIES)
def test_counts_add_up(links, duplicates, policy):
    resolution = resolve(N_RECORDS, blocks_of(links, duplicates), policy)
    assert resolution.n_candidate_pairs == len(links) == resolution.histogram.sum()
    assert resolution.n_duplicate_pairs == len(duplicates)
    assert resolution.n_auto_pairs + resolution.n_review_pairs == len(resolution.decisions)
    assert resolution.n_auto_pairs == np.count_nonzero(resolution.decisions.band == Band.AUTO)


def policy(margin: Fraction = Fraction(1, 20), solver: str = "groups") -> MatchingPolicy:
    return MatchingPolicy(Fraction(17, 20), Fraction(4, 5), margin, solver)


def rules(links, duplicates=(), **kwargs) -> dict:
    resolution = resolve(N_RECORDS, blocks_of(links, duplicates), policy(**kwargs))
    return {(left, right): rule for left, right, _, rule, _ in decisions_of(resolution)}


A0, A1, B0, B1, C0 = (0, 0), (0, 1), (1, 0), (1, 1), (2, 0)


def test_a_close_runner_up_holds_a_pair_back():
    links = [Link(A0, B0, 45, 100), Link(A0, B1, 44, 100)]
    assert rules(links) == {(A0, B0): "margin-too-small"}


def test_a_duplicate_of_the_best_is_no_runner_up():
    links = [Link(A0, B0, 45, 100), Link(A0, B1, 44, 100)]
    assert rules(links, [(B0, B1)]) == {(A0, B0): "mutual-best-with-margin"}


def test_a_lead_of_exactly_the_margin_is_enough():
    links = [Link(A0, B0, 90, 200), Link(A0, B1, 85, 200)]
    assert rules(links)[A0, B0] == "mutual-best-with-margin"
    assert rules(links, margin=Fraction(50001, 1000000))[A0, B0] == "margin-too-small"


def test_a_pair_that_is_not_mutual_best_waits_for_review():
    links = [Link(A0, B0, 50, 100), Link(A1, B0, 45, 100), Link(A1, B1, 44, 100)]
    assert rules(links)[A1, B1] == "not-mutual-best"


def test_a_pair_below_auto_is_for_review():
    assert rules([Link(A0, B0, 40, 100)]) == {(A0, B0): "review-band"}


@pytest.mark.parametrize("solver", ["groups", "one-to-one"])
def test_bests_are_counted_for_each_two_files(solver):
    links = [Link(A0, B0, 45, 100), Link(A0, C0, 50, 100), Link(B0, C0, 45, 100)]
    resolution = resolve(N_RECORDS, blocks_of(links), policy(solver=solver))
    assert list(resolution.groups) == [(A0, B0, C0)]


def test_an_auto_pair_that_contradicts_a_better_one_is_for_review():
    links = [Link(A0, B0, 50, 100), Link(B0, C0, 45, 100)]
    assert rules(links) == {
        (A0, B0): "mutual-best-with-margin",
        (B0, C0): "group-conflict",
    }
    assert rules(links, solver="one-to-one")[B0, C0] == "mutual-best-with-margin"


def test_the_margin_is_not_a_number_without_a_runner_up():
    resolution = resolve(N_RECORDS, blocks_of([Link(A0, B0, 45, 100)]), policy())
    assert np.isnan(resolution.decisions.margin()).all()


def test_no_pairs_are_no_groups():
    resolution = resolve(N_RECORDS, blocks_of([]), policy())
    assert len(resolution.groups) == len(resolution.decisions) == 0


def test_a_pair_of_unknown_records_is_refused():
    stray = candidates([(0, N_RECORDS[1], 45, 100)])
    with pytest.raises(DatasetError):
        resolve(N_RECORDS, [(block_of((0, 1)), stray)], policy())


def test_a_block_of_unknown_datasets_is_refused():
    stray = Block(0, 0, 3, 0, 1, 0, 1, 1)
    with pytest.raises(DatasetError):
        resolve(N_RECORDS, [(stray, candidates([]))], policy())


@pytest.mark.parametrize(
    ("auto", "review", "margin", "solver"),
    [
        (Fraction(4, 5), Fraction(9, 10), Fraction(0), "groups"),
        (Fraction(0), Fraction(0), Fraction(0), "groups"),
        (Fraction(9, 10), Fraction(4, 5), Fraction(-1, 10), "groups"),
        (Fraction(9, 10), Fraction(4, 5), Fraction(0), "hungarian"),
        (0.9, Fraction(4, 5), Fraction(0), "groups"),
        (Fraction(9, 10), Fraction(4, 5), float("nan"), "groups"),
    ],
)
def test_a_policy_out_of_range_is_refused(auto, review, margin, solver):
    with pytest.raises(ThresholdError):
        MatchingPolicy(auto, review, margin, solver)
