"""Probabilities and leads in steps: what may be written down of a single pair.

A pair belongs to the last step whose start it reaches, by whole weights, so that every reader comes to the
same step. Spec page: `schemas/spec/match-record.md`.
"""

from __future__ import annotations

from typing import Final, Literal

ProbabilityStep = Literal[
    "0.00", "0.05", "0.10", "0.20", "0.30", "0.40", "0.50", "0.60", "0.70", "0.80", "0.90", "0.95", "0.99",
    "0.999",
]  # fmt: skip
"""The start of a step of match probability."""

PROBABILITY_STEPS: Final[tuple[ProbabilityStep, ...]] = (
    "0.00", "0.05", "0.10", "0.20", "0.30", "0.40", "0.50", "0.60", "0.70", "0.80", "0.90", "0.95", "0.99",
    "0.999",
)  # fmt: skip

LeadStep = Literal[0, 1, 2, 5, 10, 20, 50, 100, 1000]
"""How many times as likely as the best other pair of either record, at least; 0: the other is likelier."""

LEAD_STEPS: Final[tuple[LeadStep, ...]] = (0, 1, 2, 5, 10, 20, 50, 100, 1000)
