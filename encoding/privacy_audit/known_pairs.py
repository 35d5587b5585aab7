"""Attack A1: learn from some known people what the bits mean, then name the others.

Ridge and kernel ridge regression from the bits of an encoding to the tokens of a person, in the manner of
Mitchell et al. (2017) and later pattern-learning attacks. The attacker knows how encodings are made, the
people who may be in the file, and for some of them which encoding is theirs; not the keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.tokens import TokenSets, indicators, seen_often
from encoding.specimen import Specimen

# A token that fewer known people have cannot be learned.
_SEEN_AT_LEAST = 3
# Share of a kernel's own diagonal that is added to it; the kernels are exp(g (cos - 1)) and, for g = 0, cos.
_KERNELS = ((0.0, 0.02), (0.0, 0.2), (2.0, 0.02), (8.0, 0.05))
_MAX_TESTED = 1_000
# So many tests, with other known people each time, keep a few lucky guesses from deciding; attacks with many
# known people are slow, and their goals leave more room.
_ENOUGH_TESTS, _ENOUGH_OF_SLOW_TESTS, _SLOW = 2_000, 1_000, 1_000

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class KnownPairsResult:
    """How many people were named rightly, by the best of the attacks.

    Attributes:
        n_known: people whose encoding the attacker knows.
        n_tested: other people that were attacked, in all attacks together.
        n_candidates: people among whom each was sought.
        n_first: tested people for whom the right one was the first guess.
        n_ten: tested people for whom the right one was among the first ten guesses.
    """

    n_known: int
    n_tested: int
    n_candidates: int
    n_first: int
    n_ten: int

    @property
    def share(self) -> float:
        """The part of the tested people that was named at the first guess."""
        return self.n_first / self.n_tested if self.n_tested else 0.0

    def plus(self, other: KnownPairsResult) -> KnownPairsResult:
        """Return both attacks together."""
        return replace(
            self,
            n_tested=self.n_tested + other.n_tested,
            n_first=self.n_first + other.n_first,
            n_ten=self.n_ten + other.n_ten,
        )


def attack_known_pairs(
    specimen: Specimen, tokens: TokenSets, n_known: int, seed: int
) -> KnownPairsResult:
    """Attack as `attack_once`, with other known people until enough people were tested; add the results up."""
    enough = _ENOUGH_TESTS if n_known < _SLOW else _ENOUGH_OF_SLOW_TESTS
    total = attack_once(specimen, tokens, n_known, seed)
    while 0 < total.n_tested < enough:
        seed += 1
        total = total.plus(attack_once(specimen, tokens, n_known, seed))
    return total


def attack_once(specimen: Specimen, tokens: TokenSets, n_known: int, seed: int) -> KnownPairsResult:
    """Attack the records of a specimen that are not among `n_known` random ones.

    Args:
        specimen: encodings, variants included; a record is attacked through all of its encodings.
        tokens: the tokens of each row of the specimen.
        n_known: how many records the attacker knows, fewer than there are.
        seed: chooses them.
    """
    record = specimen.cleaned.record
    people = np.unique(record)
    order = np.random.default_rng(seed).permutation(people)
    is_known = np.isin(record, order[:n_known])
    tested = np.sort(order[n_known : n_known + _MAX_TESTED])
    is_tested = np.isin(record, tested)
    known_tokens = [tokens[row] for row in np.flatnonzero(is_known)]
    wanted = indicators(tokens, seen_often(known_tokens, _SEEN_AT_LEAST))
    base = wanted[is_known].mean(axis=0)
    goal = wanted - base
    bits = _signs(specimen.encodings)
    people_of = np.searchsorted(people, record)
    best = (0, 0)
    for predicted in _predictions(bits[is_known], goal[is_known], bits[is_tested]):
        likeness = _unit(predicted) @ _unit(goal).T
        # A record has as many chances as it has variants, on either side.
        by_person = _best_of(
            _best_of(likeness, people_of, axis=1),
            np.searchsorted(tested, record[is_tested]),
            axis=0,
        )
        best = max(best, _named(by_person, np.searchsorted(people, tested)))
    return KnownPairsResult(n_known, len(tested), len(people), *best)


def _predictions(known: Matrix, goal: Matrix, tested: Matrix) -> Iterator[Matrix]:
    """Yield what each kernel predicts for the tested encodings, in the columns of `goal`."""
    n_bits = known.shape[1]
    among, across = known @ known.T / n_bits, tested @ known.T / n_bits
    for steepness, added in _KERNELS:
        if steepness:
            inner, outer = (np.exp(steepness * (cosine - 1)) for cosine in (among, across))
        else:
            inner, outer = among.copy(), across
        inner[np.diag_indices(len(inner))] += np.float32(added)
        yield outer @ np.linalg.solve(inner, goal)


def _named(likeness: Matrix, right: NDArray[np.intp]) -> tuple[int, int]:
    """Return for how many rows the right column is the first, and among the first ten.

    A tie counts as a guess among the tied, so that an attack that says nothing wins nothing.
    """
    own = likeness[np.arange(len(right)), right][:, None]
    above = (likeness > own).sum(axis=1)
    tied = (likeness == own).sum(axis=1)
    first = np.where(above == 0, 1 / tied, 0).sum()
    ten = np.clip((10 - above) / tied, 0, 1).sum()
    return int(first + 0.5), int(ten + 0.5)


def _best_of(likeness: Matrix, group: NDArray[np.intp], axis: int) -> Matrix:
    """Return the largest value of each group of rows or columns; groups are numbered from 0, in order."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    best: Matrix = np.maximum.reduceat(likeness, starts, axis=axis)
    return best


def _signs(encodings: NDArray[np.uint8]) -> Matrix:
    return np.unpackbits(encodings, axis=1).astype(np.float32) * 2 - 1


def _unit(rows: Matrix) -> Matrix:
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    unit: Matrix = rows / np.maximum(length, 1e-12)[:, None]
    return unit
