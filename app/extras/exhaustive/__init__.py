"""Every pair of plain CLKs: packed encodings in, pairs and groups out.

Order of the modules is the order of the data: words, limits, fold, comparison, kernels, dice, blocks,
ordered pairs, solver, groups.
"""

from __future__ import annotations

from app.extras.exhaustive.blocks import BLOCK_PAIRS, Block, match_block, plan_blocks
from app.extras.exhaustive.candidates import Candidates
from app.extras.exhaustive.dice import dice_candidates
from app.extras.exhaustive.errors import (
    DatasetError,
    EncodingWidthError,
    KernelError,
    MatchingError,
    PairCapError,
    ThresholdError,
)
from app.extras.exhaustive.groups import Groups
from app.extras.exhaustive.kernels import kernel_name
from app.extras.exhaustive.ordered_pairs import OrderedPairs, order_pairs, solve_pairs
from app.extras.exhaustive.words import Words, pack_words

__all__ = [
    "BLOCK_PAIRS",
    "Block",
    "Candidates",
    "DatasetError",
    "EncodingWidthError",
    "Groups",
    "KernelError",
    "MatchingError",
    "OrderedPairs",
    "PairCapError",
    "ThresholdError",
    "Words",
    "dice_candidates",
    "kernel_name",
    "match_block",
    "order_pairs",
    "pack_words",
    "plan_blocks",
    "solve_pairs",
]
