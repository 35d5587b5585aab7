"""How one file of a trial is read: what was guessed, and what its owner may write down in place of it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError

from encoding.errors import ConfigError, InputError
from encoding.files import why_unread
from encoding.records.agency_file import AgencyFile
from encoding.records.read_once import KeptTable
from encoding.records.row_numbers import UnnumberedFile
from encoding.records.table import Chunk
from encoding.trial.words import UNPROTECTED
from encoding.workspace.config import ReadingSection, Text, column_lines, reading_lines
from schemas.documents.document import Model
from schemas.shared.written_answers import setting_fault

LAYOUT_START: Final = b"# How a file of a trial is read.\n"


class LayoutSection(ReadingSection):
    """How the file is read; `id_column` is null where it has no record IDs."""

    id_column: Text | None = None


class Layout(Model):
    """The sections `input` and `columns` of a settings file, without what only a project needs."""

    input: LayoutSection
    columns: dict[Text, Text] = Field(default_factory=dict)

    def file(self, path: Path) -> AgencyFile:
        """Return a file that is read so."""
        how = self.input
        if how.id_column is None:
            return UnnumberedFile(
                path, encoding=how.encoding, delimiter=how.delimiter, sheet=how.sheet
            )
        return AgencyFile(path, how.id_column, how.encoding, how.delimiter, how.sheet)


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a trial, its layout, and its rows where they are no file but a table in memory.

    The path of such a table is its name alone.
    """

    path: Path
    layout: Layout
    table: KeptTable | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def file(self) -> AgencyFile:
        """The file, ready to be read."""
        return self.layout.file(self.path)

    def load(self, told: Callable[[Chunk, int], None]) -> KeptTable:
        """Read all columns that the layout names; `told` as `KeptTable.read` says.

        Raises:
            InputError: the file cannot be read, or has no column of such a name.
        """
        table = self.file.table() if self.table is None else self.table
        id_column = self.layout.input.id_column
        wanted = [*filter(None, [id_column]), *self.layout.columns.values()]
        if id_column is not None and id_column not in table.columns:
            self.file.open()
        return KeptTable.read(table.select(wanted), told)


@contextmanager
def about_file(path: Path) -> Iterator[None]:
    """Have each error about a file name it: a trial reads two."""
    try:
        yield
    except InputError as exc:
        if path.name not in str(exc):
            exc.args = (f"{path.name}: {exc}",)
        raise


def read_layout(path: Path) -> Layout:
    """Read a layout.

    Raises:
        ConfigError: it is missing, not TOML, or says something impossible.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        otherwise = f"the layout {path} cannot be read as TOML"
        raise ConfigError(why_unread(exc, path, otherwise)) from exc
    try:
        return Layout.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        raise ConfigError(f"the layout {path}: {setting_fault(first, text)}") from None


def render_layout(
    path: Path, layout: Layout, missing: Mapping[str, str], unused: Sequence[str]
) -> bytes:
    """Return a layout as TOML, to be edited."""
    lines = [
        LAYOUT_START.decode().rstrip(),
        f"# It is of {path.name}. {UNPROTECTED}",
        "# Correct what is wrong, and give this file to blindlink trial as --layout-a or --layout-b.",
        "",
        "[input]",
        *reading_lines(layout.input, layout.input.id_column),
        "",
        *column_lines(layout.columns),
        *(f'# {name} = "{example}"' for name, example in missing.items()),
    ]
    if unused:
        lines += ["", "# Columns of the file that are not used:"]
        lines += [f"#   {json.dumps(column, ensure_ascii=False)}" for column in unused]
    return ("\n".join(lines) + "\n").encode()
