"""The agency's own file: where it is, how it is read, and which column is the record ID."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from encoding.errors import MissingColumnError
from encoding.records import Table, open_table
from encoding.records.read_once import OnlyTable, Reading, readings_now
from encoding.workspace.config import Config, InputSection


@dataclass(frozen=True, slots=True)
class AgencyFile:
    """A file of records of this agency; `sheet` is null for the first sheet of a workbook.

    `only` names a column and values: rows that have none of them are left out; null: none are.
    """

    path: Path
    id_column: str
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    sheet: str | None = None
    only: tuple[str, frozenset[str]] | None = None

    @property
    def reading(self) -> Reading:
        """Which file is read, and how: the same for all who name it, each from a folder of their own."""
        return Reading(self.path.resolve(), self.encoding, self.delimiter, self.sheet)

    @property
    def records(self) -> tuple[Reading, str, tuple[str, frozenset[str]] | None]:
        """Which records these are, by what they hang on."""
        return self.reading, self.id_column, self.only

    def open(self) -> Table:
        """Open the file and make sure that it has record IDs.

        Raises:
            InputError: the file cannot be used, or has no column of that name.
        """
        table = self.table()
        if self.id_column not in table.columns:
            raise MissingColumnError(
                f"{self.path} has no column {self.id_column} for the record IDs",
                hint="name it as id_column in the section [input], or with --id-column",
            )
        return table if self.only is None else OnlyTable(table, *self.only)

    def table(self) -> Table:
        """Open the whole file, whatever its columns.

        Raises:
            InputError: the file cannot be used.
        """
        readings = readings_now()
        if readings is None:
            return open_reading(Reading(self.path, self.encoding, self.delimiter, self.sheet))
        if self.reading in readings.unreadable:
            return open_reading(self.reading)
        return readings.table(self.reading)


def open_reading(reading: Reading) -> Table:
    """Open a file as it is to be read.

    Raises:
        InputError: it cannot be used so.
    """
    table = open_table(
        reading.path, encoding=reading.encoding, delimiter=reading.delimiter, sheet=reading.sheet
    )
    misread = table.misread()
    if misread is not None:
        raise misread
    return table


def agency_file(
    config: Config, path: Path | None = None, id_column: str | None = None
) -> AgencyFile:
    """Return the file that the settings name; `path` and `id_column` take precedence where given.

    Raises:
        ConfigError: the settings name none.
    """
    source = config.source
    return AgencyFile(
        path=path or config.resolve(source.file),
        id_column=id_column or source.id_column,
        encoding=source.encoding,
        delimiter=source.delimiter,
        sheet=source.sheet,
        only=only_of(source),
    )


def only_of(source: InputSection) -> tuple[str, frozenset[str]] | None:
    """Return the column and values of the rows that count, by the settings; None: all do."""
    if source.only is None:
        return None
    return source.only.column, frozenset(source.only.values)
