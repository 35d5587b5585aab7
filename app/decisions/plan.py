"""Where each decision stands in a match record, and which of them may be shown.

The order depends on a key alone, so that a row's place tells nothing; of each kind of decision only a
multiple of the floor is shown. Spec page: `schemas/spec/match-record.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from numpy.typing import NDArray

from app.matching.exhaustive import Band

if TYPE_CHECKING:
    from app.matching.exhaustive import Decisions
    from schemas.similarity_steps import Step

# The number of a margin where no other candidate is there to be ahead of.
NO_MARGIN: Final = 31
PADDING: Final = -1
# Farther from a step's start than this, doubles decide rightly: both parts stay below 2**27.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Graded:
    """Decisions with their similarities and margins as numbers of steps; `margin` may be `NO_MARGIN`."""

    similarity: NDArray[np.uint8]
    margin: NDArray[np.uint8]
    kind: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RowPlan:
    """The rows of a match record.

    Attributes:
        decision: int64, for each row the index of its decision, or `PADDING`.
        is_shown: bool, for each row.
    """

    decision: NDArray[np.int64]
    is_shown: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.decision)


def grade(
    decisions: Decisions, similarity_steps: tuple[Step, ...], margin_steps: tuple[Step, ...]
) -> Graded:
    """Return to which steps similarities and margins belong, and numbers that are equal for one kind."""
    common, total, other_common, other_total = (
        column.astype(np.int64)
        for column in (
            decisions.common,
            decisions.total,
            decisions.runner_up_common,
            decisions.runner_up_total,
        )
    )
    similarity = last_reached(2 * common, np.maximum(total, 1), similarity_steps)
    # 2 c / t - 2 c' / t' = 2 (c t' - c' t) / (t t')
    lead = 2 * (common * other_total - other_common * total)
    margin = last_reached(lead, np.maximum(total * other_total, 1), margin_steps)
    margin[other_total == 0] = NO_MARGIN
    kind = np.zeros(len(decisions), dtype=np.int64)
    for column, base in (
        (decisions.band, 4),
        (decisions.rule, 8),
        (similarity, 32),
        (margin, 32),
        (decisions.left_dataset, 64),
        (decisions.right_dataset, 64),
    ):
        kind = kind * base + column
    return Graded(similarity, margin, kind)


def last_reached(
    numerator: NDArray[np.int64], denominator: NDArray[np.int64], steps: tuple[Step, ...]
) -> NDArray[np.uint8]:
    """Return the number of the last step that each fraction reaches, exactly; 0 where it reaches none."""
    starts = np.array([float(step.least) for step in steps])
    value = numerator / denominator
    reached = np.maximum(np.searchsorted(starts, value, side="right") - 1, 0).astype(np.uint8)
    after = np.minimum(reached + 1, len(steps) - 1)
    distance = np.minimum(np.abs(value - starts[reached]), np.abs(value - starts[after]))
    for i in np.flatnonzero(distance < _ROUNDING):
        exact = Fraction(int(numerator[i]), int(denominator[i]))
        reached[i] = max((at for at, step in enumerate(steps) if exact >= step.least), default=0)
    return reached


def plan_rows(band: NDArray[np.uint8], kind: NDArray[np.int64], floor: int, key: bytes) -> RowPlan:
    """Return the rows of all decisions and of the padding, in the key's order.

    Args:
        band: of each decision.
        kind: of each decision; decisions of one number differ by their commitments alone.
        key: 16 bytes that order nothing else.
    """
    _, kind_number, n_of_kind = np.unique(kind, return_inverse=True, return_counts=True)
    n_shown = n_of_kind - (n_of_kind % floor if floor > 1 else 0)
    n_padding = _n_padding(band, kind_number, n_of_kind - n_shown, floor)
    order = keyed_order(key, len(band) + n_padding)
    decision = np.where(order < len(band), order, PADDING)
    rows = np.flatnonzero(decision != PADDING)
    kind_of_row = kind_number[decision[rows]]
    is_shown = np.zeros(len(decision), dtype=np.bool_)
    is_shown[rows] = _rank_within(kind_of_row, len(n_of_kind)) < n_shown[kind_of_row]
    return RowPlan(decision, is_shown)


def keyed_order(key: bytes, n: int) -> NDArray[np.int64]:
    """Return the numbers below `n` in an order that nobody without the key can tell from a random one."""
    # A key stream of AES-CTR: 64 bits each are sorted, so that two are equal for hardly any n.
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(8 * n))
    return np.argsort(np.frombuffer(stream, dtype="<u8"), kind="stable").astype(np.int64)


def _n_padding(
    band: NDArray[np.uint8], kind: NDArray[Any], n_withheld: NDArray[Any], floor: int
) -> int:
    """Return how many rows of padding make the withheld ones of each band the next multiple of the floor."""
    if floor <= 1:
        return 0
    band_of_kind = np.zeros(len(n_withheld), dtype=np.uint8)
    band_of_kind[kind] = band
    withheld = [int(n_withheld[band_of_kind == each].sum()) for each in Band]
    return sum(floor - n % floor for n in withheld)


def _rank_within(kind: NDArray[Any], n_kinds: int) -> NDArray[np.int64]:
    """Return for each row how many rows of its kind come before it."""
    by_kind = np.argsort(kind, kind="stable")
    first = np.concatenate(([0], np.cumsum(np.bincount(kind, minlength=n_kinds))))
    rank = np.empty(len(kind), dtype=np.int64)
    rank[by_kind] = np.arange(len(kind)) - first[kind[by_kind]]
    return rank
