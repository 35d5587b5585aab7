"""The matching engine: packed encodings in, candidate pairs and groups out.

Order of the modules is the order of the data: words, limits, fold, comparison, kernels, dice, blocks,
pipeline, bands, solver, judged, resolution.
"""

from __future__ import annotations

from app.matching.exhaustive.bands import Band, Rule
from app.matching.exhaustive.blocks import BLOCK_PAIRS, Block, Dataset, plan_blocks
from app.matching.exhaustive.candidates import (
    Candidates,
    candidates_from_bytes,
    candidates_to_bytes,
)
from app.matching.exhaustive.contested_records import contested_records
from app.matching.exhaustive.dice import dice_candidates, dice_duplicates
from app.matching.exhaustive.errors import (
    DatasetError,
    EncodingWidthError,
    KernelError,
    MatchingCancelledError,
    MatchingError,
    PairCapError,
    ThresholdError,
)
from app.matching.exhaustive.estimate import Estimate, estimate
from app.matching.exhaustive.groups import Groups
from app.matching.exhaustive.kernels import available_kernels, kernel_name
from app.matching.exhaustive.ordered_pairs import OrderedPairs, order_pairs, solve_pairs
from app.matching.exhaustive.pipeline import match_block
from app.matching.exhaustive.policy import MatchingPolicy
from app.matching.exhaustive.resolution import Decisions, Resolution, resolve
from app.matching.exhaustive.words import Words, pack_words

__all__ = [
    "BLOCK_PAIRS",
    "Band",
    "Block",
    "Candidates",
    "Dataset",
    "DatasetError",
    "Decisions",
    "EncodingWidthError",
    "Estimate",
    "Groups",
    "KernelError",
    "MatchingCancelledError",
    "MatchingError",
    "MatchingPolicy",
    "OrderedPairs",
    "PairCapError",
    "Resolution",
    "Rule",
    "ThresholdError",
    "Words",
    "available_kernels",
    "candidates_from_bytes",
    "candidates_to_bytes",
    "contested_records",
    "dice_candidates",
    "dice_duplicates",
    "estimate",
    "kernel_name",
    "match_block",
    "order_pairs",
    "pack_words",
    "plan_blocks",
    "resolve",
    "solve_pairs",
]
