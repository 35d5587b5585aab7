"""Similarities and margins in steps of 0.05 of plain CLKs: what may be written down of a single pair.

A run compares encodings; a policy, and whoever reviews a run, thinks in plain CLKs. Each step's start is
mapped with `schemas.profile.encoded_similarity`, exactly, and a pair belongs to the last step whose start
it reaches. So no similarity has to be mapped back, and every reader comes to the same step.
Spec page: `schemas/spec/match-record.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from schemas.errors import PolicyError
from schemas.profile import EncodingProfile, encoded_similarity

N_STEPS: Final = 20
STEP: Final = Fraction(1, N_STEPS)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its start as text, in plain-CLK units, and the least value of encodings that reaches it."""

    text: str
    least: Fraction


def similarity_steps(profile: EncodingProfile) -> tuple[Step, ...]:
    """Return the steps of similarity that this profile can tell apart, increasing.

    The first one is 0, which takes all that lies below the second: under eld1 a low similarity leaves no
    trace. The last one, 0.95, includes 1.
    """
    found = [Step(_text(0), Fraction(0))]
    for number in range(1, N_STEPS):
        try:
            least = encoded_similarity(profile, number * STEP)
        except PolicyError:
            continue
        found.append(Step(_text(number), least))
    return tuple(found)


def margin_steps(profile: EncodingProfile, auto: Fraction) -> tuple[Step, ...]:
    """Return the steps of the lead over the next best pair, increasing, as the margin of a policy is mapped.

    A pair is ahead by a margin m where the encodings' lead is at least that from auto - m to auto
    (`schemas.run.encoded_thresholds`). The first step, 0, is also that of a pair that is behind.
    """
    top = encoded_similarity(profile, auto)
    found = [Step(_text(0), Fraction(0))]
    for number in range(1, N_STEPS + 1):
        below = auto - number * STEP
        try:
            least = top - encoded_similarity(profile, below) if below >= 0 else None
        except PolicyError:
            least = None
        if least is None:
            break
        found.append(Step(_text(number), least))
    return tuple(found)


def step_of(value: Fraction, steps: tuple[Step, ...]) -> str:
    """Return the text of the last step that a value reaches; of the first, where it reaches none."""
    return next((step.text for step in reversed(steps) if value >= step.least), steps[0].text)


def _text(number: int) -> str:
    return f"{number * 5 // 100}.{number * 5 % 100:02d}"
