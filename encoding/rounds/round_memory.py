"""What this agency said and heard in a round: kept sealed until the round is over, to go on after a kill."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeVar

from encoding.errors import WorkspaceError
from encoding.files import write_durably
from encoding.ledger.values import Turn
from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import UNREAD
from schemas.documents.errors import FormatError
from schemas.rounds.chain_statement import ChainStatement, parse_statement, serialise_statement
from schemas.rounds.claims import Claims, parse_claims, serialise_claims

Message = TypeVar("Message", Claims, ChainStatement)


# A message as it was carried, and what it says: canonical JSON, which is written and read in pieces.
_FRAME: Final = (b'{"plain":"', b'","raw":"', b'","version":"blindlink/said/1"}')
_Field = Literal["plain", "raw"]
# A multiple of three, so that pieces in base64 have no padding but the last.
_PIECE_BYTES: Final = 3 * 256 * 1024


@dataclass(frozen=True, slots=True)
class Carried:
    """A message as it was carried."""

    raw: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The SHA-256 by which the log lists it."""
        return hashlib.sha256(self.raw).hexdigest()


@dataclass(frozen=True, slots=True)
class Said:
    """Messages of one project in a workspace, by release, link-ID set and stream; use it under the lock."""

    folder: Path
    project: str
    workspace_key: bytes = field(repr=False)

    def read(self, turn: Turn, space: str, stream: str) -> Carried | None:
        """Return what was said or heard of a release in a stream; None if nothing was yet."""
        raw = self._read(turn, space, stream, "raw")
        return None if raw is None else Carried(raw)

    def keep(
        self, turn: Turn, space: str, stream: str, raw: bytes, said: Claims | ChainStatement
    ) -> Carried:
        """Keep a message, durably: an own one before it is sent, another's once its signature was checked."""
        lines = serialise_claims(said) if isinstance(said, Claims) else serialise_statement(said)
        start, between, end = _FRAME
        record = self._record(turn, space, stream)
        record.write(start, _base64(lines), between, _base64(raw), end)
        return Carried(raw)

    def keep_unread(self, turn: Turn, raw: bytes) -> None:
        """Keep a message that cannot be read, as it was carried: the log shows by its digest who sent it."""
        name = f"{self.project}.{turn.round}.{turn.release}.{Carried(raw).sha256[:16]}{UNREAD}"
        write_durably(self.folder / name, raw)

    def claims(self, turn: Turn, space: str, stream: str) -> Claims:
        """Return the claims that were said or heard in a stream."""
        return self._parsed(turn, space, stream, parse_claims)

    def statement(self, turn: Turn, space: str, stream: str) -> ChainStatement:
        """Return the statement that was said in a stream."""
        return self._parsed(turn, space, stream, parse_statement)

    def _parsed(
        self, turn: Turn, space: str, stream: str, parse: Callable[[bytes], Message]
    ) -> Message:
        plain = self._read(turn, space, stream, "plain")
        try:
            if plain is not None:
                return parse(plain)
        except FormatError as exc:
            raise _damaged() from exc
        raise WorkspaceError("what was said in a round is no longer in the workspace")

    def _read(self, turn: Turn, space: str, stream: str, field: _Field) -> bytes | None:
        pieces = self._record(turn, space, stream).pieces()
        return None if pieces is None else _field(pieces, field)

    def _record(self, turn: Turn, space: str, stream: str) -> SealedRecord:
        # A stream names parties, or everybody by a star.
        who = stream.replace(" ", ".").replace("*", "all")
        name = f"{self.project}.{turn.round}.{turn.release}.{space}.{who}"
        return SealedRecord(self.folder / f"{name}.sealed", f"said/{name}", self.workspace_key)


def _base64(raw: bytes) -> Iterator[bytes]:
    """Yield base64 of what may be large, piece by piece."""
    whole = memoryview(raw)
    for at in range(0, len(whole), _PIECE_BYTES):
        yield base64.b64encode(whole[at : at + _PIECE_BYTES])


def _field(pieces: Iterable[bytes], field: _Field) -> bytes:
    """Return one field of a message that was kept."""
    # Between the quotes: plain and what it is, raw and what it is, version and what it is.
    wanted, others = (3, 7) if field == "plain" else (7, 3)
    found, waiting, frame, n_quotes = bytearray(), b"", bytearray(), 0
    for piece in pieces:
        for number, text in enumerate(piece.split(b'"')):
            if number:
                frame += b'"'
                n_quotes += 1
            if n_quotes == wanted:
                waiting += text
                whole = len(waiting) - len(waiting) % 4
                found += _decoded(waiting[:whole])
                waiting = waiting[whole:]
            elif n_quotes != others:
                frame += text
    if waiting or bytes(frame) != b"".join(_FRAME):
        raise _damaged()
    return bytes(found)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _damaged() from None


def _damaged() -> WorkspaceError:
    return WorkspaceError("what was said in a round is damaged in the workspace")
