"""Match weights by Fellegi and Sunter: m by expectation maximisation with u fixed, then whole numbers.

Every sum is exact (`math.fsum`), every product is taken in the order of the fields, and logarithms are
rounded from 40 decimal digits: the same counts give the same weights on every machine.
Source: Fellegi and Sunter (1969), "A Theory for Record Linkage"; Winkler (1988) for the EM. Spec page:
`schemas/spec/matching.md`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.levels import Codes, LevelRules
from schemas.linkage.counts import FileCounts
from schemas.linkage.fields import MILLION
from schemas.linkage.profile import EncodingProfile

# Weights are whole numbers of a thousandth of a bit.
UNIT: Final = 1000
MAX_ROUNDS: Final = 200
_CLOSE_ENOUGH: Final = 1e-9
# What the counts of strangers are smoothed by, a level: three tenths of a pair.
_SMOOTHING: Final = 3
_LEAST_M: Final = 1e-9
_FEWEST_MATCHES: Final = 0.5
_DIGITS: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)

Ratios = tuple[tuple[float, ...], ...]
"""A number a field and level; place 0 is that of a missing field."""

LevelPlaces = NDArray[np.intp]
"""The level of each pattern and field, shape (n patterns, n fields)."""


@dataclass(frozen=True, slots=True)
class Model:
    """What is known before a run's pairs are looked at.

    Attributes:
        m: how often true matches are at each level, as shipped; place 0 is 0.
        u: how often strangers are.
        twins: how often twins are.
        twin_rate: share of twins among pairs of records.
        dependence: thousandths of a bit that are taken off where both names agree.
        dependent: levels, by field number, of which all must be reached for it.
        strength: how many true pairs the shipped m weigh as much as.
    """

    m: Ratios
    u: Ratios
    twins: Ratios
    twin_rate: float
    dependence: int
    dependent: tuple[tuple[int, frozenset[int]], ...]
    strength: int


@dataclass(frozen=True, slots=True)
class PatternTable:
    """The comparison patterns of a run's pairs, each once, in increasing order.

    Attributes:
        codes: the patterns.
        levels: their levels, one tuple a pattern.
        pairs: how many pairs have each.
    """

    codes: tuple[int, ...]
    levels: tuple[tuple[int, ...], ...]
    pairs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a run, in thousandths of a bit, and what they were worked out from.

    Attributes:
        fields: weight of each field and level; place 0, a missing field, is 0.
        prior: weight of a match before anything is compared: log2 of `expected` / all pairs.
        total: weight of each pattern: prior, fields, what dependence and twins take off.
        twins: what the chance of twins takes off each pattern.
        m: the m that the run was fitted to.
        expected: expected number of matches among all pairs.
        rounds: how many rounds the fit took.
    """

    fields: tuple[tuple[int, ...], ...]
    prior: int
    total: tuple[int, ...]
    twins: tuple[int, ...]
    m: Ratios
    expected: float
    rounds: int


def model_of(profile: EncodingProfile, counts: FileCounts, n_larger: int) -> Model:
    """Return the model of a profile and what the larger file's agency has counted.

    Args:
        profile: the encoding profile.
        counts: of the larger file.
        n_larger: how many records it has.
    """
    number = {field.name: at for at, field in enumerate(profile.fields)}
    dependent = tuple(
        (
            number[named.field],
            frozenset(
                at
                for at, level in enumerate(profile.fields[number[named.field]].levels, start=1)
                if level.name in named.levels
            ),
        )
        for named in (profile.dependence.levels if profile.dependence else ())
    )
    return Model(
        m=tuple((0.0, *(level.m / MILLION for level in field.levels)) for field in profile.fields),
        u=tuple((0.0, *_smoothed(one.strangers)) for one in counts.fields),
        twins=tuple((0.0, *(share / MILLION for share in one.twins)) for one in counts.fields),
        twin_rate=2 * counts.twin_pairs / n_larger**2,
        dependence=counts.dependence if dependent else 0,
        dependent=dependent,
        strength=profile.strength,
    )


def shipped_scores(model: Model) -> tuple[tuple[int, ...], ...]:
    """Return the weights under the shipped m alone: they choose the best cell of a pair, before the fit."""
    return _field_weights(model.m, model.u)


def count_patterns(rules: LevelRules, lots: Iterable[Codes]) -> PatternTable:
    """Return the patterns of a run's pairs, one a pair, with how often each occurs."""
    counted = [np.unique(codes, return_counts=True) for codes in lots]
    codes = np.concatenate([np.empty(0, np.int64), *(one for one, _ in counted)])
    distinct, at = np.unique(codes, return_inverse=True)
    n_pairs = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(n_pairs, at, np.concatenate([np.empty(0, np.int64), *(n for _, n in counted)]))
    levels = tuple(map(tuple, rules.levels_of(distinct).tolist()))
    return PatternTable(tuple(distinct.tolist()), levels, tuple(n_pairs.tolist()))


def fit_weights(
    model: Model, table: PatternTable, *, n_pairs: int, prior_matches: float
) -> Weights:
    """Fit m and the number of matches to the pattern counts, and return the weights.

    Args:
        model: u, twins, dependence and the shipped m.
        table: the patterns of all candidate pairs.
        n_pairs: records of one file times records of the other.
        prior_matches: expected matches that the fit starts from.
    """
    levels = np.array(table.levels, dtype=np.intp).reshape(len(table.pairs), len(model.m))
    n_each = np.array(table.pairs, dtype=np.float64)
    twin_factors, dependence = _twin_factors(model, levels), _dependence(model, levels)
    taken_off = twin_factors * np.where(dependence > 0, _exp2(model.dependence), 1.0)
    m, rate = model.m, prior_matches / n_pairs
    rounds = 0
    while rounds < MAX_ROUNDS:
        rounds += 1
        odds = rate * _ratios(m, model.u, levels) / taken_off
        shares = n_each * (odds / (1.0 + odds))
        m = tuple(
            _refit(m_0, shares, levels[:, number], model.strength)
            for number, m_0 in enumerate(model.m)
        )
        before, rate = rate, max(math.fsum(shares.tolist()), _FEWEST_MATCHES) / n_pairs
        if abs(rate - before) <= _CLOSE_ENOUGH * rate:
            break
    fields, prior = _field_weights(m, model.u), weight(rate)
    twins = [weight(factor) for factor in twin_factors.tolist()]
    total = prior - dependence - np.array(twins, dtype=np.int64)
    for number, of_level in enumerate(fields):
        total += np.array(of_level, dtype=np.int64)[levels[:, number]]
    return Weights(fields, prior, tuple(total.tolist()), tuple(twins), m, rate * n_pairs, rounds)


def taken_off(model: Model, levels: Sequence[int]) -> tuple[int, int]:
    """Return what dependence of names, and what the chance of twins, takes off a pattern of these levels."""
    pattern = np.array([levels], dtype=np.intp)
    return int(_dependence(model, pattern)[0]), weight(float(_twin_factors(model, pattern)[0]))


@lru_cache(maxsize=1 << 16)
def weight(ratio: float) -> int:
    """Return 1000 log2 of a ratio, rounded to the nearest whole number, half to even."""
    if ratio == 1.0:
        return 0
    exact = _DIGITS.divide(_DIGITS.ln(Decimal(ratio)), _DIGITS.ln(Decimal(2)))
    return int(_DIGITS.multiply(exact, Decimal(UNIT)).to_integral_value(ROUND_HALF_EVEN))


def probability(total: int) -> float:
    """Return the match probability of a pattern's total weight."""
    return 1 / (1 + _exp2(-total))


def count_weights(totals: NDArray[np.int64]) -> Counter[int]:
    """Return how many pairs have each total weight."""
    weights, n_each = np.unique(totals, return_counts=True)
    return Counter(dict(zip(weights.tolist(), n_each.tolist(), strict=True)))


def expected_matches(n_each: Mapping[int, int]) -> float:
    """Return the expected number of matches among pairs, of which so many have each total weight."""
    # A product for each weight, and an exact sum, come out the same in any order.
    return math.fsum(n * probability(total) for total, n in n_each.items())


def least_weight(probability_text: str) -> int:
    """Return the least total weight whose match probability is at least this decimal text, above 0, below 1."""
    wanted = Decimal(probability_text)
    odds = _DIGITS.divide(wanted, _DIGITS.subtract(Decimal(1), wanted))
    exact = _DIGITS.divide(_DIGITS.ln(odds), _DIGITS.ln(Decimal(2)))
    return math.ceil(_DIGITS.multiply(exact, Decimal(UNIT)))


def _exp2(weight_units: int) -> float:
    # Decimal, since the exp of two C libraries may differ in the last bit.
    power = _DIGITS.divide(Decimal(weight_units), Decimal(UNIT))
    return float(_DIGITS.exp(_DIGITS.multiply(power, _DIGITS.ln(Decimal(2)))))


def _smoothed(strangers: Sequence[int]) -> tuple[float, ...]:
    whole = 10 * sum(strangers) + _SMOOTHING * len(strangers)
    return tuple((10 * n + _SMOOTHING) / whole for n in strangers)


def _field_weights(m: Ratios, u: Ratios) -> tuple[tuple[int, ...], ...]:
    return tuple(
        (0, *(weight(max(m_l, _LEAST_M) / u_l) for m_l, u_l in zip(m_f[1:], u_f[1:], strict=True)))
        for m_f, u_f in zip(m, u, strict=True)
    )


def _twin_factors(model: Model, levels: LevelPlaces) -> NDArray[np.float64]:
    return 1.0 + model.twin_rate * _ratios(model.twins, model.u, levels)


def _dependence(model: Model, levels: LevelPlaces) -> NDArray[np.int64]:
    return np.where(_dependent(model, levels), model.dependence, 0)


def _dependent(model: Model, levels: LevelPlaces) -> NDArray[np.bool_]:
    """Tell which patterns reach all levels that depend on each other."""
    found = np.full(len(levels), bool(model.dependent))
    for number, wanted in model.dependent:
        found &= np.isin(levels[:, number], sorted(wanted))
    return found


def _ratios(top: Ratios, bottom: Ratios, levels: LevelPlaces) -> NDArray[np.float64]:
    """Return for each pattern the product of its fields' ratios, taken in the order of the fields."""
    product = np.ones(len(levels))
    for number, (top_f, bottom_f) in enumerate(zip(top, bottom, strict=True)):
        each = [1.0]
        each += [max(a, _LEAST_M) / b for a, b in zip(top_f[1:], bottom_f[1:], strict=True)]
        product *= np.array(each)[levels[:, number]]
    return product


def _refit(
    m_0: tuple[float, ...], shares: NDArray[np.float64], level: NDArray[np.intp], strength: int
) -> tuple[float, ...]:
    """Return a field's m: expected matches at each level, and the shipped m as so many pairs more."""
    found = [math.fsum(shares[level == at].tolist()) for at in range(1, len(m_0))]
    whole = math.fsum(found) + strength
    return (0.0, *((n + strength * m_l) / whole for n, m_l in zip(found, m_0[1:], strict=True)))
