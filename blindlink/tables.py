"""Tables as people have them, in and out: pandas, polars, pyarrow, mappings, or a file; none is needed."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from encoding.errors import (
    CellError,
    DuplicateIndexError,
    EmptyFileError,
    ExtraMissingError,
    InputError,
)
from encoding.profiles.column_words import columns_by_header
from encoding.records import open_table
from encoding.records.cell_text import InexactCell, cell_text
from encoding.records.read_once import KeptTable
from encoding.records.row_numbers import ROW_NUMBER
from encoding.records.table import named_columns
from encoding.trial.guess import WORDS, Guess, guess_file, guess_reading
from encoding.trial.layout import Layout, LayoutSection, Source, about_file
from schemas.linkage.profile import EncodingProfile

Kind = Literal["pandas", "polars", "pyarrow", "rows"]
"""What tables are given back as; `rows`: a list of mappings, also where a path was given."""
Columns = Mapping[str, Sequence[object]]

RECORD: Final = "record_id"
"""The name, among the columns that are given, of the one that holds the record IDs."""
# As a number a ZIP code loses its zeros, and no name is one; a sex, a date, or a student ID may be.
_TEXT: Final = frozenset(WORDS) - {"sex", "birth_date", "student_id", "case_number", "ssn"}


@dataclass(frozen=True, eq=False, repr=False)
class Given:
    """A table that was given.

    Attributes:
        path: of the file, or the name of what is in memory.
        kind: what tables are given back as.
        table: its cells as text; None: it is a file.
        index: the ID of each row where no column holds one; None: of a file, whose rows count from 1.
        values: the cells of each column as they were given, or nothing, where it is a file.
    """

    path: Path
    kind: Kind = "rows"
    table: KeptTable | None = None
    index: Sequence[object] | None = None
    values: Columns = field(default_factory=dict)

    def guess(
        self,
        profile: EncodingProfile,
        today: date,
        columns: Mapping[str, str] | None,
        date_format: str | None,
    ) -> Guess:
        """Guess what its columns mean, or look how far the given ones fit.

        Raises:
            InputError: it cannot be read, has no such column, or holds a number where text is expected.
        """
        with about_file(self.path):
            layout = None if columns is None else self._layout(columns, date_format)
            guess = guess_file(self.path, profile, today, layout, self.table)
            # What is no ZIP code as a number would be left out without a word.
            zips = columns_by_header([*self.values]).get("zip", ())[:1] if columns is None else ()
            self._refuse_numbers([*guess.layout.columns.items(), *(("zip", one) for one in zips)])
        return guess

    def cells(self) -> Mapping[str, list[str]]:
        """Return the cells of all columns as text.

        Raises:
            InputError: it cannot be read.
        """
        if self.table is not None:
            return self.table.kept.cells
        how = guess_reading(self.path)
        table = open_table(self.path, encoding=how.encoding, delimiter=how.delimiter)
        return KeptTable.read(table).kept.cells

    def source(self, layout: Layout) -> Source:
        """Return it as a trial reads it, with a column of record IDs where it is in memory."""
        if self.table is None or self.index is None or layout.input.id_column is not None:
            return Source(self.path, layout, self.table)
        ids = _texts(self.path, "the index", self.index)
        if len({*ids}) < len(ids):
            raise DuplicateIndexError(
                f"the index of {self.path} has a value twice, so it cannot stand for record IDs",
                hint="reset the index, or name the column that has record IDs",
            )
        table = KeptTable(self.path, {ROW_NUMBER: ids, **self.table.kept.cells})
        numbered = layout.input.model_copy(update={"id_column": ROW_NUMBER})
        return Source(self.path, layout.model_copy(update={"input": numbered}), table)

    def originals(self, source: Source) -> Mapping[str, object]:
        """Return record IDs as they were given, by their text; empty where they are text, or of a file."""
        column = source.layout.input.id_column
        if source.table is None or column is None:
            return {}
        given = self.index if column == ROW_NUMBER else self.values[column]
        return dict(zip(source.table.kept.cells[column], given or (), strict=True))

    def _layout(self, columns: Mapping[str, str], date_format: str | None) -> Layout:
        section = guess_reading(self.path) if self.table is None else LayoutSection()
        update = {"id_column": columns.get(RECORD), "date_format": date_format}
        named = {name: column for name, column in columns.items() if name != RECORD}
        return Layout(input=section.model_copy(update=update), columns=named)

    def _refuse_numbers(self, columns: Iterable[tuple[str, str]]) -> None:
        for name, column in columns:
            if name in _TEXT and any(map(_is_number, self.values.get(column, ()))):
                raise CellError(
                    f"column {column} of {self.path} holds a number where text is expected,"
                    f" for the {WORDS[name]}",
                    hint="read the file with this column as text, such as dtype=str: as a number a ZIP code"
                    " loses its zeros",
                )


def take(table: Any, name: str) -> Given:
    """Take a table, whatever its kind.

    Args:
        table: a pandas, polars, or pyarrow table, a path, or an iterable of mappings from column to cell.
        name: what it is called in errors where it is no file.
    Raises:
        InputError: it is none of these, has no rows, two columns of one name, or a cell that has no exact text.
    """
    if isinstance(table, str | os.PathLike):
        return Given(Path(table))
    path, kind = Path(name), _kind_of(table)
    header, columns, index = _columns_of(table, kind, path)
    if not columns or not columns[0]:
        raise EmptyFileError(f"{name} has no rows")
    names = [str(one).strip() for one in header]
    named_columns(path, names)
    values = dict(zip(names, columns, strict=True))
    cells = {one: _texts(path, one, some) for one, some in values.items()}
    return Given(path, kind, KeptTable(path, cells), index, values)


def make(columns: Columns, kind: Kind) -> Any:
    """Return columns as a table of a kind.

    Raises:
        ExtraMissingError: its package is not installed.
    """
    if kind == "rows":
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    package = _import(kind)
    return package.table(columns) if kind == "pyarrow" else package.DataFrame(columns)


def _import(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ExtraMissingError(
            f"{package} is not installed", hint=f"install it, such as with pip install {package}"
        ) from None


def _kind_of(table: object) -> Kind:
    package = type(table).__module__.partition(".")[0]
    kinds: dict[str, Kind] = {"pandas": "pandas", "polars": "polars", "pyarrow": "pyarrow"}
    return kinds.get(package, "rows")


def _columns_of(
    table: Any, kind: Kind, path: Path
) -> tuple[list[object], list[list[object]], Sequence[object]]:
    """Return the names, the values of each column with None where one is missing, and the index."""
    if kind == "pandas":
        known = table.astype(object).where(table.notna(), None)
        columns = [known.iloc[:, at].tolist() for at in range(known.shape[1])]
        return list(table.columns), columns, table.index.tolist()
    if kind == "polars":
        frame = table.collect() if hasattr(table, "collect") else table
        columns = [one.to_list() for one in frame.get_columns()]
        return list(frame.columns), columns, range(frame.height)
    if kind == "pyarrow":
        return (
            list(table.column_names),
            [one.to_pylist() for one in table.columns],
            range(len(table)),
        )
    rows = list(table) if isinstance(table, Iterable) else None
    if rows is None or not all(isinstance(row, Mapping) for row in rows):
        raise InputError(
            f"{path} is neither a table, a path, nor rows",
            hint="give a pandas, polars, or pyarrow table, a path, or mappings from column to cell",
        )
    header = list(dict.fromkeys(name for row in rows for name in row))
    return header, [[row.get(name) for row in rows] for name in header], range(len(rows))


def _texts(path: Path, name: str, values: Iterable[object]) -> list[str]:
    texts = []
    for number, value in enumerate(values):
        try:
            texts.append(value.strip() if isinstance(value, str) else _text(value))
        except InexactCell as fault:
            raise CellError(f"row {number} of {path}, column {name}: {fault}") from None
    return texts


def _text(value: object) -> str:
    # A scalar of numpy.
    plain = value.item() if hasattr(value, "item") else value
    is_missing = isinstance(plain, float) and math.isnan(plain)
    return "" if is_missing else cell_text(plain).strip()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
