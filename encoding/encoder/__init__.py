"""Rows of text in, CLKs out: bit for bit those of clkhash, without its per-row loop."""

from __future__ import annotations

from encoding.encoder.encoder import EncodedChunk, Encoder
from encoding.problems import RowProblem

__all__ = ["EncodedChunk", "Encoder", "RowProblem"]
