"""Attacks on the bytes themselves: secret structure, rows that look alike, sizes, and order.

These see real rows, as a container holds them. A profile that serves one key for a whole file, gives records
unequal numbers of rows or numbers them in the order of the file is found out here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.assembly import Assembly, Rows
from encoding.blocks.keys import CellKeys
from encoding.privacy_audit.files import ClearFile, Numbers
from encoding.privacy_audit.linear_code import PackedBits, attack_linear_code
from schemas.linkage.profile import EncodingProfile, Side

# Strangers differ in half of the output bits, give or take some hundredths.
_NEAR = 0.35
_BLOCK_ROWS = 512


def near_pairs(encodings: PackedBits) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of every two encodings that differ in at most 35 % of their bits, but in some."""
    signs = np.unpackbits(encodings, axis=1).astype(np.float32) * 2 - 1
    n_bits = signs.shape[1]
    found = []
    for start in range(0, len(signs), _BLOCK_ROWS):
        distance = (n_bits - signs[start : start + _BLOCK_ROWS] @ signs.T) / 2
        one, other = np.nonzero((distance > 0) & (distance <= _NEAR * n_bits))
        is_upper = one + start < other
        found.append((one[is_upper] + start, other[is_upper]))
    if not found:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    ones, others = zip(*found, strict=True)
    return np.concatenate(ones), np.concatenate(others)


_MOST_ROWS: Final = 6_000
# The one map for a whole file that was in use took 4 of 1,024 filter bits for each bit.
_CLK_BITS, _TAPS = 256, 4
_FAR_OFF: Final = 5.0


@dataclass(frozen=True, slots=True)
class SealedResult:
    """What the bytes of rows show by themselves.

    Attributes:
        n_rows: rows that were looked at, each with a token of its own.
        n_secret_rows: rows of a secret linear map that were found.
        n_alike: pairs of rows under different tokens that look alike.
        bits_off: how far the most uneven bit is from one half, in standard deviations, beyond chance.
        row_counts: how many different numbers of rows records have; 1 is what it must be.
        order: correlation of the record numbers with the places in the agency's file.
        order_error: what chance alone gives of it, five standard deviations.
    """

    n_rows: int
    n_secret_rows: int
    n_alike: int
    bits_off: float
    row_counts: int
    order: float
    order_error: float

    @property
    def n_found(self) -> int:
        """How many signs of structure there are; none is what must be."""
        is_uneven, is_ordered = self.bits_off > 0, abs(self.order) > self.order_error
        signs = [self.n_secret_rows > 0, self.n_alike > 0, self.row_counts > 1]
        return sum([*signs, is_uneven, is_ordered])


def sealed_rows(
    profile: EncodingProfile, file: ClearFile, side: Side, key: bytes, numbers: Numbers
) -> Rows:
    """Return the rows of a container of this file; `numbers` is the number that each record has in it."""
    records = numbers[file.record].astype(np.uint32)
    repeated = np.ones(file.n_records, dtype=bool)
    with TemporaryDirectory() as folder:
        assembly = Assembly(
            profile,
            CellKeys(key),
            side,
            n_records=file.n_records,
            repeated=repeated,
            folder=Path(folder),
        )
        try:
            assembly.add(file.columns, records)
            return np.concatenate(list(assembly.rows()))
        finally:
            assembly.close()


def attack_rows(rows: Rows, numbers: Numbers, seed: int = 1) -> SealedResult:
    """Attack rows that nothing is known of."""
    tokens = np.ascontiguousarray(rows["token"]).view("V16").reshape(-1)
    _, first = np.unique(tokens, return_index=True)
    chosen = np.random.default_rng(seed).permutation(first)[:_MOST_ROWS]
    sealed = np.ascontiguousarray(rows["sealed"][np.sort(chosen)])
    found = attack_linear_code(sealed, clk_bits=_CLK_BITS, taps=_TAPS)
    counts = np.bincount(rows["record"])
    return SealedResult(
        n_rows=len(sealed),
        n_secret_rows=len(found),
        n_alike=len(near_pairs(sealed)[0]),
        bits_off=_uneven(sealed),
        row_counts=len(np.unique(counts[counts > 0])),
        order=_correlation(numbers),
        order_error=float(_FAR_OFF / np.sqrt(max(len(numbers), 1))),
    )


def _uneven(sealed: NDArray[np.uint8]) -> float:
    """Return how far the most uneven bit is beyond what chance makes of so many bits; 0 where it is not."""
    share = np.unpackbits(sealed, axis=1).mean(axis=0, dtype=np.float64)
    off = float(np.abs(share - 0.5).max()) * 2 * float(np.sqrt(len(sealed)))
    return max(0.0, off - _FAR_OFF)


def _correlation(numbers: Numbers) -> float:
    if len(numbers) < 3:
        return 0.0
    return float(np.corrcoef(np.arange(len(numbers)), numbers)[0, 1])
