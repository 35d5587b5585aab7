"""Runs the tasks of a plan, with progress and stopping: ranges of tokens, or blocks of pairs."""

from __future__ import annotations

from app.engine.order import threads
from app.engine.progress import Progress, ProgressMeter
from app.engine.ranges import NumberedRange, StoppedError, number_ranges, work_off

__all__ = [
    "NumberedRange",
    "Progress",
    "ProgressMeter",
    "StoppedError",
    "number_ranges",
    "threads",
    "work_off",
]
