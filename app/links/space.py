"""A lasting ID space: which handle has which link ID, from run to run, and its bytes at rest."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from app.errors import BrokerError
from schemas.canonical import canonical_bytes, parse_canonical_object
from schemas.errors import CanonicalError
from schemas.ids import HANDLE_BYTES, LINK_ID_BYTES, Handle, LinkId

FORMAT: Final = "blindlink/link-space/1"

# Number of the party, handle, link ID, revision in which the handle got its first link ID.
_ROW: Final = struct.Struct(f">H{HANDLE_BYTES}s{LINK_ID_BYTES}sI")

Member: TypeAlias = tuple[str, Handle]
"""A handle and whose it is."""


class DamagedSpaceError(BrokerError):
    """A stored ID space is not as it was written."""

    code = "link-space-damaged"
    title = "Stored data is damaged"


@dataclass(frozen=True, slots=True)
class Holding:
    """A handle's link ID, and the revision of the space in which the handle got its first one."""

    link_id: LinkId = field(repr=False)
    since: int


@dataclass(frozen=True, slots=True)
class LinkSpace:
    """All handles that have a link ID; `revision` counts the runs that changed the space."""

    revision: int = 0
    holdings: Mapping[Member, Holding] = field(default_factory=dict, repr=False)


def space_to_bytes(space: LinkSpace) -> bytes:
    """Return a line of canonical JSON (format, revision, parties), then one row a handle, in order."""
    parties = sorted({party for party, _ in space.holdings})
    number = {party: index for index, party in enumerate(parties)}
    head = canonical_bytes({"version": FORMAT, "revision": space.revision, "parties": parties})
    rows = (
        _ROW.pack(number[party], handle, held.link_id, held.since)
        for (party, handle), held in sorted(space.holdings.items(), key=lambda item: item[0])
    )
    return b"".join((head, b"\n", *rows))


def space_from_bytes(content: bytes) -> LinkSpace:
    """Return the space that `space_to_bytes` wrote.

    Raises:
        DamagedSpaceError: it did not write these bytes.
    """
    head, _, rows = content.partition(b"\n")
    try:
        stated = parse_canonical_object(head)
        parties, revision = stated["parties"], stated["revision"]
        is_known = stated["version"] == FORMAT
        if not (is_known and isinstance(parties, list) and isinstance(revision, int)):
            raise DamagedSpaceError("A stored ID space is damaged.")
        holdings = {
            (str(parties[number]), Handle(handle)): Holding(LinkId(link_id), since)
            for number, handle, link_id, since in _ROW.iter_unpack(rows)
        }
    except (CanonicalError, KeyError, IndexError, ValueError, struct.error) as exc:
        raise DamagedSpaceError("A stored ID space is damaged.") from exc
    return LinkSpace(revision, holdings)
