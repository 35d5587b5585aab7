"""Encode columns of text into CLKs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoding.encoder.linkage_schema import read_linkage_schema
from encoding.errors import ColumnLengthError, MissingColumnError
from encoding.extras.plain_clks.memory import Masks, ValueMemory, n_words
from encoding.problems import RowProblem

Filters = NDArray[np.uint8]
"""Packed filters, shape (n, ceil(bits / 8)); bit i is byte i // 8, mask 0x80 >> i % 8."""

# Rows at a time: small enough for the masks of one field to stay in a processor's cache.
_BLOCK_ROWS = 8192
_MEMORY_BYTES = 128 << 20
_MAX_REMEMBERED = 1 << 17


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """CLKs of some rows.

    Attributes:
        filters: one row each, in the order of the input; all zero for a row with a problem.
        problems: every cell that cannot be encoded, by row, then in the order of the linkage schema.
    """

    filters: Filters
    problems: tuple[RowProblem, ...]


class Encoder:
    """Encodes rows by one linkage schema and one key, bit for bit as clkhash does.

    Distinct values are read and hashed once, and remembered within bounded memory, until `clear` or the
    end of the `with` block: what is remembered is as sensitive as the rows.

    Attributes:
        columns: the identifiers that are encoded, in the order of the schema, each once.
        ignored: the identifiers that the schema names and does not encode.
        clk_bits: length of a CLK.
        warnings: sentences that the agency must see before it encodes; empty if there are none.
    Raises:
        LinkageSchemaError: no row can be encoded with this schema.
    """

    def __init__(self, linkage_schema: Mapping[str, object], clk_key: str) -> None:
        schema = read_linkage_schema(linkage_schema, clk_key)
        self.columns = tuple(dict.fromkeys(field.identifier for field in schema.fields))
        self.ignored = schema.ignored
        self.clk_bits = schema.clk_bits
        self.warnings = schema.warnings
        self._hash_bits = schema.hash_bits
        self._n_folds = schema.n_folds
        row_bytes = 8 * n_words(schema.hash_bits)
        limit = min(_MAX_REMEMBERED, _MEMORY_BYTES // (len(schema.fields) * row_bytes))
        self._fields = tuple(
            (field.identifier, ValueMemory(field, schema.hash_bits, limit))
            for field in schema.fields
        )

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget every value that was encoded."""
        for _, memory in self._fields:
            memory.clear()

    def encode(self, columns: Mapping[str, Sequence[str]], first_row: int = 1) -> EncodedChunk:
        """Return the CLKs of some rows.

        Args:
            columns: the cells of each column, as text, all of one length; columns that the schema does
                not encode are not looked at.
            first_row: number of the first row, for the problems.
        Raises:
            MissingColumnError: a column that the schema encodes is not there.
            ColumnLengthError: the columns have different lengths.
        """
        n_rows = self._check(columns)
        filters = np.empty((n_rows, -(-self.clk_bits // 8)), dtype=np.uint8)
        problems: list[RowProblem] = []
        for start in range(0, n_rows, _BLOCK_ROWS):
            end = min(n_rows, start + _BLOCK_ROWS)
            block = {name: columns[name][start:end] for name in self.columns}
            masks, found = self._encode_block(block, first_row + start)
            filters[start:end] = self._fold(masks)
            problems.extend(found)
        return EncodedChunk(filters, tuple(problems))

    def _check(self, columns: Mapping[str, Sequence[str]]) -> int:
        for name in self.columns:
            if name not in columns:
                raise MissingColumnError(
                    f"the column {name}, which the linkage schema encodes, is missing"
                )
        lengths = {len(columns[name]) for name in self.columns}
        if len(lengths) != 1:
            raise ColumnLengthError("the columns do not all have the same number of rows")
        return lengths.pop()

    def _encode_block(
        self, columns: Mapping[str, Sequence[str]], first_row: int
    ) -> tuple[Masks, list[RowProblem]]:
        n_rows = len(columns[self.columns[0]])
        masks = np.zeros((n_rows, n_words(self._hash_bits)), dtype=np.uint64)
        problems: list[RowProblem] = []
        for name, memory in self._fields:
            rows = memory.rows_of(columns[name])
            masks |= memory.masks[rows]
            if memory.broken:
                at = np.flatnonzero(np.isin(rows, list(memory.broken)))
                problems.extend(
                    RowProblem(first_row + i, name, memory.broken[int(rows[i])])
                    for i in at.tolist()
                )
        masks[[problem.row - first_row for problem in problems]] = 0
        return masks, sorted(problems, key=lambda problem: problem.row)

    def _fold(self, masks: Masks) -> Filters:
        """Return the folded filters as packed bytes."""
        packed = masks.view(np.uint8)
        if not self._n_folds:
            return packed[:, : -(-self.clk_bits // 8)]
        if self.clk_bits % 8 == 0:
            return _xor_halves(packed[:, : self._hash_bits // 8], self._n_folds)
        bits = np.unpackbits(packed, axis=1, count=self._hash_bits)
        return np.packbits(_xor_halves(bits, self._n_folds), axis=1)


def _xor_halves(rows: Filters, n_folds: int) -> Filters:
    for _ in range(n_folds):
        half = rows.shape[1] // 2
        rows = rows[:, :half] ^ rows[:, half:]
    return rows
