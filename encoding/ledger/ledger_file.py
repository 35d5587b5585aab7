"""The ledger as it lies in the workspace, sealed; and what it said at the end of a round.

File: sealed as `encoding.workspace.sealed_record` says, by project, ID space and party. The content is one line
of canonical JSON, then one line an event, in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from encoding.errors import WorkspaceError
from encoding.ledger.book import MATCH_PREFIX_BYTES, Ledger, MessagePlace
from encoding.ledger.errors import LedgerFileError, OutOfTurnError
from encoding.ledger.events import Event, event_line, parse_events
from encoding.ledger.grants import SpaceName
from encoding.ledger.values import Grant, Held, Reason, Turn
from encoding.workspace.sealed_record import SealedRecord
from schemas.document import Document, Model
from schemas.errors import FormatError
from schemas.ids import LINK_ID_BYTES, LinkId, Sha256Hex

_Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$", repr=False)]


class _Place(Model):
    stream: str
    sequence: int
    sha256: Sha256Hex


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
    places: tuple[_Place, ...]
    recent: tuple[_Recent, ...]
    granted: tuple[_Granted, ...]
    others: tuple[_Others, ...]
    left_out: tuple[_LeftOut, ...]


def held_as_of(ledger: Ledger, turn: Turn) -> dict[str, Held]:
    """Return the link ID of each record once the release of a turn had been applied; the same whenever asked.

    What the agency unlinked later counts from the next round on, whenever it did so.

    Raises:
        OutOfTurnError: no such release has been applied.
    """
    if Event("applied", turn) not in ledger.events:
        raise OutOfTurnError(f"release {turn.release} of round {turn.round} was not applied here")
    held: dict[str, Held] = {}
    for event in ledger.events:
        if event.turn > turn:
            continue
        if event.kind == "held":
            held[event.text] = Held(LinkId(event.raw), event.number)
        elif event.kind == "ended":
            held.pop(event.text, None)
    return held


def serialise_ledger(ledger: Ledger) -> bytes:
    """Return the content of the ledger's file, before it is sealed; the same for equal ledgers."""
    links: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for grant, parties in sorted(ledger.granted.items()):
        links.setdefault((parties, grant.known_to), []).append(grant.link.hex())
    head = _Head(
        events=len(ledger.events),
        places=tuple(
            _Place(stream=stream, sequence=place.sequence, sha256=place.sha256)
            for stream, place in sorted(ledger.places.items())
        ),
        recent=tuple(
            _Recent(round=turn.round, release=turn.release, prefixes=b"".join(sorted(known)).hex())
            for turn, known in sorted(ledger.recent.items())
        ),
        granted=tuple(
            _Granted(parties=parties, known_to=known_to, links="".join(found))
            for (parties, known_to), found in sorted(links.items())
        ),
        others=tuple(
            _Others(
                pair=pair,
                links="".join(link.hex() for link in sorted(found)),
                since=tuple(found[link] for link in sorted(found)),
            )
            for pair, found in sorted(ledger.others.items())
        ),
        left_out=tuple(
            _LeftOut(record=record, reason=reason)
            for record, reason in sorted(ledger.left_out.items())
        ),
    )
    lines = "".join(map(event_line, ledger.events))
    return head.to_canonical() + b"\n" + lines.encode("ascii")


def parse_ledger(raw: bytes, space: SpaceName, party: str) -> Ledger:
    """Read what `serialise_ledger` wrote.

    Raises:
        LedgerFileError: it is damaged.
    """
    line, _, body = raw.partition(b"\n")
    try:
        head = _Head.from_canonical(line)
        lines = body.decode("ascii").split("\n")
    except (FormatError, UnicodeDecodeError):
        raise _damaged() from None
    if len(lines) != head.events + 1 or lines[-1]:
        raise _damaged()
    ledger = Ledger(space, party)
    ledger.apply(parse_events(lines[:-1]))
    for place in head.places:
        ledger.places[place.stream] = MessagePlace(place.sequence, place.sha256)
    for recent in head.recent:
        prefixes = frozenset(_cut(recent.prefixes, MATCH_PREFIX_BYTES))
        ledger.recent[Turn(recent.round, recent.release)] = prefixes
    for granted in head.granted:
        links = map(LinkId, _cut(granted.links, LINK_ID_BYTES))
        grants = (Grant(link, granted.known_to) for link in links)
        ledger.granted.update(dict.fromkeys(grants, granted.parties))
    for one in head.others:
        links = map(LinkId, _cut(one.links, LINK_ID_BYTES))
        ledger.others[one.pair] = dict(zip(links, one.since, strict=False))
    ledger.left_out = {one.record: one.reason for one in head.left_out}
    return ledger


class LedgerFile:
    """Where the ledger of one ID space is kept; use it under the workspace's lock."""

    def __init__(self, path: Path, space: SpaceName, party: str, workspace_key: bytes) -> None:
        self._space = space
        self._party = party
        name = f"ledger/{space.project}/{space.space}/{party}"
        self._record = SealedRecord(path, name, workspace_key)

    def read(self) -> Ledger:
        """Return the ledger; an empty one if nothing was kept yet, or the workspace was lost.

        Raises:
            LedgerFileError: it is damaged, of another space or party, or sealed under another workspace key.
        """
        try:
            plain = self._record.read()
        except WorkspaceError:
            raise _damaged() from None
        if plain is None:
            return Ledger(self._space, self._party)
        return parse_ledger(plain, self._space, self._party)

    def write(self, ledger: Ledger) -> None:
        """Keep the ledger, durably: the old file stays until the new one is whole."""
        self._record.write(serialise_ledger(ledger))


def _cut(text: str, size: int) -> Iterable[bytes]:
    raw = bytes.fromhex(text)
    return (raw[at : at + size] for at in range(0, len(raw), size))


def _damaged() -> LedgerFileError:
    return LedgerFileError(
        "the ledger of link IDs is damaged, or sealed under another key",
        hint="restore the workspace from its backup, workspace.key included",
    )
