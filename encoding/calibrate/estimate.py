"""How often mistakes happen, estimated from people who are in the file twice.

Two entries of one person differ as the entries of two agencies do. How often they differ in each field, beside
how often copies with middling mistakes do, says how much more or less often such mistakes are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from encoding.blocks.values import ValueTables
from encoding.calibrate.mistakes import MISTAKE_LEVELS, Mistakes
from encoding.calibrate.people import Copies, lane_columns
from encoding.errors import RecordCountError
from encoding.quality.duplicates import DuplicatePair
from schemas.linkage.profile import EncodingProfile

FEWEST_PAIRS: Final = 30
SURE: Final = 0.9
"""Pairs below this probability are not counted: too many of them are two people."""

# So many pairs that differ as copies with middling mistakes do are added, so that few pairs decide little.
_PRIOR_PAIRS: Final = 20
_LEAST_FACTOR, _MOST_FACTOR = 0.1, 5.0
_NEVER: Final = 1e-4


def estimated_mistakes(pairs: Sequence[DuplicatePair], usual: dict[str, float]) -> Mistakes:
    """Return the mistakes that explain how duplicates differ."""
    sure = [pair for pair in pairs if pair.step >= SURE]
    if len(sure) < FEWEST_PAIRS:
        raise RecordCountError(
            f"fewer than {FEWEST_PAIRS} people are in the file twice, too few to estimate mistakes from",
            hint="choose a level of mistakes instead, such as --errors medium",
        )
    medium = MISTAKE_LEVELS["medium"]

    def factor(field: str) -> float:
        n_differing = sum(field in pair.differs for pair in sure)
        before = max(usual.get(field, 0.0), _NEVER)
        share = (n_differing + _PRIOR_PAIRS * before) / (len(sure) + _PRIOR_PAIRS)
        return float(np.clip(share / before, _LEAST_FACTOR, _MOST_FACTOR))

    # What one agency knows of where somebody lives, or of numbers, says nothing of what another one knows.
    return replace(
        medium,
        errors=medium.errors.scaled(
            last=factor("surname"),
            first=factor("first-name"),
            middle=factor("middle-initial"),
            birth=factor("birth-date"),
            sex=factor("sex"),
            zip_code=1.0,
        ),
    )


def differing_shares(profile: EncodingProfile, people: Copies) -> dict[str, float]:
    """Return for each field the share of copies that have another value there than their original."""
    tables = ValueTables(profile)
    left, right = people.lines(tables)
    columns = lane_columns(tables)
    shares = {}
    for field in profile.fields:
        at = [columns.index(lane.column) for lane in field.lanes]
        differs = (left[:, at] != right[:, at]).any(axis=1)
        both = (left[:, at[0]] != 0) & (right[:, at[0]] != 0)
        shares[field.name] = float((differs & both).mean())
    return shares
