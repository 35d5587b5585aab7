"""From similarities to thresholds: what each would link rightly and wrongly at the other file's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

# What may go wrong where no person looks: DESIGN's goal for what is linked automatically is 99.8 %.
MAX_FALSE_SHARE = 0.002
# People who look at pairs have time for this share of the smaller file.
MAX_REVIEW_SHARE = 0.03
# A margin may send this share of the right pairs from linked to review.
MAX_MARGIN_COST = 0.005
MARGINS = tuple(Fraction(number, 100) for number in (0, 1, 2, 3, 4, 5))
# Fewer pairs than this do not place a point of the tail; above, the tail is fitted on so many.
_FEWEST_PAIRS, _FITTED_PAIRS = 20, 2_000


@dataclass(frozen=True, slots=True)
class Setting:
    """The two files that are to be linked: records of each, and the part of the own ones that are in both."""

    own_records: int
    other_records: int
    expected_share: float


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was measured, along the thresholds of the sweep.

    Attributes:
        plain: the thresholds in units of plain CLKs, increasing.
        partners: share of the copies that are found at each threshold.
        partner_levels: for each copy, how many thresholds it reaches.
        stranger_pairs: pairs of a record and a stranger at or above each threshold.
        n_stranger_pairs: pairs of a record and a stranger that were compared.
        likeness_factor: how much more often real strangers are alike than decoys, at least 1.
    """

    plain: tuple[Fraction, ...]
    partner_levels: NDArray[np.intp]
    stranger_pairs: NDArray[np.int64]
    n_stranger_pairs: int
    likeness_factor: float

    @property
    def partners(self) -> Curve:
        """Share of the copies that are found at each threshold."""
        reached = np.bincount(self.partner_levels, minlength=len(self.plain) + 1)
        above: Curve = 1 - np.cumsum(reached)[:-1] / max(len(self.partner_levels), 1)
        return above


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What one threshold, without a review, would do: numbers of pairs at each threshold of the sweep."""

    plain: tuple[Fraction, ...]
    right: Curve
    wrong: Curve
    n_true: float

    @property
    def precision(self) -> Curve:
        """Share of the links that are right; 1 where there are none."""
        found: Curve = self.right / np.maximum(self.right + self.wrong, 1e-9)
        return np.where(self.right + self.wrong < 1e-6, 1.0, found)

    @property
    def recall(self) -> Curve:
        """Share of the true pairs that are found."""
        found: Curve = self.right / max(self.n_true, 1e-9)
        return found

    @property
    def f1(self) -> Curve:
        """Harmonic mean of both."""
        both = self.precision + self.recall
        mean: Curve = 2 * self.precision * self.recall / np.maximum(both, 1e-9)
        return mean


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Thresholds for the agreement, in units of plain CLKs, and what is expected of them.

    Attributes:
        auto: at or above, a pair is linked at once.
        review: at or above, a pair is held back for a person's decision.
        margin: how far a pair must be ahead.
        single: the one threshold with the best F1, for linkages without a review.
        n_right: right pairs expected among those linked at once.
        n_wrong: wrong pairs expected among them.
        n_review: pairs expected for review.
        is_safe: whether as few wrong pairs as wanted can be reached at all.
    """

    auto: Fraction
    review: Fraction
    margin: Fraction
    single: Fraction
    n_right: float
    n_wrong: float
    n_review: float
    is_safe: bool


def strangers_per_record(evidence: Evidence, other_records: int) -> Curve:
    """Return how many strangers in the other file reach each threshold, for one record.

    Beyond what was counted, the logarithm of the number of pairs is continued as a straight line.
    """
    counts = evidence.stranger_pairs.astype(np.float64)
    steps = np.arange(len(counts), dtype=np.float64)
    is_fitted = (counts >= _FEWEST_PAIRS) & (counts <= _FITTED_PAIRS)
    if is_fitted.sum() >= 2:
        slope, start = np.polyfit(steps[is_fitted], np.log(counts[is_fitted]), 1)
        line = np.exp(np.minimum(start + slope * steps, np.log(_FITTED_PAIRS) + 1))
        # Never below the line's own end, and never less than what was counted.
        counts = np.where(counts < _FEWEST_PAIRS, np.maximum(counts, line), counts)
    else:
        counts = np.maximum(counts, 3.0 * (counts < 3))
    share = counts / max(evidence.n_stranger_pairs, 1) * evidence.likeness_factor
    per_record: Curve = np.minimum.accumulate(share * other_records)
    return per_record


def forecast(evidence: Evidence, setting: Setting, margin_steps: int = 0) -> Forecast:
    """Return what each threshold would do; a pair counts if no stranger comes within the margin of it.

    Args:
        evidence: what was measured.
        setting: the files that are to be linked.
        margin_steps: the margin in steps of the sweep.
    """
    strangers = strangers_per_record(evidence, setting.other_records)
    n_true = setting.own_records * setting.expected_share
    levels = evidence.partner_levels
    share_at = np.bincount(levels, minlength=len(strangers) + 1)[1:] / max(len(levels), 1)
    last = len(strangers) - 1
    rival = strangers[np.maximum(np.arange(len(strangers)) - margin_steps, 0)]
    better = strangers[np.minimum(np.arange(len(strangers)) + margin_steps, last)]
    undisturbed = share_at * np.exp(-rival)
    overtaken = share_at * (1 - np.exp(-better))
    right = n_true * _from_above(undisturbed)
    somebody = 1 - np.exp(-strangers)
    without = setting.own_records - n_true * evidence.partners
    wrong = without * somebody + n_true * _from_above(overtaken)
    return Forecast(evidence.plain, right, wrong, n_true)


def recommend(evidence: Evidence, setting: Setting) -> Recommendation:
    """Return the thresholds: as few wrong pairs as wanted, then as little review as people have time for."""
    step = float(evidence.plain[1] - evidence.plain[0]) if len(evidence.plain) > 1 else 1.0
    margin = _widest_margin(evidence, setting, step)
    expected = forecast(evidence, setting, round(float(margin) / step))
    is_safe_at = expected.wrong <= MAX_FALSE_SHARE * np.maximum(expected.right, 1e-9)
    is_safe = bool(is_safe_at.any())
    # From the first threshold on at which all higher ones are safe too, while they link anything.
    at = int(np.argmax(is_safe_at)) if is_safe else int(np.argmax(expected.precision))
    low, n_review = _review(evidence, setting, at, expected)
    return Recommendation(
        auto=evidence.plain[at],
        review=evidence.plain[low],
        margin=margin,
        single=evidence.plain[_middle_of_best(forecast(evidence, setting).f1)],
        n_right=float(expected.right[at]),
        n_wrong=float(expected.wrong[at]),
        n_review=n_review,
        is_safe=is_safe,
    )


def _widest_margin(evidence: Evidence, setting: Setting, step: float) -> Fraction:
    """Return the widest margin that costs few of the right pairs, at the threshold that needs none."""
    without = forecast(evidence, setting)
    at = int(np.argmax(without.f1))
    affordable = [
        margin
        for margin in MARGINS
        if without.right[at] - forecast(evidence, setting, round(float(margin) / step)).right[at]
        <= MAX_MARGIN_COST * without.n_true
    ]
    return affordable[-1]


def _review(evidence: Evidence, setting: Setting, at: int, expected: Forecast) -> tuple[int, float]:
    """Return the lowest threshold whose pairs people have time for, and how many pairs that are."""
    strangers = strangers_per_record(evidence, setting.other_records)
    n_true = expected.n_true
    found = n_true * evidence.partners
    # One pair a record goes to review: its partner, or the best stranger where no partner is found.
    pairs = found - expected.right[at] + (setting.own_records - found) * (1 - np.exp(-strangers))
    limit = MAX_REVIEW_SHARE * min(setting.own_records, setting.other_records)
    fitting = np.flatnonzero(pairs[: at + 1] <= limit)
    low = int(fitting[0]) if len(fitting) else at
    return low, float(max(pairs[low], 0.0))


def _middle_of_best(f1: Sequence[float] | Curve) -> int:
    """Return the middle of the thresholds that are as good as the best, to a ten-thousandth."""
    best = np.flatnonzero(np.asarray(f1) >= np.max(f1) - 1e-4)
    return int(best[len(best) // 2])


def _from_above(shares: Curve) -> Curve:
    summed: Curve = np.cumsum(shares[::-1])[::-1]
    return summed
