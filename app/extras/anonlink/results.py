"""Results: from the pairs of a run to what the old service answered, as JSON text piece by piece."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive import Groups, OrderedPairs, solve_pairs
from app.extras.exhaustive.written import group_rows, json_of, score_rows

# What the result token reads; of permutations it is the mask.
MAIN: Final = "result"
_CHUNK_ROWS: Final = 10_000


def permutation_of(party: int) -> str:
    """Return the kind of the pieces that a party's receipt reads."""
    return f"permutation-{party}"


def result_texts(
    result_type: str, pairs: OrderedPairs, watch: Callable[[], None]
) -> Mapping[str, Iterator[str]]:
    """Return the texts of a result by the kind of piece that they are sealed as.

    What `watch` raises, now and then, ends it.
    """
    if result_type == "similarity_scores":
        return {MAIN: json_of("similarity_scores", score_rows(pairs))}
    groups = solve_pairs(pairs, "groups", watch)
    if result_type == "groups":
        return {MAIN: json_of("groups", group_rows(groups))}
    mask, permutations = permute(groups, pairs.n_records)
    texts = {MAIN: json_of("mask", _numbers(mask))}
    for party, permutation in enumerate(permutations):
        texts[permutation_of(party)] = _permutation(permutation, len(mask))
    return texts


def permute(
    groups: Groups, n_records: tuple[int, ...]
) -> tuple[NDArray[np.uint8], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the mask and the two permutations of two files whose groups these are.

    Permutation p of a file puts its row i at place p[i]. Rows of one group come to the same place, which is
    drawn at random, as is every other. The mask says of the first places, as many as the smaller file has rows,
    which hold a group.
    """
    n_places = min(n_records)
    places = _shuffled(np.arange(n_places))
    matched = groups.record.reshape(-1, 2)
    mask = np.zeros(n_places, dtype=np.uint8)
    mask[places[: len(matched)]] = 1
    first, second = (
        _place(matched[:, side], places, len(matched), n_records[side]) for side in (0, 1)
    )
    return mask, (first, second)


def _place(
    rows: NDArray[np.uint32], places: NDArray[np.int64], n_matched: int, n_rows: int
) -> NDArray[np.int64]:
    permutation = np.full(n_rows, -1, dtype=np.int64)
    permutation[rows] = places[:n_matched]
    left = np.concatenate((places[n_matched:], np.arange(len(places), n_rows)))
    permutation[permutation < 0] = _shuffled(left)
    return permutation


def _shuffled(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the values in an order from the system's own randomness, since who could redo it would undo it."""
    keys = np.frombuffer(os.urandom(16 * len(values)), dtype=np.uint64).reshape(-1, 2)
    return values[np.lexsort((keys[:, 1], keys[:, 0]))]


def _numbers(values: NDArray[np.integer]) -> Iterator[str]:
    for start in range(0, len(values), _CHUNK_ROWS):
        yield from map(str, values[start : start + _CHUNK_ROWS].tolist())


def _permutation(permutation: NDArray[np.int64], n_places: int) -> Iterator[str]:
    text = json_of("permutation", _numbers(permutation))
    before = next(text)
    yield f'{{"rows": {n_places}, {before[1:]}'
    yield from text
