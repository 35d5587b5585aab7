from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.linking import Link, Merger, greedy_groups, no_file_twice, one_to_one, solving_key

import app.extras.exhaustive.solver as solver_module
from app.extras.exhaustive.groups import first_record_ids
from app.extras.exhaustive.ordered_pairs import OrderedPairs, solve_pairs
from app.extras.exhaustive.solver import GroupSolver, pick_one_to_one

N_RECORDS = (4, 3, 4, 2)
RECORDS = [(file, record) for file, n in enumerate(N_RECORDS) for record in range(n)]
ACROSS = [pair for pair in itertools.combinations(RECORDS, 2) if pair[0][0] != pair[1][0]]


def links_among(pairs):
    counts = st.sampled_from([(4, 10), (5, 10), (4, 8), (3, 8)])
    rows = st.lists(st.tuples(st.sampled_from(pairs), counts), unique_by=lambda row: row[0])
    return rows.map(lambda drawn: [Link(*pair, *count) for pair, count in drawn])


def record_ids(links: list[Link]) -> tuple[np.ndarray, np.ndarray]:
    first = first_record_ids(N_RECORDS)
    left = [first[file] + record for (file, record), *_ in links]
    right = [first[file] + record for _, (file, record), *_ in links]
    return np.array(left, dtype=np.uint32), np.array(right, dtype=np.uint32)


def solver_of(links, **kwargs) -> GroupSolver:
    kwargs.setdefault("needs_every_pair", True)
    return GroupSolver(N_RECORDS, *record_ids(sorted(links, key=solving_key)), **kwargs)


def solved(links, **kwargs) -> list:
    solver = solver_of(links, **kwargs)
    solver.advance(len(links))
    return list(solver.groups())


@given(links=links_among(ACROSS))
def test_groups_across_files_are_those_of_the_greedy_twin(links):
    assert solved(links) == greedy_groups(links)


@given(links=links_among(ACROSS))
def test_groups_by_any_pair_never_hold_a_file_twice(links):
    twin = Merger(no_file_twice)
    twin.add(sorted(links, key=solving_key))
    assert solved(links, needs_every_pair=False) == twin.groups()


@given(links=links_among(ACROSS), cut=st.integers(0, 20))
def test_a_solver_may_stop_and_go_on(links, cut):
    solver = solver_of(links)
    solver.advance(min(cut, len(links)))
    assert list(solver.groups()) == greedy_groups(sorted(links, key=solving_key)[:cut])
    solver.advance(len(links))
    assert list(solver.groups()) == greedy_groups(links)


@given(links=links_among(ACROSS), chunk_pairs=st.integers(1, 3))
def test_the_size_of_chunks_changes_nothing(links, chunk_pairs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver_module, "_CHUNK_PAIRS", chunk_pairs)
        groups = solved(links)
    assert groups == greedy_groups(links)


@given(links=links_among([pair for pair in ACROSS if (pair[0][0], pair[1][0]) == (0, 2)]))
def test_one_to_one_picks_as_the_greedy_twin(links):
    in_order = sorted(links, key=solving_key)
    left = np.array([link.left[1] for link in in_order], dtype=np.uint32)
    right = np.array([link.right[1] for link in in_order], dtype=np.uint32)
    is_picked = pick_one_to_one(left, right, N_RECORDS[0], N_RECORDS[2])
    picked = [link for link, is_in in zip(in_order, is_picked, strict=True) if is_in]
    assert picked == one_to_one(links)


def groups_of(n_records, pairs) -> list:
    left, right = (np.array(side, dtype=np.uint32) for side in zip(*pairs, strict=True))
    solver = GroupSolver(n_records, left, right, needs_every_pair=True)
    solver.advance(len(left))
    return list(solver.groups())


def test_more_files_than_bits_are_told_apart_and_groups_are_in_canonical_order():
    pairs = list(itertools.combinations(range(70), 2))
    assert groups_of([1] * 70, pairs) == [tuple((file, 0) for file in range(70))]
    assert groups_of((3, 3), [(0, 5), (1, 3)]) == [((0, 0), (1, 2)), ((0, 1), (1, 0))]
    nothing = np.empty(0, dtype=np.uint32)
    assert list(GroupSolver((0, 0), nothing, nothing, needs_every_pair=True).groups()) == []


def test_what_is_asked_between_chunks_ends_the_solving():
    n_pairs = solver_module._CHUNK_PAIRS * 2 + 1
    rows = np.arange(n_pairs, dtype=np.uint32)
    nothing = np.zeros(n_pairs, dtype=np.uint16)
    pairs = OrderedPairs(rows, rows + np.uint32(n_pairs), nothing, nothing, (n_pairs, n_pairs))
    asked = []
    assert len(solve_pairs(pairs, "groups", watch=lambda: asked.append(None))) == n_pairs
    assert len(asked) == 3

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        solve_pairs(pairs, "groups", watch=stop)


def test_a_chunk_of_cliques_that_lack_a_pair_is_short():
    """Two cliques of 32 files each: every pair across them is held against all others."""
    n, half = 4, 32
    within = [
        (i, j) for i, j in itertools.combinations(range(2 * half), 2) if i // half == j // half
    ]
    across = list(itertools.product(reversed(range(half)), reversed(range(half, 2 * half))))[:-1]
    ids = np.array([[(i * n + g, j * n + g) for g in range(n)] for i, j in within + across])
    left, right = ids.reshape(-1, 2).T.astype(np.uint32)
    solver = GroupSolver([n] * 2 * half, left, right, needs_every_pair=True)
    started = time.process_time()
    solver.advance(len(left))
    s_each = (time.process_time() - started) / len(left)
    # systemd waits 60 s for the service to end.
    assert s_each * solver_module._CHUNK_PAIRS < 30
