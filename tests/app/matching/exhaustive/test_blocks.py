from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.encodings import encodings
from twins.dice import all_pairs, as_bytes

from app.matching.exhaustive import (
    Block,
    Dataset,
    DatasetError,
    EncodingWidthError,
    MatchingPolicy,
    match_block,
    pack_words,
    plan_blocks,
)

N_BYTES = 4


@st.composite
def datasets(draw) -> tuple[Dataset, list[tuple[int, int]]]:
    """A dataset, and its encodings as (record, encoding)."""
    rows = draw(encodings(N_BYTES * 8, max_size=10))
    gaps = draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    record = np.cumsum(np.array(gaps, dtype=np.uint32), dtype=np.uint32)
    n_records = int(record[-1]) + 1 + draw(st.integers(0, 2)) if rows else draw(st.integers(0, 2))
    words = pack_words(as_bytes(rows, N_BYTES))
    return Dataset(words, record, n_records), list(zip(record.tolist(), rows, strict=True))


def best_pairs(left, right, threshold: Fraction, *, is_within: bool) -> dict:
    """The best similarity of each pair of records, by the slow twin."""
    best: dict = {}
    for pair in all_pairs([row for _, row in left], [row for _, row in right], threshold):
        records = left[pair.left][0], right[pair.right][0]
        if not is_within or records[0] < records[1]:
            best[records] = max(best.get(records, pair.similarity), pair.similarity)
    return best


POLICY = MatchingPolicy(Fraction(9, 10), Fraction(3, 4), Fraction(0), "groups")


@given(files=st.lists(datasets(), min_size=1, max_size=3), block_pairs=st.integers(1, 60))
def test_blocks_together_give_every_pair_once_with_its_best_variant(files, block_pairs):
    sets = [dataset for dataset, _ in files]
    found: dict = {}
    for block in plan_blocks(sets, block_pairs=block_pairs):
        pairs = match_block(sets, block, POLICY)
        key = block.left_dataset, block.right_dataset
        for x, y, c, t in zip(
            *(a.tolist() for a in (pairs.left, pairs.right, pairs.common, pairs.total)),
            strict=True,
        ):
            assert (x, y) not in found.setdefault(key, {})
            found[key][x, y] = Fraction(2 * c, t)
    for i, (_, left) in enumerate(files):
        for j in range(i, len(files)):
            threshold = POLICY.auto if i == j else POLICY.review
            expected = best_pairs(left, files[j][1], threshold, is_within=i == j)
            assert found.get((i, j), {}) == expected


@given(files=st.lists(datasets(), min_size=1, max_size=3), block_pairs=st.integers(1, 60))
def test_blocks_are_numbered_and_count_their_comparisons(files, block_pairs):
    sets = [dataset for dataset, _ in files]
    blocks = plan_blocks(sets, block_pairs=block_pairs)
    assert [block.number for block in blocks] == list(range(len(blocks)))
    sizes = [len(dataset.words) for dataset in sets]
    across = sum(a * b for i, a in enumerate(sizes) for b in sizes[i + 1 :])
    n_across = sum(b.n_comparisons for b in blocks if not b.is_within)
    assert n_across == across
    n_within = sum(b.n_comparisons for b in blocks if b.is_within)
    assert n_within == sum(n * (n - 1) // 2 for n in sizes)


def plain(n: int) -> Dataset:
    return Dataset.of(np.ones((n, 2), dtype=np.uint64))


def test_the_plan_is_the_same_for_the_same_sizes():
    sets = [plain(100), plain(70)]
    assert plan_blocks(sets, block_pairs=500) == plan_blocks(sets, block_pairs=500)


def test_a_block_stays_near_the_size_that_was_asked_for():
    blocks = plan_blocks([plain(60), plain(6000)], block_pairs=10_000)
    assert max(block.n_comparisons for block in blocks) <= 10_000
    assert len(blocks) < 1.5 * sum(block.n_comparisons for block in blocks) / 10_000 + 10


def test_duplicates_can_be_left_out():
    assert not any(
        b.is_within for b in plan_blocks([plain(9), plain(9)], block_pairs=9, is_within=False)
    )


def test_a_plan_can_go_on_within_files_only():
    sets = [plain(30), plain(20)]
    across = plan_blocks(sets, block_pairs=100, is_within=False)
    within = plan_blocks(sets, block_pairs=100, is_across=False, first_number=len(across))
    assert {block.is_within for block in within} == {True}
    numbers = [block.number for block in (*across, *within)]
    assert numbers == list(range(len(numbers)))


@given(file=datasets(), data=st.data())
def test_some_records_of_a_file_keep_their_numbers(file, data):
    dataset, rows = file
    if dataset.n_records == 0:
        return
    chosen = data.draw(st.lists(st.integers(0, dataset.n_records - 1), unique=True).map(sorted))
    some = dataset.only(np.array(chosen, dtype=np.uint32))
    kept = [(record, encoding) for record, encoding in rows if record in chosen]
    assert some.record.tolist() == [record for record, _ in kept]
    assert some.words.tolist() == pack_words(as_bytes([x for _, x in kept], N_BYTES)).tolist()


def test_an_empty_file_needs_no_block_across():
    assert {b.right_dataset for b in plan_blocks([plain(9), plain(0)], block_pairs=9)} == {0}


@pytest.mark.parametrize("block_pairs", [0, -1])
def test_an_impossible_block_size_is_refused(block_pairs):
    with pytest.raises(DatasetError):
        plan_blocks([plain(2)], block_pairs=block_pairs)


def test_no_dataset_is_refused():
    with pytest.raises(DatasetError):
        plan_blocks([], block_pairs=1)


def test_datasets_of_different_widths_are_refused():
    with pytest.raises(EncodingWidthError):
        plan_blocks([plain(2), Dataset.of(np.ones((2, 3), dtype=np.uint64))], block_pairs=9)


def test_a_block_of_another_plan_is_refused():
    with pytest.raises(DatasetError):
        match_block([plain(2)], Block(0, 0, 1, 0, 1, 0, 1, 1), POLICY)


@pytest.mark.parametrize(
    ("record", "n_records"),
    [
        (np.array([1, 0], dtype=np.uint32), 2),
        (np.array([0, 2], dtype=np.uint32), 2),
        (np.array([0], dtype=np.uint32), 2),
        (np.array([0, 1], dtype=np.int64), 2),
    ],
    ids=["decreasing", "beyond", "too-few", "signed"],
)
def test_record_indexes_that_do_not_fit_are_refused(record, n_records):
    with pytest.raises(DatasetError):
        Dataset(np.ones((2, 2), dtype=np.uint64), record, n_records)
