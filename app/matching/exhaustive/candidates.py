"""Candidate pairs: what the kernels find and the solvers read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive.errors import DatasetError

_MAGIC = b"blindlink/pairs/1\n"
_COUNT = struct.Struct("<Q")
_FIELDS: tuple[tuple[str, str], ...] = (
    ("left", "<u4"),
    ("right", "<u4"),
    ("common", "<u2"),
    ("total", "<u2"),
)
PAIR_BYTES = 12
HISTOGRAM_STEPS = 20


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Candidates:
    """Pairs at or above a threshold, in decreasing similarity, then by left, then by right.

    Similarity is exactly 2 * common / total, and 0 where total is 0.

    Attributes:
        left: uint32, index on the left side.
        right: uint32, index on the right side.
        common: uint16, bits set in both encodings.
        total: uint16, bits set in one plus bits set in the other.
    """

    left: NDArray[np.uint32]
    right: NDArray[np.uint32]
    common: NDArray[np.uint16]
    total: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.left)

    def similarity(self) -> NDArray[np.float64]:
        """Return the similarity of each pair, correctly rounded."""
        return dice(self.common, self.total)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Candidates:
        """Return the pairs at `index`, in that order."""
        return Candidates(
            self.left[index], self.right[index], self.common[index], self.total[index]
        )


def dice(common: NDArray[np.uint16], total: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return 2 * common / total as doubles, 0 where total is 0.

    Sorting these doubles sorts the fractions: two different fractions with denominators up to 8,192
    differ by more than 2**-26, and equal ones round to the same double.
    """
    return 2.0 * common / np.maximum(total, 1)


def similarity_code(common: NDArray[np.uint16], total: NDArray[np.uint16]) -> NDArray[np.uint32]:
    """Return integers that order these pairs by exact similarity; equal ones have equal codes.

    Codes of one call can be compared with each other only: fractions with denominators up to T
    differ by more than 1 / T**2, so T**2 steps tell them apart, and fewer bits sort faster.
    """
    n_bits = 2 * int(total.max(initial=1)).bit_length()
    steps = (common.astype(np.uint64) << np.uint64(n_bits)) // np.maximum(total, 1)
    return steps.astype(np.uint32)


def similarity_histogram(pairs: Candidates) -> NDArray[np.int64]:
    """Return the number of pairs by similarity in steps of 0.05; the last step includes 1."""
    step = 2 * HISTOGRAM_STEPS * pairs.common.astype(np.int64) // np.maximum(pairs.total, 1)
    counts: NDArray[np.int64] = np.bincount(
        np.minimum(step, HISTOGRAM_STEPS - 1), minlength=HISTOGRAM_STEPS
    ).astype(np.int64)
    return counts


def no_candidates() -> Candidates:
    """Return an empty set of pairs."""
    return join_candidates(())


def join_candidates(parts: Sequence[Candidates]) -> Candidates:
    """Return the pairs of all parts one after the other, unsorted."""
    return Candidates(
        *(
            np.concatenate([np.empty(0, dtype), *(getattr(part, name) for part in parts)])
            for name, dtype in _FIELDS
        )
    )


def sort_candidates(pairs: Candidates) -> Candidates:
    """Return the pairs in the total order of `Candidates`."""
    if len(pairs) == 0:
        return pairs
    code = similarity_code(pairs.common, pairs.total)
    rank = code.max() - code
    n_left, n_right = (int(side.max()).bit_length() for side in (pairs.left, pairs.right))
    if int(rank.max()).bit_length() + n_left + n_right > 64:
        return pairs.take(np.lexsort((pairs.right, pairs.left, rank)))
    # All three keys in one integer sort several times faster than one after the other.
    key = rank.astype(np.uint64)
    for side, n_bits in ((pairs.left, n_left), (pairs.right, n_right)):
        key <<= np.uint64(n_bits)
        key |= side
    return pairs.take(np.argsort(key))


def best_of_each_pair(pairs: Candidates) -> Candidates:
    """Return one row for each (left, right): the most similar, and of equals the fullest; sorted."""
    code = similarity_code(pairs.common, pairs.total)
    ordered = pairs.take(np.lexsort((~pairs.total, ~code, pairs.right, pairs.left)))
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = (ordered.left[1:] != ordered.left[:-1]) | (
        ordered.right[1:] != ordered.right[:-1]
    )
    return sort_candidates(ordered.take(is_first))


def candidates_to_bytes(pairs: Candidates) -> bytes:
    """Return pairs as bytes: a version line, the count (uint64), then each array, little-endian."""
    arrays = (getattr(pairs, name).astype(dtype).tobytes() for name, dtype in _FIELDS)
    return b"".join((_MAGIC, _COUNT.pack(len(pairs)), *arrays))


def candidates_from_bytes(content: bytes) -> Candidates:
    """Return the pairs that `candidates_to_bytes` wrote.

    Raises:
        DatasetError: another version, a wrong length, impossible counts, or pairs out of order.
    """
    header = len(_MAGIC) + _COUNT.size
    if content[: len(_MAGIC)] != _MAGIC or len(content) < header:
        raise DatasetError("stored pairs do not start with a known version line")
    (n,) = _COUNT.unpack_from(content, len(_MAGIC))
    if len(content) != header + n * PAIR_BYTES:
        raise DatasetError("stored pairs do not have the length that their header states")
    arrays, offset = [], header
    for _, dtype in _FIELDS:
        arrays.append(np.frombuffer(content, dtype=dtype, count=n, offset=offset))
        offset += arrays[-1].nbytes
    pairs = Candidates(*arrays)
    _check_stored(pairs)
    return pairs


def _check_stored(pairs: Candidates) -> None:
    if np.any(2 * pairs.common.astype(np.uint32) > pairs.total) or not pairs.total.all():
        raise DatasetError("stored pairs hold counts that no two encodings have in common")
    code = similarity_code(pairs.common, pairs.total)
    key = (pairs.left.astype(np.uint64) << np.uint64(32)) | pairs.right
    in_order = (code[:-1] > code[1:]) | ((code[:-1] == code[1:]) & (key[:-1] < key[1:]))
    if not in_order.all():
        raise DatasetError("stored pairs are out of order")
