"""From the agency's rows to derived ones: cleaned by the profile's recipe, with what cannot be used named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from encoding.errors import ConfigError, MissingColumnError
from encoding.problems import RowProblem
from encoding.recipe import Recipe
from encoding.recipe.memo import Remembered
from encoding.recipe.numbers import read_number
from encoding.records import Chunk
from encoding.records.table import Kept
from schemas.linkage.fields import NUMBER_INPUTS
from schemas.linkage.profile import EncodingProfile, memory_columns


@dataclass(frozen=True, slots=True)
class CleanedRows:
    """Derived rows of some rows of a file: of each its main spelling, then its aliases.

    Attributes:
        rows: number of the row that each was made from, shape (n,).
        columns: the derived columns, all of that length, and those of memory, which are empty.
        problems: why rows are missing, by row; columns as the agency's file calls them.
    """

    rows: NDArray[np.int64]
    columns: Mapping[str, list[str]]
    problems: tuple[RowProblem, ...]


class RowCleaner:
    """Cleans rows of one file by a profile's recipe; what it remembers between chunks is bounded.

    Attributes:
        header_of: the recipe's name of each column that is read, to the file's name for it.
        headers: the columns of the file that are read, in the order of the recipe.
        number_header: the file's column of the known number; None where there is none.
    Args:
        profile: names the recipe.
        columns: names of the recipe to headers of the file; a name that is not there is looked for under
            itself.
        available: the headers of the file.
        date_format: how the file writes dates.
    Raises:
        ConfigError: a mapped name that nobody asks for, or no date format.
        MissingColumnError: a column that is needed is not in the file.
        RecipeError: the recipe cannot be used by this program.
    """

    def __init__(
        self,
        profile: EncodingProfile,
        *,
        columns: Mapping[str, str],
        available: Sequence[str],
        date_format: str | None,
    ) -> None:
        self._spec = profile.recipe
        self._recipe = Recipe.load(profile.recipe)
        if date_format is None:
            raise ConfigError(
                "the date format of the file is not given",
                hint='set date_format in the section [input], such as "MM/DD/YYYY"',
            )
        self._remembered = memory_columns(profile)
        self._date_format = date_format
        self.header_of: Mapping[str, str] = self._find_headers(columns, available)
        self.headers = tuple(self.header_of.values())
        kind = self._recipe.spec.number
        self.number_header = None if kind is None else self.header_of.get(NUMBER_INPUTS[kind])

    def clear(self) -> None:
        """Forget the cells that were read: they are as sensitive as the rows."""
        self._recipe.clear()

    def numbers(self, chunk: Chunk) -> list[str]:
        """Return the known number of each row of a chunk, in normal form; empty where there is none."""
        kind = self._recipe.spec.number
        if kind is None or self.number_header is None:
            return [""] * chunk.n_rows
        cells = chunk.columns[self.number_header]
        if chunk.kept is None:
            return [read_number(cell, kind) for cell in cells]
        read = chunk.kept.derived.setdefault(
            ("number", kind), Remembered(partial(read_number, kind=kind))
        )
        return [read[cell] for cell in cells]

    def clean(self, chunk: Chunk) -> CleanedRows:
        """Clean the rows of a chunk that has at least the columns `headers`."""
        cleaned = self._cleaned(chunk) if chunk.kept is None else self._of_kept(chunk, chunk.kept)
        blank = dict.fromkeys(self._remembered, [""] * len(cleaned.rows))
        problems = tuple(
            replace(found, row=chunk.row_told(found.row)) for found in cleaned.problems
        )
        return CleanedRows(cleaned.rows, {**cleaned.columns, **blank}, problems)

    def clean_kept(self, kept: Kept) -> None:
        """Clean a whole file in memory, once: its rows are looked up from then on."""
        self._whole(kept)

    def _cleaned(self, chunk: Chunk) -> CleanedRows:
        columns = {name: chunk.columns[header] for name, header in self.header_of.items()}
        derived = self._recipe.derive(
            columns, date_format=self._date_format, first_row=chunk.first_row
        )
        rows = chunk.first_row + np.array(derived.row_of, dtype=np.int64)
        problems = tuple(
            RowProblem(found.row, self.header_of.get(found.column, found.column), found.rule)
            for found in derived.problems
        )
        return CleanedRows(rows, derived.columns, problems)

    def _whole(self, kept: Kept) -> CleanedRows:
        """Return the derived rows of a file in memory, numbered from 0."""
        recipe = json.dumps(self._spec, sort_keys=True)
        key = (recipe, self._date_format, tuple(sorted(self.header_of.items())))
        if key not in kept.derived:
            columns = {header: kept.cells[header] for header in self.headers}
            kept.derived[key] = self._cleaned(Chunk(0, columns, 1.0))
        found: CleanedRows = kept.derived[key]
        return found

    def _of_kept(self, chunk: Chunk, kept: Kept) -> CleanedRows:
        """Return the derived rows of some rows of a file in memory."""
        whole, wanted = self._whole(kept), np.asarray(chunk.rows, dtype=np.int64)
        place_of = np.full(kept.n_rows, -1, dtype=np.int64)
        place_of[wanted] = np.arange(len(wanted))
        first, last = np.searchsorted(whole.rows, [wanted[0], wanted[-1] + 1]).tolist()
        place = place_of[whole.rows[first:last]]
        here = np.flatnonzero(place >= 0)
        picked = (here + first).tolist()
        columns = {
            name: cells[first:last] if len(here) == last - first else [cells[at] for at in picked]
            for name, cells in whole.columns.items()
        }
        problems = tuple(
            replace(found, row=chunk.first_row + int(place_of[found.row]))
            for found in whole.problems
            if place_of[found.row] >= 0
        )
        return CleanedRows(chunk.first_row + place[here], columns, problems)

    def _find_headers(self, columns: Mapping[str, str], available: Sequence[str]) -> dict[str, str]:
        for name in columns:
            # One mapping does for several agreements, of which not every one takes a number.
            if name not in (*self._recipe.inputs, *NUMBER_INPUTS.values()):
                raise ConfigError(
                    f"the section [columns] names {name}, which the recipe does not have",
                    hint=f"it has: {', '.join(self._recipe.inputs)}",
                )
        found = {}
        for name in self._recipe.inputs:
            header = columns.get(name, name)
            if header in available:
                found[name] = header
            elif name in self._recipe.required or name in columns:
                # The mapped header may be told: it is from the settings, not from the file.
                raise MissingColumnError(
                    f"the file has no column {header}"
                    + ("" if header == name else f", which stands for {name}"),
                    hint="say in the section [columns] what your file calls it",
                )
        return found
