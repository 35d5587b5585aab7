"""Rows for the recipient of a blind release: agreed columns, each row beside a sealed match ID and a pseudonym.

The agency writes them and learns nothing; the recipient opens the match IDs, and knows a record again by its
pseudonym. Spec page: `schemas/spec/blind-release.md`.
"""

from __future__ import annotations

import csv
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from encoding.errors import ColumnNotListedError, LinksFileError, SealedFileError
from encoding.files import put_csv, replacing
from encoding.people.identity import Identity
from encoding.people.sealed_file import receiver_of
from schemas.documents.errors import FormatError, SealedError
from schemas.documents.ids import MatchId
from schemas.documents.printable import inert, printable
from schemas.rounds.blind import (
    MAX_HEADER_LINE_BYTES,
    SEALED_MATCH_ID_BYTES,
    BlindHeader,
    MatchIdSeal,
)

PSEUDONYM_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes the pseudonyms of this agency's records for one recipient in one link-ID set."""

    _key: bytes = field(repr=False)

    @classmethod
    def of(cls, workspace_key: bytes, header: BlindHeader, *, are_lasting: bool) -> Pseudonyms:
        """Return those for the recipient of a blind release.

        Args:
            are_lasting: the agreement says that link IDs of the space last; else all are new in each round.
        """
        names = [header.project, header.recipient, header.space]
        names += [] if are_lasting else [str(header.round)]
        info = f"blindlink/v1/workspace/pseudonym/{'/'.join(names)}".encode("ascii")
        return cls(HKDF(SHA256(), 32, salt=None, info=info).derive(workspace_key))

    def make(self, record_id: str) -> str:
        """Return the pseudonym of a record ID, which counts to the letter, as 32 hexadecimal digits."""
        raw = record_id.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, raw, "sha256")[:PSEUDONYM_BYTES].hex()


def is_pseudonym(text: str) -> bool:
    """Tell whether a text is a pseudonym as it stands in files."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


ROWS_START: Final = b"blindlink/blind-rows/3\n"
SEALED_MATCH_ID: Final = "sealed_match_id"
PSEUDONYM: Final = "pseudonym"
_OWN_COLUMNS: Final = (SEALED_MATCH_ID, PSEUDONYM)


class OpenedRow(NamedTuple):
    """One row: the match ID, the pseudonym of the record, and the cells of the columns."""

    match: MatchId
    pseudonym: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenedRows:
    """Rows whose match IDs are opened as they are read.

    A cell that a spreadsheet would take for a formula stands behind an apostrophe.
    """

    header: BlindHeader
    columns: tuple[str, ...]
    rows: Iterator[OpenedRow]


def write_blind_rows(
    path: Path,
    header: BlindHeader,
    columns: Sequence[str],
    rows: Iterable[tuple[bytes, str, tuple[str, ...]]],
) -> int:
    """Write rows for the recipient in place of a file, and return how many."""
    ordered = sorted(set(rows))
    with replacing(path) as file:
        file.write(ROWS_START + header.to_canonical() + b"\n")
        cells_of = ((sealed.hex(), pseudonym, *cells) for sealed, pseudonym, cells in ordered)
        put_csv(file, (*_OWN_COLUMNS, *columns), cells_of)
    return len(ordered)


def open_blind_rows(
    file: IO[bytes], keys: Iterable[Identity], columns: Sequence[str]
) -> OpenedRows:
    """Return the rows of a file that starts with `ROWS_START`, of which nothing is read yet.

    Args:
        keys: the recipient's own, the newest ones first: match IDs are sealed once, when a run ends.
        columns: those that the agreement lets the recipient have, in the order in which they are wanted.
    """
    if file.readline(len(ROWS_START)) != ROWS_START:
        raise LinksFileError("it does not hold rows with sealed match IDs")
    header = read_blind_header(file)
    receiver = receiver_of(header, keys)
    try:
        key = header.open(receiver.public, receiver.keys.receiving_key)
    except SealedError as exc:
        raise SealedFileError(f"its match IDs cannot be opened: {exc}") from None
    rows = _checked(file)
    places = _places(next(rows, []), columns)
    seal = MatchIdSeal.of(key, header.release, header.agency)
    return OpenedRows(header, tuple(columns), _opened(rows, seal, places))


def read_blind_header(file: IO[bytes]) -> BlindHeader:
    """Return the header line of a blind release, which comes next in the file."""
    line = file.readline(MAX_HEADER_LINE_BYTES + 1)
    try:
        return BlindHeader.from_canonical(line.removesuffix(b"\n"))
    except FormatError as exc:
        raise LinksFileError(f"its head is damaged: {exc}") from None


def read_sealed_match_id(text: str) -> bytes | None:
    """Return the sealed match ID that a cell holds; None where it does not."""
    try:
        sealed = bytes.fromhex(text)
    except ValueError:
        return None
    return sealed if len(sealed) == SEALED_MATCH_ID_BYTES and sealed.hex() == text else None


def _checked(file: IO[bytes]) -> Iterator[list[str]]:
    # Not by a text wrapper, which would close the file of the person who has opened it.
    lines = (line.decode("utf-8") for line in file)
    try:
        yield from csv.reader(lines, strict=True)
    except (csv.Error, UnicodeDecodeError):
        raise LinksFileError("its rows are not CSV in UTF-8") from None


def _places(names: list[str], columns: Sequence[str]) -> list[int]:
    if tuple(names[:2]) != _OWN_COLUMNS or len(set(names)) != len(names):
        raise LinksFileError("it does not hold rows with sealed match IDs")
    for name in names[2:]:
        if name not in columns:
            raise ColumnNotListedError(
                f"it holds the column {printable(name)}, which you did not list",
                hint="tell the agency what the agreement lets you have",
            )
    for name in columns:
        if name not in names[2:]:
            raise ColumnNotListedError(f"it does not hold the column {name}, which you listed")
    return [names.index(name) for name in columns]


def _opened(
    rows: Iterable[list[str]], seal: MatchIdSeal, places: Sequence[int]
) -> Iterator[OpenedRow]:
    n_cells = len(places) + len(_OWN_COLUMNS)
    for number, row in enumerate(rows, start=1):
        sealed = read_sealed_match_id(row[0]) if len(row) == n_cells else None
        if sealed is None or not is_pseudonym(row[1]):
            raise LinksFileError(
                f"row {number}: not a sealed match ID, a pseudonym and the listed columns"
            )
        try:
            match_id = seal.open(sealed)
        except SealedError:
            raise SealedFileError(f"row {number}: its match ID is not of this release") from None
        yield OpenedRow(match_id, row[1], tuple(inert(row[place]) for place in places))
