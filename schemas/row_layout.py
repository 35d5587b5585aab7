"""Where each lane of a profile lies in a row of 64 bytes.

Filters come first, then tags, then one presence lane a field, each kind in the order of the profile; what is
left is zero before the pad. Spec page: `schemas/spec/bsf1.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.fields import TAG_BITS, Lane
from schemas.profile import EncodingProfile

TAG_BYTES = TAG_BITS // 8


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
        presence: first byte of each field's presence lane of 2 bytes, in the order of the fields.
    """

    filters: tuple[PlacedLane, ...]
    tags: tuple[PlacedLane, ...]
    presence: tuple[int, ...]


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
    presence = tuple(at + TAG_BYTES * number for number in range(len(profile.fields)))
    return RowLayout(tuple(placed["filter"]), tuple(placed["tag"]), presence)
