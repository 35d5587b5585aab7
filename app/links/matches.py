"""The matches of a run: which record of one file is linked with which of the other, under which match ID."""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from app.matching.blocks.decisions import Band
from app.matching.blocks.plain import plain_numbers
from app.runs.service import space_key
from schemas.ids import MATCH_ID_BYTES, Handle, MatchId
from schemas.release import Match

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.agreements.service import TermsInForce
    from app.broker import Broker
    from app.matching.blocks.resolution import Resolution
    from app.uploads.reader import Handles
    from schemas.run import RunSpecification

_PAIR: Final = struct.Struct(">II")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Matches:
    """Linked pairs in order of records; one to one.

    Attributes:
        records: record of each pair in the larger and in the smaller file.
        rows: place of the row of each container in which the two met.
    """

    records: tuple[NDArray[np.uint32], NDArray[np.uint32]]
    rows: tuple[NDArray[np.int64], NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.records[0])


@dataclass(frozen=True, slots=True, repr=False)
class LinkedRun:
    """A run that is decided: its matches, and the handles of the larger and of the smaller file.

    `number` is that of the release; `keys` are what match IDs are drawn from, one an ID space.
    """

    specification: RunSpecification
    terms: TermsInForce
    matches: Matches
    handles: tuple[Handles, Handles]
    keys: Mapping[str, bytes]
    number: int = 1

    def side_of(self, party: str) -> int | None:
        """Return 0 for the larger file's agency, 1 for the smaller one's, None for any other party."""
        parties = [upload.party for upload in self.specification.uploads]
        return parties.index(party) if party in parties else None


def matches_of(resolution: Resolution) -> Matches:
    """Return the pairs that are linked without a person's decision."""
    pairs, is_linked = resolution.pairs, resolution.decisions.band == Band.AUTO
    # Column by column: what is held of them is a part of a row of pairs.
    return Matches(
        (pairs["larger"][is_linked], pairs["smaller"][is_linked]),
        (pairs["row_larger"][is_linked], pairs["row_smaller"][is_linked]),
    )


def match_id(key: bytes, larger: int, smaller: int) -> MatchId:
    """Return HMAC-SHA256(key, record numbers in the larger and the smaller file), cut to 16 bytes.

    Each number has 4 bytes, big-endian. The key is drawn when the run is created, one an ID space, so a run
    that is killed and resumed gives the same IDs, and nobody without it can tell whose they are.
    """
    return MatchId(hmac.digest(key, _PAIR.pack(larger, smaller), "sha256")[:MATCH_ID_BYTES])


def space_keys(broker: Broker, specification: RunSpecification) -> dict[str, bytes]:
    """Return the keys from which a run draws its match IDs, by ID space.

    Raises:
        KeyGoneError: they are gone.
    """
    return {
        space.name: broker.keystore.open(space_key(specification.run, space.name)).secret
        for space in specification.spaces
    }


def draw_match_ids(run: LinkedRun, space: str, which: NDArray[np.int64]) -> Iterator[MatchId]:
    """Yield the match IDs of some matches in one ID space, in the order of their places `which`."""
    key = run.keys[space]
    larger, smaller = (plain_numbers(records[which]) for records in run.matches.records)
    return (match_id(key, one, other) for one, other in zip(larger, smaller, strict=True))


def own_matches(run: LinkedRun, side: int, space: str) -> Iterator[tuple[Handle, Match]]:
    """Yield a party's own handles that are matched, in increasing order, each with its match."""
    records, rows = run.matches.records[side], run.matches.rows[side]
    # Records are numbered in the order of their handles.
    order = np.argsort(records)
    matches = map(Match, draw_match_ids(run, space, order), plain_numbers(rows[order]))
    return zip(run.handles[side].each(records[order]), matches, strict=True)
