"""Column mappings from the command line: the recipe's name = the header in the agency's file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from encoding.errors import ConfigError
from encoding.files import why_unread


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
