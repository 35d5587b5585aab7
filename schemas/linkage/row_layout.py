"""Where each lane of a profile lies in a row of 64 bytes.

Filters come first, then tags, then one presence lane for each field that is no memory, each kind in the order
of the profile; what is left is zero before the pad. Spec page: `schemas/spec/bsf1.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.linkage.fields import TAG_BITS, Lane
from schemas.linkage.profile import ROW_BYTES, TOKEN_BYTES, EncodingProfile

TAG_BYTES = TAG_BITS // 8


RECORD_NUMBER_BYTES: Final = 4
STORED_ROW_BYTES: Final = TOKEN_BYTES + RECORD_NUMBER_BYTES + ROW_BYTES
MAX_RECORDS: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class PlacedLane:
    """A lane, the number of its field, and its first byte in a row."""

    lane: Lane
    field: int
    offset: int


@dataclass(frozen=True, slots=True)
class RowLayout:
    """Where everything lies.

    Attributes:
        filters: filter lanes of 8 bytes each, from byte 0.
        tags: tag lanes of 2 bytes each.
        presence: number of each field that has a presence lane, and that lane's first byte, of 2; in order.
    """

    filters: tuple[PlacedLane, ...]
    tags: tuple[PlacedLane, ...]
    presence: tuple[tuple[int, int], ...]


def row_layout(profile: EncodingProfile) -> RowLayout:
    """Return the layout of a profile's rows."""
    at = 0
    placed: dict[str, list[PlacedLane]] = {"filter": [], "tag": []}
    for kind, lanes in placed.items():
        for number, field in enumerate(profile.fields):
            for lane in field.lanes:
                if lane.kind == kind:
                    lanes.append(PlacedLane(lane, number, at))
                    at += lane.bits // 8
    shown = [number for number, field in enumerate(profile.fields) if field.memory is None]
    presence = tuple((number, at + TAG_BYTES * place) for place, number in enumerate(shown))
    return RowLayout(tuple(placed["filter"]), tuple(placed["tag"]), presence)
