"""An agency's file of sealed match IDs: its own record IDs, each beside a match ID that it cannot open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from encoding.errors import LinksFileError
from encoding.files import put_csv, replacing
from encoding.records.agency_file import AgencyFile
from encoding.sharing.blind_rows import (
    SEALED_MATCH_ID,
    Pseudonyms,
    read_blind_header,
    read_sealed_match_id,
    write_blind_rows,
)
from schemas.rounds.blind import BlindHeader

BLIND_LINKS_START: Final = b"blindlink/blind-links/2\n"
_HEADER: Final = ("record_id", SEALED_MATCH_ID)


@dataclass(frozen=True, slots=True)
class BlindLinks:
    """The sealed match ID of each record ID, and the head of the release that they are of."""

    header: BlindHeader
    sealed: dict[str, bytes]


def write_blind_links(path: Path, header: BlindHeader, links: Iterable[tuple[str, bytes]]) -> None:
    """Write the head and `record_id,sealed_match_id` in place of the former file, in one step."""
    with replacing(path) as file:
        file.write(BLIND_LINKS_START + header.to_canonical() + b"\n")
        put_csv(file, _HEADER, ((record_id, sealed.hex()) for record_id, sealed in links))


def is_blind_links(path: Path) -> bool:
    """Tell whether a file is one that `write_blind_links` wrote; a missing one is not."""
    try:
        with path.open("rb") as file:
            return file.read(len(BLIND_LINKS_START)) == BLIND_LINKS_START
    except OSError:
        return False


def read_blind_links(path: Path) -> BlindLinks:
    """Return what `write_blind_links` wrote."""
    hint = "sealed match IDs are written by: blindlink links --for PARTY"
    try:
        with path.open("rb") as file:
            if file.readline(len(BLIND_LINKS_START)) != BLIND_LINKS_START:
                raise LinksFileError(f"{path} is not a file of sealed match IDs", hint=hint)
            header = read_blind_header(file)
            rows = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""), strict=True)
            return BlindLinks(header, _read_rows(path, rows))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        message = f"the file of sealed match IDs {path} cannot be read"
        raise LinksFileError(message, hint=hint) from exc


def extract_blind(
    file: AgencyFile,
    links: BlindLinks,
    pseudonyms: Pseudonyms,
    columns: tuple[str, ...],
    output: Path,
) -> int:
    """Write sealed match ID, pseudonym and listed columns of every uploaded row, and return how many rows."""

    def rows() -> Iterable[tuple[bytes, str, tuple[str, ...]]]:
        names = [file.id_column, *columns]
        for chunk in file.open().select(names).chunks():
            cells = (chunk.columns[name] for name in names)
            for record_id, *shared in zip(*cells, strict=True):
                sealed = links.sealed.get(record_id)
                if sealed is not None:
                    yield sealed, pseudonyms.make(record_id), tuple(shared)

    return write_blind_rows(output, links.header, columns, rows())


def _read_rows(path: Path, rows: Iterable[list[str]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for number, row in enumerate(rows):
        if number == 0 and tuple(row) == _HEADER:
            continue
        sealed = read_sealed_match_id(row[1]) if number and len(row) == 2 else None
        if sealed is None:
            raise LinksFileError(f"{path}, row {number}: not a record ID and a sealed match ID")
        found[row[0]] = sealed
    return found
