"""The list of a hub's spokes, `spokes.csv`: one line a spoke, with the fingerprint of its agreement.

In the answers that all agreements are made from, {COLUMN} stands for what the list says of a spoke.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from encoding.errors import SpokesError
from encoding.files import why_unread, write_csv
from schemas.agreement.spokes import project_of_spoke
from schemas.documents.canonical import canonical_digest
from schemas.documents.ids import is_name

_PLACE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_NUMBER: Final = re.compile(r"[0-9]{1,12}")


def answers_for(template: Mapping[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    """Return the answers of one spoke."""
    filled: dict[str, Any] = {
        key: _filled(value, answers, key) for key, value in template.items() if key != "project"
    }
    return {"project": answers["project"], **filled}


def named_columns(template: Any) -> set[str]:
    """Return the columns that a template names."""
    if isinstance(template, Mapping):
        return {name for value in template.values() for name in named_columns(value)}
    if isinstance(template, list):
        return {name for value in template for name in named_columns(value)}
    return set(_PLACE.findall(template)) if isinstance(template, str) else set()


def _filled(value: Any, answers: Mapping[str, str], place: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(one, answers, f"{place}.{key}") for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answers, place) for one in value]
    if not isinstance(value, str):
        return value

    def cell(found: re.Match[str]) -> str:
        known = answers.get(found[1], "")
        if not known:
            raise SpokesError(
                f"the template asks for {found[1]} in {place}, but the list does not have it"
                f" for {answers['project']}",
                hint=f"add the column {found[1]} to the list of spokes",
            )
        return known

    whole = _PLACE.fullmatch(value)
    if whole is not None and _NUMBER.fullmatch(cell(whole)):
        return int(cell(whole))
    return _PLACE.sub(cell, value)


MOST_SPOKES: Final = 5_000
_COLUMN: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_OWN: Final = ("name", "title", "project", "sheet", "agreement")
_MAX_CELL: Final = 2_000


@dataclass(frozen=True, slots=True)
class Spoke:
    """A spoke: its party's name and title, its project, and what else the list says of it.

    `sheet` is the number of the sheet on which counsel finds it, and `agreement` the fingerprint of its
    agreement; both empty as long as none was drafted.
    """

    name: str
    title: str
    project: str
    cells: Mapping[str, str]
    sheet: int = 0
    agreement: str = ""

    def answers(self) -> dict[str, str]:
        """Return what the list says of it, without empty cells: what a template may name."""
        said = {**self.cells, "name": self.name, "title": self.title, "project": self.project}
        return {name: cell for name, cell in said.items() if cell}


def read_spokes(path: Path, hub: str) -> tuple[Spoke, ...]:
    """Read a list of spokes; a project that is not named is HUB-NAME."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(zip(range(MOST_SPOKES + 2), csv.reader(file, strict=True), strict=False))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        otherwise = f"the list of spokes {path} cannot be read as CSV"
        raise SpokesError(why_unread(exc, path, otherwise)) from exc
    header = [name.strip() for name in rows[0][1]] if rows else []
    _refuse_header(path, header)
    if not 1 <= len(rows) - 1 <= MOST_SPOKES:
        raise SpokesError(f"{path} must have 1 to {MOST_SPOKES:,} spokes")
    found: dict[str, Spoke] = {}
    parties: set[str] = set()
    for number, cells in rows[1:]:
        if len(cells) != len(header):
            raise SpokesError(
                f"{path}, line {number + 1}: it has more or fewer cells than the header"
            )
        row = dict(zip(header, map(_composed, cells), strict=True))
        spoke = _spoke(row, hub, f"{path}, line {number + 1}")
        if spoke.project in found or spoke.name in parties or spoke.name == hub:
            raise SpokesError(f"{path}, line {number + 1}: the list has this spoke twice")
        found[spoke.project] = spoke
        parties.add(spoke.name)
    return tuple(found.values())


def write_spokes(path: Path, spokes: Sequence[Spoke]) -> None:
    """Write a list of spokes, in the order of their projects."""
    more = list(dict.fromkeys(name for spoke in spokes for name in spoke.cells))
    rows = [
        [
            spoke.name,
            spoke.title,
            spoke.project,
            *(spoke.cells.get(name, "") for name in more),
            str(spoke.sheet),
            spoke.agreement,
        ]
        for spoke in sorted(spokes, key=lambda one: one.project)
    ]
    write_csv(path, ["name", "title", "project", *more, "sheet", "agreement"], rows)


def sheet_digest(spokes: Iterable[Spoke]) -> str:
    """Return the fingerprint of a sheet: anyone who has it knows the agreement of each spoke on it.

    And all else that the list says of them, such as which of the hub's records are meant for whom: that is in
    no agreement.
    """
    in_order = sorted(spokes, key=lambda one: one.project)
    listed = [{**spoke.answers(), "agreement": spoke.agreement} for spoke in in_order]
    return canonical_digest({"kind": "blindlink/hub-sheet/1", "spokes": listed})


def changed_words(before: Spoke, after: Spoke) -> list[str]:
    """Return in words what a list says of a spoke otherwise than the one before did."""
    old, new = before.answers(), after.answers()
    return [
        f"{after.project}: {name}: {new.get(name, 'none')} (was {old.get(name, 'none')})"
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]


def _refuse_header(path: Path, header: Sequence[str]) -> None:
    missing = [name for name in ("name", "title") if name not in header]
    if missing:
        raise SpokesError(
            f"{path} has no column {missing[0]}",
            hint="its columns are name and title, and whatever the template names",
        )
    if len(set(header)) < len(header) or not all(map(_COLUMN.fullmatch, header)):
        raise SpokesError(
            f"{path} has a column twice, or one that a template cannot name",
            hint="the name of a column has lowercase letters, digits and underscores only, such as contact",
        )


def _spoke(row: Mapping[str, str], hub: str, where: str) -> Spoke:
    name, title = row["name"], row["title"]
    project = row.get("project") or project_of_spoke(hub, name)
    if not is_name(name) or not is_name(project):
        raise SpokesError(
            f"{where}: the name of a party or project has at most 40 lowercase letters, digits and hyphens"
        )
    if not title or not all(cell.isprintable() and len(cell) <= _MAX_CELL for cell in row.values()):
        raise SpokesError(
            f"{where}: a cell is empty, too long, or has characters that cannot be printed"
        )
    agreement, sheet = row.get("agreement", ""), row.get("sheet") or "0"
    if not re.fullmatch(r"([0-9a-f]{64})?", agreement) or not re.fullmatch(r"[0-9]{1,6}", sheet):
        raise SpokesError(
            f"{where}: the fingerprint of the agreement or the number of the sheet is not valid"
        )
    cells = {key: cell for key, cell in row.items() if key not in _OWN}
    return Spoke(name, title, project, cells, int(sheet), agreement)


def _composed(cell: str) -> str:
    return unicodedata.normalize("NFC", cell.strip())
