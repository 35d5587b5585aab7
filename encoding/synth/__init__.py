"""Rehearsal data: two agencies' files of invented people, with the truth about who is who."""

from __future__ import annotations

from encoding.synth.files import (
    CHILD_WELFARE_LAYOUT,
    K12_LAYOUT,
    Layout,
    RehearsalFiles,
    refuse_other_files,
)
from encoding.synth.rehearsal import SIZES, RehearsalSize, write_rehearsal
from encoding.synth.slips import ERROR_LEVELS

__all__ = [
    "CHILD_WELFARE_LAYOUT",
    "ERROR_LEVELS",
    "K12_LAYOUT",
    "SIZES",
    "Layout",
    "RehearsalFiles",
    "RehearsalSize",
    "refuse_other_files",
    "write_rehearsal",
]
