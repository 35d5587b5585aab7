"""What counts as a link: the numbers that the parties agreed on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from app.matching.exhaustive.errors import ThresholdError
from app.matching.exhaustive.limits import check_threshold

Solver: TypeAlias = Literal["one-to-one", "groups"]


@dataclass(frozen=True, slots=True)
class MatchingPolicy:
    """Thresholds in units of the similarity of what is compared, margin and solver.

    Attributes:
        auto: at or above, a pair may be linked without a person's decision.
        review: at or above, a pair is a candidate; at most `auto`.
        margin: how far a pair must be ahead of each side's runner-up to be linked.
        solver: "one-to-one" for each pair of files, or "groups" over all files.

    Raises:
        ThresholdError: a number is not an exact fraction in its range, or the solver is unknown.
    """

    auto: Fraction
    review: Fraction
    margin: Fraction
    solver: Solver

    def __post_init__(self) -> None:
        check_threshold(self.auto)
        check_threshold(self.review)
        if self.review > self.auto:
            raise ThresholdError("the review threshold must not be above the auto threshold")
        if not isinstance(self.margin, Fraction) or not 0 <= self.margin <= 1:
            raise ThresholdError("the margin must be an exact fraction from 0 to 1")
        if self.solver not in ("one-to-one", "groups"):
            raise ThresholdError('the solver must be "one-to-one" or "groups"')
