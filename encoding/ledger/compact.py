"""What a ledger holds of each record or link ID, in tens of bytes each: a state has millions of them."""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from encoding.ledger.events import Event, event_line, parse_events
from encoding.ledger.values import Grant, Held
from schemas.documents.ids import LINK_ID_BYTES, LinkId

CHUNK_BYTES: Final = 1024 * 1024
_RECORD_KEY: Final = re.compile(r"[0-9a-f]{32}")
_ROUND_BYTES: Final = 4

Parties = tuple[str, ...]


class Events(Collection[Event]):
    """What happened to a ledger, in order, kept as lines; each is read when it is asked for."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._chunks: list[bytes] = []
        self._newest = bytearray()
        self._n_events = 0
        for event in events:
            self.append(event)

    def append(self, event: Event) -> None:
        """Add an event."""
        self._newest += event_line(event).encode("ascii")
        self._n_events += 1
        if len(self._newest) >= CHUNK_BYTES:
            self._chunks.append(bytes(self._newest))
            self._newest.clear()

    def read(self, lines: bytes) -> Iterator[Event]:
        """Add whole lines, and yield their events."""
        start = 0
        while start < len(lines):
            end = lines.find(b"\n", start + CHUNK_BYTES) + 1 or len(lines)
            chunk = lines[start:end]
            for event in parse_events(chunk):
                self._n_events += 1
                yield event
            self._chunks.append(chunk)
            start = end

    def chunks(self) -> list[bytes]:
        """Return the lines, some at a time."""
        return [*self._chunks, bytes(self._newest)]

    def __len__(self) -> int:
        return self._n_events

    def __iter__(self) -> Iterator[Event]:
        for chunk in self.chunks():
            yield from parse_events(chunk)

    def __contains__(self, event: object) -> bool:
        if not isinstance(event, Event):
            return False
        line = event_line(event).encode("ascii")
        return any(chunk.startswith(line) or b"\n" + line in chunk for chunk in self.chunks())


class HeldLinks(Mapping[str, Held]):
    """Which record has which link ID, and since which round."""

    def __init__(self) -> None:
        self._packed: dict[str | bytes, bytes] = {}

    def give(self, record: str, held: Held) -> None:
        """Let a record have a link ID."""
        self._packed[_key(record)] = held.link + held.since.to_bytes(_ROUND_BYTES)

    def end(self, record: str) -> None:
        """Let a record have none."""
        self._packed.pop(_key(record), None)

    def holders(self, links: Collection[LinkId]) -> dict[LinkId, str]:
        """Return which records have these link IDs."""
        if not links:
            return {}
        return {
            LinkId(packed[:-_ROUND_BYTES]): _record(key)
            for key, packed in self._packed.items()
            if packed[:-_ROUND_BYTES] in links
        }

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[str]:
        return map(_record, self._packed)

    def __contains__(self, record: object) -> bool:
        return isinstance(record, str) and _key(record) in self._packed

    def __getitem__(self, record: str) -> Held:
        return _held(self._packed[_key(record)])


@dataclass(frozen=True, slots=True)
class Grants:
    """To records of which parties link IDs were given: the sorted link IDs of the same parties, end to end."""

    groups: Mapping[tuple[Parties, Parties], bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, granted: Iterable[tuple[Grant, Parties]]) -> Self:
        """Return grants that come in any order, each once."""
        links: dict[tuple[Parties, Parties], list[LinkId]] = {}
        for grant, parties in granted:
            links.setdefault((parties, grant.known_to), []).append(grant.link)
        return cls({group: b"".join(sorted(found)) for group, found in links.items()})

    def items(self) -> Iterator[tuple[Grant, Parties]]:
        """Yield each grant, and the parties."""
        for (parties, known_to), links in self.groups.items():
            for link in cut(links, LINK_ID_BYTES):
                yield Grant(LinkId(link), known_to), parties


def pack_rounds(since: Iterable[tuple[LinkId, int]]) -> bytes:
    """Return since when there is each link ID, in the order of link IDs, end to end; each comes once."""
    return b"".join(sorted(link + number.to_bytes(_ROUND_BYTES) for link, number in since))


def unpack_rounds(packed: bytes) -> dict[LinkId, int]:
    """Return what `pack_rounds` was given."""
    return {
        LinkId(one[:-_ROUND_BYTES]): int.from_bytes(one[-_ROUND_BYTES:])
        for one in cut(packed, LINK_ID_BYTES + _ROUND_BYTES)
    }


def cut(packed: bytes, size: int) -> Iterator[bytes]:
    """Yield pieces of one size."""
    return (packed[at : at + size] for at in range(0, len(packed), size))


def _held(packed: bytes) -> Held:
    return Held(LinkId(packed[:-_ROUND_BYTES]), int.from_bytes(packed[-_ROUND_BYTES:]))


def _key(record: str) -> str | bytes:
    return unhexlify(record) if _RECORD_KEY.fullmatch(record) else record


def _record(key: str | bytes) -> str:
    return key if isinstance(key, str) else key.hex()
