"""What this agency said and heard in a round: kept sealed until the round is over, to go on after a kill."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import Field

from encoding.errors import WorkspaceError
from encoding.ledger.values import Turn
from encoding.workspace.sealed_record import SealedRecord
from schemas.chain_statement import ChainStatement, parse_statement, serialise_statement
from schemas.claims import Claims, parse_claims, serialise_claims
from schemas.document import Document
from schemas.errors import FormatError

Message = TypeVar("Message", Claims, ChainStatement)
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", repr=False)]


class _KeptMessage(Document):
    """A message as it was carried, and what it says."""

    KIND: ClassVar[str] = "kept message"

    version: Literal["blindlink/said/1"] = "blindlink/said/1"
    raw: Base64
    plain: Base64


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
    """Messages of one project in a workspace, by release, ID space and stream; use it under the lock."""

    folder: Path
    project: str
    workspace_key: bytes = field(repr=False)

    def read(self, turn: Turn, space: str, stream: str) -> Carried | None:
        """Return what was said or heard of a release in a stream; None if nothing was yet."""
        kept = self._read(turn, space, stream)
        return None if kept is None else Carried(base64.b64decode(kept.raw))

    def keep(
        self, turn: Turn, space: str, stream: str, raw: bytes, said: Claims | ChainStatement
    ) -> Carried:
        """Keep a message, durably: an own one before it is sent, another's once its signature was checked."""
        lines = serialise_claims(said) if isinstance(said, Claims) else serialise_statement(said)
        kept = _KeptMessage(
            raw=base64.b64encode(raw).decode("ascii"),
            plain=base64.b64encode(lines).decode("ascii"),
        )
        self._record(turn, space, stream).write(kept.to_canonical())
        return Carried(raw)

    def claims(self, turn: Turn, space: str, stream: str) -> Claims:
        """Return the claims that were said or heard in a stream.

        Raises:
            WorkspaceError: there are none.
        """
        return self._parsed(turn, space, stream, parse_claims)

    def statement(self, turn: Turn, space: str, stream: str) -> ChainStatement:
        """Return the statement that was said in a stream.

        Raises:
            WorkspaceError: there is none.
        """
        return self._parsed(turn, space, stream, parse_statement)

    def _parsed(
        self, turn: Turn, space: str, stream: str, parse: Callable[[bytes], Message]
    ) -> Message:
        kept = self._read(turn, space, stream)
        try:
            if kept is not None:
                return parse(base64.b64decode(kept.plain))
        except FormatError as exc:
            raise WorkspaceError("what was said in a round is damaged in the workspace") from exc
        raise WorkspaceError("what was said in a round is no longer in the workspace")

    def _read(self, turn: Turn, space: str, stream: str) -> _KeptMessage | None:
        return self._record(turn, space, stream).read_as(_KeptMessage)

    def _record(self, turn: Turn, space: str, stream: str) -> SealedRecord:
        # A stream names parties, or everybody by a star.
        who = stream.replace(" ", ".").replace("*", "all")
        name = f"{self.project}.{turn.round}.{turn.release}.{space}.{who}"
        return SealedRecord(self.folder / f"{name}.sealed", f"said/{name}", self.workspace_key)
