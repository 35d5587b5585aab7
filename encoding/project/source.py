"""What the command line says of the agency's file in place of the settings, and of its columns."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from encoding.errors import ConfigError, OutputExistsError
from encoding.files import refuse_to_overwrite, why_unread
from encoding.project.session import Session
from encoding.records.problem_log import LIST_START


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line says in place of the settings; null and empty leave the settings as they are."""

    file: Path | None = None
    id_column: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    date_format: str | None = None
    as_of: str | None = None
    population: str | None = None
    skip_invalid: Path | None = None


def refuse_list(session: Session, source: Source) -> None:
    """Refuse to list left-out rows in the place of another file; call it before any work."""
    if source.skip_invalid is None:
        return
    refuse_to_overwrite(source.skip_invalid, own_start=LIST_START)
    links_file = session.links_path
    # What is not there yet would be refused later, by the person who is to write it.
    if source.skip_invalid.resolve() == links_file.resolve():
        raise OutputExistsError(
            f"{source.skip_invalid} is the file in which the settings put your links",
            hint="choose another name for the list of rows",
        )


def read_mapping(path: Path | None, pairs: Sequence[str]) -> dict[str, str]:
    """Return the mapping of a TOML file, with NAME=HEADER pairs on top; empty if neither is given."""
    mapping = {} if path is None else _read_file(path)
    for pair in pairs:
        name, separator, header = pair.partition("=")
        if not (name and separator and header):
            raise ConfigError("a column is given as NAME=HEADER, such as first_name=FIRST")
        mapping[name] = header
    return mapping


def _read_file(path: Path) -> dict[str, str]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        otherwise = f"the column mapping {path} cannot be read as TOML"
        raise ConfigError(why_unread(exc, path, otherwise)) from exc
    # The section [columns] of a settings file will do as well as its bare lines.
    lines = raw.get("columns", raw)
    if not isinstance(lines, dict) or not all(isinstance(value, str) for value in lines.values()):
        raise ConfigError(
            f'the column mapping {path} must hold lines such as: first_name = "FIRST"'
        )
    return lines
