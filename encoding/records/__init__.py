"""Read the agency's file as columns of text, some rows at a time: CSV, XLSX or Parquet."""

from __future__ import annotations

from encoding.records.file_kinds import open_table
from encoding.records.table import Chunk, Table

__all__ = ["Chunk", "Table", "open_table"]
