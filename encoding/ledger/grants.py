"""Which link ID each group gets: the oldest claim that is free, or a new ID that all compute alike.

Claims are granted in the order (since, link ID, match ID): `since` is the round in which this very record got
the ID, so that an ID stays where it has been longest. Spec page: `schemas/spec/claims.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from encoding.ledger.chains import Group
from encoding.ledger.values import Member, Turn
from schemas.documents.ids import LINK_ID_BYTES, LinkId
from schemas.rounds.chain_statement import StatedMatch

_LABEL: Final = b"blindlink/v1/link-id\n"


@dataclass(frozen=True, slots=True)
class SpaceName:
    """A link-ID set of a project: what new link IDs are made for, so that no two spaces have one in common."""

    project: str
    space: str


class _Claim(NamedTuple):
    """A link ID that records of a group have; the fields are the order in which claims are granted."""

    minus_records: int
    since: int
    link: LinkId
    match: StatedMatch
    group: int


def grant_ids(
    members: Sequence[Member],
    groups: Sequence[Group],
    space: SpaceName,
    turn: Turn,
    *,
    unavailable: Collection[LinkId] = (),
) -> tuple[LinkId, ...]:
    """Return the link ID of each group."""
    free: dict[int, Group] = dict(enumerate(groups))
    granted: dict[int, LinkId] = {}
    for number, group in enumerate(groups):
        if group.granted is not None:
            granted[number] = group.granted
            del free[number]
    taken = {*unavailable, *granted.values()}
    for claim in sorted(_claims(members, free)):
        if claim.group in free and claim.link not in taken:
            granted[claim.group] = claim.link
            taken.add(claim.link)
            del free[claim.group]
    for number, group in free.items():
        granted[number] = new_link_id(space, turn, group.matches[0])
    return tuple(granted[number] for number in range(len(groups)))


def new_link_id(space: SpaceName, turn: Turn, match: StatedMatch) -> LinkId:
    """Return the link ID of a match to which none was granted.

    Round and release are in it, so that a broker that uses a match ID twice makes no two IDs alike.
    """
    parts = [space.project, space.space, str(turn.round), str(turn.release), *match.pair]
    raw = [*(part.encode("ascii") for part in parts), match.match]
    prefixed = b"".join(len(part).to_bytes(4, "big") + part for part in raw)
    return LinkId(hashlib.sha256(_LABEL + prefixed).digest()[:LINK_ID_BYTES])


def _claims(members: Sequence[Member], groups: Mapping[int, Group]) -> list[_Claim]:
    found = []
    for number, group in groups.items():
        claimed: dict[LinkId, list[int]] = {}
        for place in group.members:
            link = members[place].link
            if link is not None:
                claimed.setdefault(link, []).append(members[place].since)
        for link, since in claimed.items():
            found.append(_Claim(-len(since), min(since), link, group.matches[0], number))
    return found
