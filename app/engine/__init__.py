"""Runs the tasks of a plan, with progress and stopping: ranges of tokens, or blocks of pairs."""

from __future__ import annotations

from app.engine.order import threads
from app.engine.progress import Progress, ProgressMeter
from app.engine.ranges import NumberedRange, StoppedError, number_ranges, work_off
from app.engine.run import MatchedBlock, find_pairs, match_blocks
from app.matching.exhaustive.blocks import BLOCK_PAIRS

__all__ = [
    "BLOCK_PAIRS",
    "MatchedBlock",
    "NumberedRange",
    "Progress",
    "ProgressMeter",
    "StoppedError",
    "find_pairs",
    "match_blocks",
    "number_ranges",
    "threads",
    "work_off",
]
