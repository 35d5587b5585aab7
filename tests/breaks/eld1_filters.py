"""Opens filters under `eld1`, once the attack on its linear code has found the rows of the secret matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.linear_code import Bits, pack_rows, row_reduce, unpack_rows

_SETTLING_ROUNDS = 6


def open_filters(encodings: Bits, rows: Bits) -> tuple[Bits, NDArray[np.bool_]]:
    """Return the filters whose sums of rows the encodings are; zero where there is none."""
    if not len(rows):
        return np.zeros((len(encodings), 0), dtype=np.uint8), np.zeros(len(encodings), dtype=bool)
    filters, is_open, alike = express(encodings, rows)
    for change in alike:
        filters[is_open] = _settled(filters[is_open], change.astype(bool))
    return filters, is_open


def _settled(filters: Bits, change: NDArray[np.bool_]) -> Bits:
    """Choose between two filters of the same encoding the one that is more like the other people's.

    With an even number of taps a filter and its complement have the same encoding; positions are set more or
    less often, and in the complement it is the other way round.
    """
    signs = filters[:, change].astype(np.float32) * 2 - 1
    turned = np.where(signs.sum(axis=1) > 0, np.float32(-1), np.float32(1))
    for _ in range(_SETTLING_ROUNDS):
        usual = (signs * turned[:, None]).mean(axis=0)
        turned = np.where(signs @ usual < 0, np.float32(-1), np.float32(1))
    return np.where((turned[:, None] < 0) & change[None, :], 1 - filters, filters)


def express(targets: Bits, rows: Bits) -> tuple[Bits, NDArray[np.bool_], Bits]:
    """Write vectors as sums of rows.

    Args:
        targets: shape (n, bits).
        rows: shape (n_rows, bits).
    Returns:
        Which rows are added up for each target, shape (n, n_rows), all zero where there is no such sum;
        whether there is one; and a basis of the sums of rows that are zero, any of which may be added.
    """
    n_rows, n_bits = rows.shape
    left = pack_rows(rows)
    tagged = np.hstack([left, pack_rows(np.eye(n_rows, dtype=np.uint8))])
    pivots = row_reduce(tagged, range(n_bits))
    rank, n_left = len(pivots), left.shape[1]
    reduced = unpack_rows(np.ascontiguousarray(tagged[:, :n_left]), n_bits)[:rank]
    made_of = unpack_rows(np.ascontiguousarray(tagged[:, n_left:]), n_rows)
    chosen = targets[:, pivots]
    is_sum = (_times(chosen, reduced) == targets).all(axis=1)
    return _times(chosen, made_of[:rank]) * is_sum[:, None], is_sum, made_of[rank:]


def _times(left: Bits, right: Bits) -> Bits:
    """Return the product over GF(2); sums of fewer than 2^24 ones are exact in float32."""
    product = left.astype(np.float32) @ right.astype(np.float32)
    return (product.astype(np.int32) & 1).astype(np.uint8)
