"""Link IDs of a run's groups: new ones from the run's key, or those that a lasting ID space gave before."""

from __future__ import annotations

import hmac
import struct
from collections.abc import Callable, Sequence

from app.links.space import Holding, LinkSpace, Member
from schemas.ids import LINK_ID_BYTES, LinkId


def new_link_id(key: bytes, group: int) -> LinkId:
    """Return HMAC-SHA256(key, group number as 8 bytes, big-endian), cut to 16 bytes.

    The key is drawn when the run is created, so a run that is killed and resumed gives the same IDs, and
    nobody without it can tell whose they are. Groups count from 0 in canonical order.
    """
    return LinkId(hmac.digest(key, struct.pack(">Q", group), "sha256")[:LINK_ID_BYTES])


def carry_over(
    space: LinkSpace,
    groups: Sequence[Sequence[Member]],
    is_present: Callable[[Member], bool],
    key: bytes,
) -> tuple[list[LinkId], LinkSpace]:
    """Return a link ID for each group, in their order, and the space as it is afterwards.

    A link ID stays with the oldest of the handles that have it and are in this run's files: where a group
    was split, the others get another; where groups were merged, the ID of the oldest handle is the
    group's. A group none of whose handles holds an ID gets a new one. Of two handles the older one got
    its first ID in an earlier run; of the same age, the party's name decides, then the handle.

    Args:
        groups: members of each group, canonical order; no member is in two groups.
        is_present: whether a handle is in this run's files, matched or not.
        key: the run's key of this space.
    """
    holders = _holders(space, is_present)
    revision = space.revision + 1
    holdings = dict(space.holdings)
    link_ids = []
    for number, members in enumerate(groups):
        holding = [member for member in members if member in holders]
        oldest = min(holding, key=lambda member: _age(space, member), default=None)
        link_id = new_link_id(key, number) if oldest is None else holders[oldest]
        for member in members:
            before = space.holdings.get(member)
            holdings[member] = Holding(link_id, revision if before is None else before.since)
        link_ids.append(link_id)
    return link_ids, LinkSpace(revision, holdings)


def _holders(space: LinkSpace, is_present: Callable[[Member], bool]) -> dict[Member, LinkId]:
    """Return, of the handles that are there, the one that each link ID stays with."""
    oldest: dict[LinkId, Member] = {}
    for member in sorted(space.holdings, key=lambda member: _age(space, member)):
        if is_present(member):
            oldest.setdefault(space.holdings[member].link_id, member)
    return {member: link_id for link_id, member in oldest.items()}


def _age(space: LinkSpace, member: Member) -> tuple[int, Member]:
    return space.holdings[member].since, member
