"""The agency's own file: where it is, how it is read, and which column is the record ID."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from encoding.errors import MissingColumnError
from encoding.records import Table, open_table
from encoding.workspace.config import Config


@dataclass(frozen=True, slots=True)
class AgencyFile:
    """A file of records of this agency; `sheet` is null for the first sheet of a workbook."""

    path: Path
    id_column: str
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    sheet: str | None = None

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
        return table

    def table(self) -> Table:
        """Open the file, whatever its columns.

        Raises:
            InputError: the file cannot be used.
        """
        table = open_table(
            self.path, encoding=self.encoding, delimiter=self.delimiter, sheet=self.sheet
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
    )
