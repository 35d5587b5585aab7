"""Where each decision stands in a match record, and which of them may be shown.

The order depends on a key alone, so that a row's place tells nothing; of each kind of decision only a
multiple of the floor is shown. Spec page: `schemas/spec/match-record.md`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from numpy.typing import NDArray

from app.matching.blocks.bins import Rows, with_columns
from app.matching.blocks.decisions import Band, Rule
from app.matching.blocks.resolution import least_lead
from app.matching.blocks.rivals import NO_RIVAL
from app.matching.blocks.weights import least_weight
from schemas.linkage.decision_steps import LEAD_STEPS, PROBABILITY_STEPS

# The number of a lead where no other candidate is there to be ahead of.
NO_LEAD: Final = 15
# The rule of what a person accepted, beside a run's own.
REVIEWED: Final = max(Rule) + 1
GRADED: Final = np.dtype(
    [
        ("larger", "<u4"),  # record
        ("smaller", "<u4"),
        ("row_larger", "<i8"),  # place of the row in its container
        ("row_smaller", "<i8"),
        ("band", "u1"),  # a `Band`
        ("rule", "u1"),  # a `Rule`, or `REVIEWED`
        ("probability", "u1"),  # number of the step of match probability
        ("lead", "u1"),  # number of the step of the lead; may be `NO_LEAD`
    ]
)
KIND_BASES: Final = (("band", 4), ("rule", REVIEWED + 1), ("probability", 16), ("lead", 16))
N_KINDS: Final = math.prod(base for _, base in KIND_BASES)
_LOWEST: Final = np.iinfo(np.int64).min
# The first step of each is reached by every pair.
_PROBABILITIES: Final = np.array(
    [_LOWEST, *(least_weight(step) for step in PROBABILITY_STEPS[1:])], dtype=np.int64
)
_LEADS: Final = np.array([_LOWEST, *(least_lead(step) for step in LEAD_STEPS[1:])], dtype=np.int64)


def grade(decided: Rows) -> Rows:
    """Return what was decided, in steps, dtype `GRADED`: nothing of a pair that was rejected.

    Args:
        decided: dtype `DECIDED`.
    """
    decided = decided[decided["band"] != Band.REJECT]
    graded = with_columns(decided, GRADED)
    graded["probability"] = _last_reached(decided["total"], _PROBABILITIES)
    ahead = decided["lead"]
    graded["lead"] = np.where(ahead == NO_RIVAL, NO_LEAD, _last_reached(ahead, _LEADS))
    return graded


class Graded:
    """What a run decided, in steps, some at a time, as often as it is wanted."""

    def __init__(self, decided: Iterable[Rows]) -> None:
        """Take pairs of dtype `DECIDED` that can be read again and again."""
        self._decided = decided

    def __iter__(self) -> Iterator[Rows]:
        """Yield them, dtype `GRADED`."""
        return map(grade, self._decided)


def kinds_of(rows: Rows) -> NDArray[np.intp]:
    """Return a number below `N_KINDS` for each row, equal where decisions differ by their commitments alone."""
    kind = np.zeros(len(rows), dtype=np.intp)
    for column, base in KIND_BASES:
        kind = kind * base + rows[column]
    return kind


def columns_of(kinds: NDArray[np.intp]) -> list[tuple[int, ...]]:
    """Return band, rule and steps of each kind."""
    columns = []
    for _, base in reversed(KIND_BASES):
        kinds, column = np.divmod(kinds, base)
        columns.append(column.tolist())
    return list(zip(*reversed(columns), strict=True))


def by_band(n_of_kind: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many there are in each band, of how many there are of each kind."""
    n_bands = KIND_BASES[0][1]
    found: NDArray[np.int64] = n_of_kind.reshape(n_bands, -1).sum(axis=1)
    return found


def _last_reached(weights: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the number of the last step that each weight reaches."""
    return np.searchsorted(starts, weights, side="right") - 1


class Shown:
    """How many rows a match record has of each kind, and how many of these are shown."""

    def __init__(self, graded: Iterable[Rows], floor: int) -> None:
        """Count what was decided."""
        self._floor = max(floor, 1)
        self.n_of_kind = np.zeros(N_KINDS, dtype=np.int64)
        for rows in graded:
            self.n_of_kind += np.bincount(kinds_of(rows), minlength=N_KINDS)

    @property
    def n_decisions(self) -> int:
        """How many decisions there are."""
        return int(self.n_of_kind.sum())

    @property
    def n_shown(self) -> NDArray[np.int64]:
        """How many rows of each kind are shown, the first ones: a multiple of the floor."""
        return self.n_of_kind - self.n_of_kind % self._floor

    @property
    def n_padding(self) -> int:
        """How many rows of padding make the withheld ones of each band the next multiple of the floor."""
        if self._floor == 1:
            return 0
        withheld = by_band(self.n_of_kind - self.n_shown)
        return sum(
            self._floor - int(withheld[band]) % self._floor for band in (Band.AUTO, Band.REVIEW)
        )


class KeyedOrder:
    """Numbers that order rows so that nobody without the key can tell it from a random order."""

    def __init__(self, key: bytes) -> None:
        """Begin a key stream of AES-CTR under a key of 16 bytes that orders nothing else."""
        self._stream = Cipher(AES(key), CTR(bytes(16))).encryptor()

    def next(self, n: int) -> NDArray[np.uint64]:
        """Return the numbers of the next rows, of 64 bits: two of them are equal in hardly any record."""
        return np.frombuffer(self._stream.update(bytes(8 * n)), dtype="<u8")


class Ranks:
    """Counts rows within their kind, as they come."""

    def __init__(self) -> None:
        self._n_before = np.zeros(N_KINDS, dtype=np.int64)

    def next(self, kind: NDArray[Any]) -> NDArray[np.int64]:
        """Return for each of the next rows how many rows of its kind came before it."""
        by_kind = np.argsort(kind, kind="stable")
        n_each = np.bincount(kind, minlength=N_KINDS)
        first = np.cumsum(n_each) - n_each
        rank = np.empty(len(kind), dtype=np.int64)
        rank[by_kind] = np.arange(len(kind)) - first[kind[by_kind]]
        rank += self._n_before[kind]
        self._n_before += n_each
        return rank
