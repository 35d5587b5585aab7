"""Attack: guess sex, year of birth, names and more of linked children from what their meetings show.

The attacker knows these of some linked children, learns how they go with distances, numbers of common cells and
neighbours, and guesses the others. Two learners are tried: naive Bayes over all features, and a table of whole
patterns; the better one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.files import ClearFile, Numbers
from encoding.privacy_audit.labels import Labels
from encoding.privacy_audit.refinement import SharedCells

_FEWEST: Final = 100
_STEP_BITS: Final = 4
_MOST_COUNTED: Final = 9
_SPELLING: Final = ("first_name", "surname_1", "surname_2")

Features = NDArray[np.int64]
"""Small whole numbers, shape (n children, n features)."""


@dataclass(frozen=True, slots=True)
class AttributeResult:
    """How well one attribute was guessed.

    Attributes:
        name: of the attribute.
        n: children who were guessed.
        share: of two kinds, how often one of each is told apart (AUC); of more, how often the guess is right.
        chance: what someone reaches who sees nothing: one half, or the most frequent kind.
        error: standard error of `share`.
    """

    name: str
    n: int
    share: float
    chance: float
    error: float

    @property
    def gain(self) -> float:
        """What was gained over chance."""
        return self.share - self.chance


def pair_features(graph: SharedCells, labels: Labels, chosen: Numbers) -> Features:
    """Return what a broker sees of linked pairs and of the records around them."""
    edges, within = graph.between, graph.within
    left, right = edges.left[chosen], edges.right[chosen]
    cells = np.bincount(edges.left, edges.n_cells, minlength=graph.n_smaller)[left]
    around = np.bincount(edges.left, minlength=graph.n_smaller)[left]
    beside = np.bincount(edges.right, minlength=graph.n_larger)[right]
    both = np.concatenate([within.left, within.right])
    own_file = np.bincount(both, minlength=graph.n_smaller)[left]
    counted = [edges.n_cells[chosen], cells, around, beside, own_file]
    features = [np.minimum(number, 3 * _MOST_COUNTED).astype(np.int64) for number in counted]
    sure = labels.certain(edges.nearest)
    for lane in range(sure.shape[1]):
        features.append(sure[chosen, lane].astype(np.int64) + 1)
        # How many of the neighbours are alike in this lane: twins, siblings, namesakes.
        alike = np.bincount(edges.left, sure[:, lane] == 1, minlength=graph.n_smaller)[left]
        features.append(np.minimum(alike, _MOST_COUNTED).astype(np.int64))
    steps = (edges.distance[chosen] / _STEP_BITS).astype(np.int64)
    return np.column_stack([*features, steps])


def attributes_of(file: ClearFile, groups: Sequence[str] | None) -> dict[str, NDArray[np.str_]]:
    """Return what is guessed of each record of a file, by name; an empty text is not known."""
    main = file.main.tolist()

    def column(name: str) -> list[str]:
        return [file.columns[name][at] for at in main]

    spellings = zip(*(file.columns[name] for name in _SPELLING), strict=True)
    distinct = {
        (record, *names) for record, names in zip(file.record.tolist(), spellings, strict=True)
    }
    owners = np.array([one[0] for one in distinct], dtype=np.int64)
    has_alias = np.bincount(owners, minlength=file.n_records) > 1
    first, surname = column("first_name"), column("surname_1")
    is_double = [one != two for one, two in zip(surname, column("surname_2"), strict=True)]
    common = _most_common(surname, 50)
    found = {
        "sex": column("sex"),
        "birth year": column("birth_year"),
        "name length": [str(len(name)) if name else "" for name in first],
        "double surname": ["yes" if double else "no" for double in is_double],
        "first letter of the surname": [name[:1] for name in surname],
        "first name": first,
        "common surname": ["yes" if name in common else "no" for name in surname],
        "has an alias": ["yes" if alias else "no" for alias in has_alias.tolist()],
    }
    if groups is not None:
        found["ethnic group"] = list(groups)
        found["Hispanic"] = ["yes" if group == "hispanic" else "no" for group in groups]
    return {name: np.array(values) for name, values in found.items()}


def guess_attribute(
    name: str, features: Features, values: NDArray[np.str_], seed: int = 1
) -> AttributeResult | None:
    """Learn from one half and guess the other, both ways round; None where there are too few to tell."""
    known = np.flatnonzero(values != "")
    kinds, numbers = np.unique(values[known], return_inverse=True)
    if len(known) < _FEWEST or len(kinds) < 2:
        return None
    order = np.random.default_rng(seed).permutation(len(known))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    best: tuple[float, float, float] | None = None
    for learn in (_naive_bayes, _whole_patterns):
        score = np.zeros((len(known), len(kinds)))
        for one, other in (halves, halves[::-1]):
            score[other] = learn(
                features[known[one]], numbers[one], features[known[other]], len(kinds)
            )
        found = _judged(score, numbers)
        best = max(best or found, found, key=lambda result: result[0] - result[1])
    share, chance, error = best or (0.0, 0.0, 0.0)
    return AttributeResult(name, len(known), share, chance, error)


def _judged(score: NDArray[np.float64], numbers: Numbers) -> tuple[float, float, float]:
    n = len(numbers)
    if score.shape[1] == 2:
        return (*area(score[:, 1] - score[:, 0], numbers == 1),)
    share = float((score.argmax(axis=1) == numbers).mean())
    chance = float(np.bincount(numbers).max()) / n
    return share, chance, float(np.sqrt(chance * (1 - chance) / n))


def area(score: NDArray[np.float64], is_one: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return the area under the curve, chance, and the standard error (Hanley and McNeil 1982, at chance)."""
    values, of = np.unique(score, return_inverse=True)
    counts = np.bincount(of.reshape(-1), minlength=len(values))
    rank = (np.cumsum(counts) - (counts - 1) / 2)[of.reshape(-1)]
    n_one, n_other = int(is_one.sum()), int((~is_one).sum())
    above = rank[is_one].sum() - n_one * (n_one + 1) / 2
    error = float(np.sqrt((n_one + n_other + 1) / (12 * n_one * n_other)))
    return float(above / (n_one * n_other)), 0.5, error


def _naive_bayes(
    seen: Features, kind: Numbers, asked: Features, n_kinds: int
) -> NDArray[np.float64]:
    prior = np.bincount(kind, minlength=n_kinds) + 1.0
    score = np.tile(np.log(prior / prior.sum()), (len(asked), 1))
    for column in range(seen.shape[1]):
        least = min(seen[:, column].min(), asked[:, column].min())
        width = int(max(seen[:, column].max(), asked[:, column].max()) - least + 1)
        table = np.bincount(kind * width + seen[:, column] - least, minlength=n_kinds * width)
        rates = table.reshape(n_kinds, width) + 1.0
        score += np.log(rates / rates.sum(axis=1, keepdims=True)).T[asked[:, column] - least]
    return score


def _whole_patterns(
    seen: Features, kind: Numbers, asked: Features, n_kinds: int
) -> NDArray[np.float64]:
    """Return how often each kind had exactly this pattern, with ten children of the usual mixture added."""
    _, of = np.unique(np.concatenate([seen, asked]), axis=0, return_inverse=True)
    of = of.reshape(-1)
    table = np.zeros((int(of.max(initial=0)) + 1, n_kinds))
    np.add.at(table, (of[: len(seen)], kind), 1.0)
    usual = np.bincount(kind, minlength=n_kinds) / len(kind)
    table += 10 * usual
    score: NDArray[np.float64] = np.log(table / table.sum(axis=1, keepdims=True) + 1e-9)
    return score[of[len(seen) :]]


def _most_common(names: list[str], n: int) -> set[str]:
    kinds, counts = np.unique(np.array(names), return_counts=True)
    return set(kinds[np.argsort(-counts, kind="stable")][:n].tolist())
