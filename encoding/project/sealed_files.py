"""Seals a file to the persons of a party, and opens what was sealed to one's own keys."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import IO, Final

from encoding.files import replacing
from encoding.people.identity import Identity
from encoding.people.piece_reader import read_pieces
from encoding.people.sealed_file import (
    MAGIC,
    Address,
    open_pieces,
    read_sealed_header,
    receiver_of,
    seal_pieces,
)
from encoding.project.own_keys import own_keys
from encoding.project.session import Session
from schemas.documents.ids import utc_text
from schemas.signing.identity import PublicIdentity

SUFFIX: Final = ".sealed"
_PIECE_BYTES: Final = 1024 * 1024


def seal_file(
    session: Session, file: Path, party: str, receivers: tuple[PublicIdentity, ...], target: Path
) -> str:
    """Write `target`, which only the receivers can open; returns a sentence that says so."""
    created = utc_text(session.now())
    address = Address(session.party, party, receivers, created)
    with file.open("rb") as content, replacing(target) as written:
        written.writelines(seal_pieces(_pieces(content), address))
    number = "1 person" if len(receivers) == 1 else f"{len(receivers)} persons"
    return f"{number} of {party} can open it, and nobody else: {target}"


@contextlib.contextmanager
def unsealed(session: Session, files: Sequence[Path]) -> Iterator[list[Path]]:
    """Give files to read: each itself, or, where it was sealed to one's own keys, what it holds."""
    if not any(map(is_sealed, files)):
        yield [*files]
        return
    keys = [*own_keys(session)]
    with session.workspace.lock(), session.workspace.scratch() as scratch:
        yield [
            _unsealed(file, keys, scratch / str(number)) if is_sealed(file) else file
            for number, file in enumerate(files)
        ]


def _unsealed(file: Path, keys: Sequence[Identity], folder: Path) -> Path:
    """Write what a sealed file holds into a new folder, under its name."""
    folder.mkdir(mode=0o700)
    plain = folder / file.with_suffix("").name
    with opened_content(file, keys) as content, replacing(plain) as written:
        shutil.copyfileobj(content, written)
    return plain


def is_sealed(file: Path) -> bool:
    """Tell whether a file is there and begins as a sealed one does."""
    if not file.is_file():
        return False
    with file.open("rb") as raw:
        return raw.read(len(MAGIC)) == MAGIC


@contextlib.contextmanager
def opened_content(file: Path, keys: Iterable[Identity]) -> Iterator[BufferedReader]:
    """Give the content of a sealed file; what is read of it counts only if it is read to its end."""
    with file.open("rb") as raw:
        own = receiver_of(read_sealed_header(raw)[0], keys)
        raw.seek(0)
        with read_pieces(open_pieces(raw, own)) as content:
            yield content


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(_PIECE_BYTES):
        yield piece
