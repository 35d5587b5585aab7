"""Runs the tasks of a plan, with progress and stopping: ranges of tokens, or blocks of pairs."""

from __future__ import annotations

from app.engine.progress import Progress, ProgressMeter
from app.engine.ranges import MetRange, NumberedRange, StoppedError, meet_ranges, number_ranges
from app.engine.run import MatchedBlock, match_blocks
from app.matching.exhaustive.blocks import BLOCK_PAIRS

__all__ = [
    "BLOCK_PAIRS",
    "MatchedBlock",
    "MetRange",
    "NumberedRange",
    "Progress",
    "ProgressMeter",
    "StoppedError",
    "match_blocks",
    "meet_ranges",
    "number_ranges",
]
