from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.linking import (
    Link,
    Merger,
    greedy_groups,
    no_file_twice,
    one_to_one,
    solving_key,
)

import app.matching.solver as solver_module
from app.matching.groups import first_record_ids
from app.matching.solver import GroupSolver, pick_one_to_one

N_RECORDS = (4, 3, 4, 2)
RECORDS = [(file, record) for file, n in enumerate(N_RECORDS) for record in range(n)]
ACROSS = [pair for pair in itertools.combinations(RECORDS, 2) if pair[0][0] != pair[1][0]]
ANY = list(itertools.combinations(RECORDS, 2))


def links_among(pairs):
    counts = st.sampled_from([(4, 10), (5, 10), (4, 8), (3, 8)])
    rows = st.lists(st.tuples(st.sampled_from(pairs), counts), unique_by=lambda row: row[0])
    return rows.map(lambda drawn: [Link(*pair, *count) for pair, count in drawn])


def record_ids(links: list[Link]) -> tuple[np.ndarray, np.ndarray]:
    first = first_record_ids(N_RECORDS)
    left = [first[file] + record for (file, record), *_ in links]
    right = [first[file] + record for _, (file, record), *_ in links]
    return np.array(left, dtype=np.uint32), np.array(right, dtype=np.uint32)


@given(links=links_among(ACROSS))
def test_groups_across_files_are_those_of_the_greedy_twin(links):
    solver = GroupSolver(N_RECORDS, needs_every_pair=True)
    solver.add(*record_ids(sorted(links, key=solving_key)))
    assert list(solver.groups()) == greedy_groups(links)


@given(links=links_among(ANY))
def test_groups_with_pairs_within_files_are_those_of_the_greedy_twin(links):
    solver = GroupSolver(
        N_RECORDS, needs_every_pair=True, mergeable_files=frozenset(range(len(N_RECORDS)))
    )
    solver.add(*record_ids(sorted(links, key=solving_key)))
    assert list(solver.groups()) == greedy_groups(links)


@given(links=links_among(ACROSS))
def test_groups_by_any_pair_never_hold_a_file_twice(links):
    in_order = sorted(links, key=solving_key)
    twin = Merger(no_file_twice)
    twin.add(in_order)
    solver = GroupSolver(N_RECORDS, needs_every_pair=False)
    solver.add(*record_ids(in_order))
    assert list(solver.groups()) == twin.groups()


@given(links=links_among(ACROSS), cut=st.integers(0, 20))
def test_pairs_may_come_in_parts(links, cut):
    left, right = record_ids(sorted(links, key=solving_key))
    whole, parts = (GroupSolver(N_RECORDS, needs_every_pair=True) for _ in range(2))
    whole.add(left, right)
    parts.add(left[:cut], right[:cut])
    parts.add(left[cut:], right[cut:])
    assert list(parts.groups()) == list(whole.groups())


@pytest.mark.parametrize("chunk_pairs", [1, 2, 3])
@given(links=links_among(ANY))
def test_the_size_of_chunks_changes_nothing(chunk_pairs, links):
    left, right = record_ids(sorted(links, key=solving_key))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver_module, "_CHUNK_PAIRS", chunk_pairs)
        solver = GroupSolver(N_RECORDS, needs_every_pair=True)
        solver.add(left, right)
        groups = list(solver.groups())
    whole = GroupSolver(N_RECORDS, needs_every_pair=True)
    whole.add(left, right)
    assert groups == list(whole.groups())


@given(links=links_among([pair for pair in ACROSS if (pair[0][0], pair[1][0]) == (0, 2)]))
def test_one_to_one_picks_as_the_greedy_twin(links):
    in_order = sorted(links, key=solving_key)
    left = np.array([link.left[1] for link in in_order], dtype=np.uint32)
    right = np.array([link.right[1] for link in in_order], dtype=np.uint32)
    is_picked = pick_one_to_one(left, right, N_RECORDS[0], N_RECORDS[2])
    picked = [link for link, is_in in zip(in_order, is_picked, strict=True) if is_in]
    assert picked == one_to_one(links)


def test_more_files_than_bits_are_told_apart_pair_by_pair():
    n_files = 70
    pairs = list(itertools.combinations(range(n_files), 2))
    left, right = (np.array(side, dtype=np.uint32) for side in zip(*pairs, strict=True))
    solver = GroupSolver([1] * n_files, needs_every_pair=True)
    solver.add(left, right)
    assert list(solver.groups()) == [tuple((file, 0) for file in range(n_files))]


def test_groups_are_in_canonical_order():
    solver = GroupSolver((3, 3), needs_every_pair=True)
    solver.add(np.array([5, 1], dtype=np.uint32), np.array([0, 3], dtype=np.uint32))
    assert list(solver.groups()) == [((0, 0), (1, 2)), ((0, 1), (1, 0))]


def test_no_records_are_no_groups():
    assert list(GroupSolver((0, 0), needs_every_pair=True).groups()) == []
