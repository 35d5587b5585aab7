"""Runs the blocks of a plan on an executor, with progress, a cap on pairs, and cancelling."""

from __future__ import annotations

from app.engine.progress import Progress, ProgressMeter
from app.engine.run import MatchedBlock, match_blocks
from app.matching.exhaustive.blocks import BLOCK_PAIRS

__all__ = ["BLOCK_PAIRS", "MatchedBlock", "Progress", "ProgressMeter", "match_blocks"]
