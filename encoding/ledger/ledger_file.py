"""The ledger as it lies in the workspace, sealed; and what it said at the end of a round.

File: sealed as `encoding.workspace.sealed_record` says, by project, link-ID set and party. The content is one
line of canonical JSON, then one line an event, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from encoding.errors import WorkspaceError
from encoding.ledger.book import Ledger
from encoding.ledger.compact import Grants, HeldLinks, cut, pack_rounds, unpack_rounds
from encoding.ledger.errors import LedgerFileError, OutOfTurnError
from encoding.ledger.events import Event
from encoding.ledger.grants import SpaceName
from encoding.ledger.values import Held, Reason, Turn
from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document, Model
from schemas.documents.errors import FormatError
from schemas.documents.ids import LINK_ID_BYTES, LinkId

_Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$", repr=False)]


class _Recent(Model):
    round: int
    release: int
    prefixes: _Hex


class _Granted(Model):
    parties: tuple[str, ...]
    known_to: tuple[str, ...]
    links: _Hex


class _Others(Model):
    pair: tuple[str, str]
    links: _Hex
    since: tuple[int, ...]


class _LeftOut(Model):
    record: Annotated[str, Field(repr=False)]
    reason: Reason


class _Head(Document):
    """What a ledger holds beside its events."""

    KIND: ClassVar[str] = "ledger"

    version: Literal["blindlink/ledger/1"] = "blindlink/ledger/1"
    events: int
    recent: tuple[_Recent, ...]
    granted: tuple[_Granted, ...]
    others: tuple[_Others, ...]
    left_out: tuple[_LeftOut, ...]


def held_as_of(ledger: Ledger, turn: Turn) -> HeldLinks:
    """Return the link ID of each record once the release of a turn had been applied; the same whenever asked.

    What the agency unlinked later counts from the next round on, whenever it did so.
    """
    if Event("applied", turn) not in ledger.events:
        raise OutOfTurnError(f"release {turn.release} of round {turn.round} was not applied here")
    held = HeldLinks()
    for event in ledger.events:
        if event.turn > turn:
            continue
        if event.kind == "held":
            held.give(event.text, Held(LinkId(event.raw), event.number))
        elif event.kind == "ended":
            held.end(event.text)
    return held


def serialise_ledger(ledger: Ledger) -> bytes:
    """Return the content of the ledger's file, before it is sealed; the same for equal ledgers."""
    return b"".join(_pieces(ledger))


def _pieces(ledger: Ledger) -> Iterator[bytes]:
    since = {pair: unpack_rounds(found) for pair, found in sorted(ledger.others.items())}
    head = _Head(
        events=len(ledger.events),
        recent=tuple(
            _Recent(round=turn.round, release=turn.release, prefixes=known.hex())
            for turn, known in sorted(ledger.recent.items())
        ),
        granted=tuple(
            _Granted(parties=parties, known_to=known_to, links=links.hex())
            for (parties, known_to), links in sorted(ledger.granted.groups.items())
        ),
        others=tuple(
            _Others(
                pair=pair,
                links=b"".join(found).hex(),
                since=tuple(found.values()),
            )
            for pair, found in since.items()
        ),
        left_out=tuple(
            _LeftOut(record=record, reason=reason)
            for record, reason in sorted(ledger.left_out.items())
        ),
    )
    yield head.to_canonical() + b"\n"
    yield from ledger.events.chunks()


def parse_ledger(raw: bytes, space: SpaceName, party: str) -> Ledger:
    """Read what `serialise_ledger` wrote."""
    return _parse([raw], space, party)


def _parse(pieces: Iterable[bytes], space: SpaceName, party: str) -> Ledger:
    lines = _whole_lines(pieces)
    try:
        head = _Head.from_canonical(next(lines, b"").removesuffix(b"\n"))
    except FormatError:
        raise _damaged() from None
    ledger = Ledger(space, party)
    for some in lines:
        ledger.read(some)
    if len(ledger.events) != head.events:
        raise _damaged()
    for recent in head.recent:
        ledger.recent[Turn(recent.round, recent.release)] = bytes.fromhex(recent.prefixes)
    ledger.granted = Grants(
        {(one.parties, one.known_to): bytes.fromhex(one.links) for one in head.granted}
    )
    for other in head.others:
        links = map(LinkId, cut(bytes.fromhex(other.links), LINK_ID_BYTES))
        ledger.others[other.pair] = pack_rounds(zip(links, other.since, strict=False))
    ledger.left_out = {one.record: one.reason for one in head.left_out}
    return ledger


class LedgerFile:
    """Where the ledger of one link-ID set is kept; use it under the workspace's lock."""

    def __init__(self, path: Path, space: SpaceName, party: str, workspace_key: bytes) -> None:
        self._space = space
        self._party = party
        name = f"ledger/{space.project}/{space.space}/{party}"
        self._record = SealedRecord(path, name, workspace_key)

    def read(self) -> Ledger:
        """Return the ledger; an empty one if nothing was kept yet, or the workspace was lost."""
        pieces = self._record.pieces()
        if pieces is None:
            return Ledger(self._space, self._party)
        try:
            return _parse(pieces, self._space, self._party)
        except WorkspaceError:
            raise _damaged() from None

    def write(self, ledger: Ledger) -> None:
        """Keep the ledger, durably: the old file stays until the new one is whole."""
        self._record.write(_pieces(ledger))


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the first line, then some at a time; the last one may lack its end."""
    waiting, is_first = bytearray(), True
    for piece in pieces:
        waiting += piece
        end = (waiting.find(b"\n") if is_first else waiting.rfind(b"\n")) + 1
        while end:
            yield bytes(waiting[:end])
            del waiting[:end]
            is_first, end = False, waiting.rfind(b"\n") + 1
    if waiting:
        yield bytes(waiting)


def _damaged() -> LedgerFileError:
    return LedgerFileError(
        "the ledger of link IDs is damaged, or sealed under another key",
        hint="restore the workspace from its backup, workspace.key included",
    )
