"""Learn from some known people what is seen of them, then name the others: plain CLKs beside Blindlink's rows.

Ridge and kernel ridge regression from what is seen of a record to the tokens of a person, in the manner of
Mitchell et al. (2017) and later pattern-learning attacks. The attacker knows how encodings are made, the
people who may be in the file, and for some of them which record is theirs; not the keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.files import ClearFile, Numbers

# A token that fewer known people have cannot be learned.
_SEEN_AT_LEAST = 3
# Share of a kernel's own diagonal that is added to it; the kernels are exp(g (cos - 1)) and, for g = 0, cos.
_KERNELS = ((0.0, 0.02), (0.0, 0.2), (2.0, 0.02), (8.0, 0.05))
_MAX_TESTED = 1_000
_NAMES = ("first_name", "surname_1", "surname_2")
_WHOLE = ("birth_year", "birth_month", "birth_day", "sex")

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class KnownPairsResult:
    """How many people were named rightly, by the best of the regressions.

    Attributes:
        n_known: people whose record the attacker knows.
        n_tested: other people who were attacked.
        n_candidates: people among whom each was sought.
        n_right: tested people for whom the right one was the first guess.
    """

    n_known: int
    n_tested: int
    n_candidates: int
    n_right: int

    @property
    def share(self) -> float:
        """The part of the tested people that was named at the first guess."""
        return self.n_right / self.n_tested if self.n_tested else 0.0


def person_tokens(file: ClearFile, records: Numbers) -> Matrix:
    """Return what is known of people: which pairs of letters and which dates, 0 and 1, shape (n, n tokens)."""
    main = file.main[records].tolist()
    number: dict[tuple[str, str], int] = {}
    rows = [[number.setdefault(token, len(number)) for token in _tokens(file, at)] for at in main]
    found = np.zeros((len(rows), len(number)), dtype=np.float32)
    for row, tokens in enumerate(rows):
        found[row, tokens] = 1
    return found


def attack_known_pairs(
    seen: Matrix, tokens: Matrix, n_known: int, seed: int = 1
) -> KnownPairsResult:
    """Attack the records that are not among `n_known` random ones."""
    order = np.random.default_rng(seed).permutation(len(seen))
    known, tested = order[:n_known], order[n_known : n_known + _MAX_TESTED]
    wanted = tokens[:, tokens[known].sum(axis=0) >= _SEEN_AT_LEAST]
    goal = wanted - wanted[known].mean(axis=0)
    best = 0
    for predicted in _predictions(seen[known], goal[known], seen[tested]):
        best = max(best, _named(_unit(predicted) @ _unit(goal).T, tested))
    return KnownPairsResult(n_known, len(tested), len(seen), best)


def signs(packed: NDArray[np.uint8]) -> Matrix:
    """Return the bits of encodings as plus and minus one."""
    return np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1


def scaled(features: NDArray[np.int64]) -> Matrix:
    """Return features with mean 0 and deviation 1, each value of few ones as a column of its own."""
    columns = [features.astype(np.float32)]
    for feature in features.T:
        kinds = np.unique(feature)
        columns.append((feature[:, None] == kinds[:16]).astype(np.float32))
    table = np.concatenate(columns, axis=1)
    deviation = table.std(axis=0)
    table = (table - table.mean(axis=0))[:, deviation > 0]
    return np.asarray(table / deviation[deviation > 0], dtype=np.float32)


def _tokens(file: ClearFile, line: int) -> Iterator[tuple[str, str]]:
    for name in _NAMES:
        text: str = file.columns[name][line]
        yield from {(name, pair) for pair in _bigrams(text)}
    for name in _WHOLE:
        if name in file.columns:
            yield name, file.columns[name][line]


def _bigrams(text: str) -> Sequence[str]:
    padded = f" {text} "
    return [padded[at : at + 2] for at in range(len(padded) - 1)]


def _predictions(known: Matrix, goal: Matrix, tested: Matrix) -> Iterator[Matrix]:
    """Yield what each kernel predicts for the tested records, in the columns of `goal`."""
    known, tested = _unit(known), _unit(tested)
    among, across = known @ known.T, tested @ known.T
    for steepness, added in _KERNELS:
        if steepness:
            inner, outer = (np.exp(steepness * (cosine - 1)) for cosine in (among, across))
        else:
            inner, outer = among.copy(), across
        inner[np.diag_indices(len(inner))] += np.float32(added)
        yield outer @ np.linalg.solve(inner, goal)


def _named(likeness: Matrix, right: NDArray[np.intp]) -> int:
    """Return for how many rows the right column is the first; a tie is a guess among the tied."""
    own = likeness[np.arange(len(right)), right][:, None]
    above, tied = (likeness > own).sum(axis=1), (likeness == own).sum(axis=1)
    return int(np.where(above == 0, 1 / tied, 0).sum() + 0.5)


def _unit(rows: Matrix) -> Matrix:
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    unit: Matrix = rows / np.maximum(length, 1e-12)[:, None]
    return unit
