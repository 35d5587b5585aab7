"""Where each decision stands in a match record, and which of them may be shown.

The order depends on a key alone, so that a row's place tells nothing; of each kind of decision only a
multiple of the floor is shown. Spec page: `schemas/spec/match-record.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from numpy.typing import NDArray

from app.matching.blocks.bounds import least_lead
from app.matching.blocks.decisions import Band
from app.matching.blocks.rivals import NO_RIVAL
from app.matching.blocks.weights import least_weight
from schemas.decision_steps import LEAD_STEPS, PROBABILITY_STEPS

if TYPE_CHECKING:
    from app.matching.blocks.resolution import Resolution

# The number of a lead where no other candidate is there to be ahead of.
NO_LEAD: Final = 15
PADDING: Final = -1
# The rule of what a person accepted; a run's own are `app.matching.blocks.decisions.Rule`.
REVIEWED: Final = 7
# Rows whose places within their kind are counted at a time.
_AT_ONCE: Final = 1 << 20
_LOWEST: Final = np.iinfo(np.int64).min
# The first step of each is reached by every pair.
_PROBABILITIES: Final = np.array(
    [_LOWEST, *(least_weight(step) for step in PROBABILITY_STEPS[1:])], dtype=np.int64
)
_LEADS: Final = np.array([_LOWEST, *(least_lead(step) for step in LEAD_STEPS[1:])], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Graded:
    """Pairs that are linked or held back, in order of records, with numbers of steps.

    Attributes:
        larger, smaller: record of each pair in the larger and in the smaller file.
        band: a `Band`.
        rule: a `Rule`, or `REVIEWED`.
        probability: number of the step of match probability.
        lead: number of the step of the lead; may be `NO_LEAD`.
    """

    larger: NDArray[np.uint32]
    smaller: NDArray[np.uint32]
    band: NDArray[np.uint8]
    rule: NDArray[np.uint8]
    probability: NDArray[np.uint8]
    lead: NDArray[np.uint8]

    @property
    def kind(self) -> NDArray[np.uint16]:
        """A number for each pair, equal for decisions that differ by their commitments alone."""
        kind = np.zeros(len(self.band), dtype=np.uint16)
        for column, base in (
            (self.band, 4), (self.rule, 8), (self.probability, 16), (self.lead, 16),
        ):  # fmt: skip
            kind = kind * base + column
        return kind


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


def grade(resolution: Resolution) -> Graded:
    """Return what a run decided, in steps: nothing of a pair that was rejected."""
    kept = np.flatnonzero(resolution.decisions.band != Band.REJECT)
    band, rule = resolution.decisions.band[kept], resolution.decisions.rule[kept]
    ahead = resolution.decisions.lead[kept]
    probability = _last_reached(resolution.total[kept], _PROBABILITIES)
    lead = np.where(ahead == NO_RIVAL, NO_LEAD, _last_reached(ahead, _LEADS)).astype(np.uint8)
    larger, smaller = (resolution.pairs[side][kept] for side in ("larger", "smaller"))
    return Graded(larger, smaller, band, rule, probability, lead)


def _last_reached(weights: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the number of the last step that each weight reaches."""
    return (np.searchsorted(starts, weights, side="right") - 1).astype(np.uint8)


def plan_rows(band: NDArray[np.uint8], kind: NDArray[np.uint16], floor: int, key: bytes) -> RowPlan:
    """Return the rows of all decisions and of the padding, in the key's order.

    Args:
        band: of each decision.
        kind: of each decision; decisions of one number differ by their commitments alone.
        key: 16 bytes that order nothing else.
    """
    n_of_kind = np.bincount(kind)
    n_shown = n_of_kind - (n_of_kind % floor if floor > 1 else 0)
    n_padding = _n_padding(band, kind, n_of_kind - n_shown, floor)
    decision = keyed_order(key, len(band) + n_padding)
    decision[decision >= len(band)] = PADDING
    is_shown = np.zeros(len(decision), dtype=np.bool_)
    for start in range(0, len(decision), _AT_ONCE):
        rows = start + np.flatnonzero(decision[start : start + _AT_ONCE] != PADDING)
        kinds = kind[decision[rows]]
        is_shown[rows] = _rank_within(kinds, len(n_of_kind)) < n_shown[kinds]
        n_shown -= np.bincount(kinds, minlength=len(n_of_kind))
    return RowPlan(decision, is_shown)


def keyed_order(key: bytes, n: int) -> NDArray[np.int64]:
    """Return the numbers below `n` in an order that nobody without the key can tell from a random one."""
    # A key stream of AES-CTR: 64 bits each are sorted, so that two are equal for hardly any n.
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(8 * n))
    order = np.argsort(np.frombuffer(stream, dtype="<u8"), kind="stable")
    return order.astype(np.int64, copy=False)


def _n_padding(
    band: NDArray[np.uint8], kind: NDArray[Any], n_withheld: NDArray[Any], floor: int
) -> int:
    """Return how many rows of padding make the withheld ones of each band the next multiple of the floor."""
    if floor <= 1:
        return 0
    band_of_kind = np.zeros(len(n_withheld), dtype=np.uint8)
    band_of_kind[kind] = band
    withheld = [int(n_withheld[band_of_kind == each].sum()) for each in (Band.AUTO, Band.REVIEW)]
    return sum(floor - n % floor for n in withheld)


def _rank_within(kind: NDArray[Any], n_kinds: int) -> NDArray[np.int64]:
    """Return for each row how many rows of its kind come before it."""
    by_kind = np.argsort(kind, kind="stable")
    first = np.concatenate(([0], np.cumsum(np.bincount(kind, minlength=n_kinds))))
    rank = np.empty(len(kind), dtype=np.int64)
    rank[by_kind] = np.arange(len(kind)) - first[kind[by_kind]]
    return rank
