from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from samples.encodings import seeded_rows

from app.engine import MatchedBlock, match_blocks
from app.matching.exhaustive import (
    Candidates,
    Dataset,
    MatchingCancelledError,
    MatchingPolicy,
    PairCapError,
    match_block,
    pack_words,
    plan_blocks,
)

POLICY = MatchingPolicy(Fraction(9, 10), Fraction(4, 5), Fraction(0), "groups")


@pytest.fixture(scope="module")
def datasets() -> list[Dataset]:
    return [Dataset.of(pack_words(rows)) for rows in seeded_rows(600, 256, 0.4, seed=3)]


@pytest.fixture(scope="module")
def blocks(datasets):
    return plan_blocks(datasets, block_pairs=30_000)


def as_rows(pairs: Candidates) -> list:
    arrays = (pairs.left, pairs.right, pairs.common, pairs.total)
    return list(zip(*(array.tolist() for array in arrays), strict=True))


def outcome(matched: list[MatchedBlock]) -> list:
    return [(each.block.number, as_rows(each.pairs)) for each in matched]


@pytest.fixture(scope="module")
def expected(datasets, blocks):
    return [(b.number, as_rows(match_block(datasets, b, POLICY))) for b in blocks]


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_blocks_come_in_the_order_of_the_plan(datasets, blocks, expected, n_threads):
    matched = list(match_blocks(datasets, blocks, POLICY, n_threads=n_threads))
    assert outcome(matched) == expected


def test_finished_blocks_are_not_repeated(datasets, blocks, expected):
    finished = {0, 3, len(blocks) - 1}
    matched = list(match_blocks(datasets, blocks, POLICY, finished=finished))
    assert outcome(matched) == [row for row in expected if row[0] not in finished]


def test_an_executor_of_the_caller_stays_open(datasets, blocks, expected):
    with ThreadPoolExecutor(2) as executor:
        matched = list(match_blocks(datasets, blocks, POLICY, executor=executor))
        assert executor.submit(outcome, matched).result() == expected


def test_blocks_can_run_in_other_processes(datasets, blocks, expected):
    """The seam to a cluster: what is submitted can be sent."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as executor:
        matched = list(match_blocks(datasets, blocks[-3:], POLICY, executor=executor))
    assert outcome(matched) == expected[-3:]


def test_the_cap_counts_the_pairs_of_all_blocks(datasets, blocks, expected):
    n_pairs = sum(len(rows) for _, rows in expected)
    assert len(list(match_blocks(datasets, blocks, POLICY, max_pairs=n_pairs))) == len(blocks)
    with pytest.raises(PairCapError):
        list(match_blocks(datasets, blocks, POLICY, max_pairs=n_pairs - 1))


def test_the_cap_counts_the_pairs_of_finished_blocks(datasets, blocks):
    finished = range(len(blocks) - 1)
    cap = {"finished": finished, "max_pairs": 1000}
    assert len(list(match_blocks(datasets, blocks, POLICY, n_pairs_before=1000, **cap))) == 1
    with pytest.raises(PairCapError):
        list(match_blocks(datasets, blocks, POLICY, n_pairs_before=1001, **cap))


def test_a_cancelled_run_stops_with_an_error(datasets, blocks):
    cancelled = threading.Event()
    run = match_blocks(datasets, blocks, POLICY, cancelled=cancelled)
    next(run)
    cancelled.set()
    with pytest.raises(MatchingCancelledError):
        list(run)


def test_progress_ends_with_every_comparison_done(datasets, blocks):
    *_, last = match_blocks(datasets, blocks, POLICY)
    assert last.progress.n_done == last.progress.n_total == 600 * 600 + 600 * 599
    assert last.progress.n_blocks_done == len(blocks)
    assert last.progress.left_s == 0


def test_a_run_without_blocks_yields_nothing(datasets):
    assert list(match_blocks(datasets, [], POLICY)) == []


def test_an_error_in_a_block_reaches_the_caller(blocks):
    narrow = [Dataset.of(np.ones((600, 2), dtype=np.uint64))]
    with pytest.raises(Exception, match="dataset that is not there"):
        list(match_blocks(narrow, blocks, POLICY))
