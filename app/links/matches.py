"""The matches of a run: which record of one file is linked with which of the other, under which match ID."""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.agreements.service import TermsInForce
from app.broker import Broker
from app.matching.blocks.bins import Bins, Rows, Shelf, with_columns
from app.matching.blocks.ranges import Sizes
from app.runs.service import space_key
from app.uploads.reader import Handles, each_handle
from schemas.documents.ids import MATCH_ID_BYTES, Handle, MatchId
from schemas.linkage.profile import SIDES
from schemas.linkage.run import RunSpecification
from schemas.rounds.release import Match

_PAIR: Final = struct.Struct(">II")


MATCH: Final = np.dtype(
    [
        ("larger", "<u4"),  # record
        ("smaller", "<u4"),
        ("row_larger", "<i8"),  # place of the row of the container in which the two met
        ("row_smaller", "<i8"),
    ]
)


class Matches:
    """Linked pairs, one to one, in order of the records of either file; what is held of them is a part."""

    def __init__(self, linked: Iterable[Rows], sizes: Sizes, shelf: Shelf) -> None:
        """Take linked pairs, with the columns of `MATCH`; they wait on the shelf as long as they are wanted."""
        n_records = {"larger": sizes.larger, "smaller": sizes.smaller}
        self._of_side = [Bins(MATCH, side, n_records[side], shelf) for side in SIDES]
        self._n = 0
        for rows in linked:
            matches = with_columns(rows, MATCH)
            for one in self._of_side:
                one.add(matches)
            self._n += len(matches)

    def __len__(self) -> int:
        return self._n

    def of_side(self, side: int) -> Iterator[Rows]:
        """Yield them in order of the records of the larger file (0) or the smaller one (1), dtype `MATCH`."""
        return iter(self._of_side[side])


@dataclass(frozen=True, slots=True, repr=False)
class LinkedRun:
    """A run that is decided: its matches, and the handles of the larger and of the smaller file.

    `number` is that of the release; `keys` are what match IDs are drawn from, one a link-ID set.
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


def match_id(key: bytes, larger: int, smaller: int) -> MatchId:
    """Return HMAC-SHA256(key, record numbers in the larger and the smaller file), cut to 16 bytes.

    Each number has 4 bytes, big-endian. The key is drawn when the run is created, one a link-ID set, so a run
    that is killed and resumed gives the same IDs, and nobody without it can tell whose they are.
    """
    return MatchId(hmac.digest(key, _PAIR.pack(larger, smaller), "sha256")[:MATCH_ID_BYTES])


def space_keys(broker: Broker, specification: RunSpecification) -> dict[str, bytes]:
    """Return the keys from which a run draws its match IDs, by link-ID set.

    Raises:
        KeyGoneError: they are gone.
    """
    return {
        space.name: broker.keystore.open(space_key(specification.run, space.name)).secret
        for space in specification.spaces
    }


def match_ids(run: LinkedRun, space: str, matches: Rows) -> Iterator[MatchId]:
    """Yield the match IDs of some matches in one link-ID set."""
    key = run.keys[space]
    larger, smaller = (matches[side].tolist() for side in SIDES)
    return (match_id(key, one, other) for one, other in zip(larger, smaller, strict=True))


def own_matches(run: LinkedRun, side: int, space: str) -> Iterator[tuple[Handle, Match]]:
    """Yield a party's own handles that are matched, in increasing order, each with its match."""
    joined = run.handles[side].joined(run.matches.of_side(side), SIDES[side])
    for matches, handles in joined:
        rows = matches[f"row_{SIDES[side]}"].tolist()
        yield from zip(
            each_handle(handles), map(Match, match_ids(run, space, matches), rows), strict=True
        )
