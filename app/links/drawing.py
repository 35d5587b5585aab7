"""Draws the link IDs of a run in each ID space, and keeps the spaces that outlast it."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.clock import utc_text
from app.ids import new_id
from app.links import repository
from app.links.errors import SpaceMovedError
from app.links.link_ids import carry_over, new_link_id
from app.links.models import LastingSpace
from app.links.space import LinkSpace, Member, space_from_bytes, space_to_bytes
from app.runs.service import space_key
from app.security.at_rest import seal, unseal
from schemas.ids import LinkId

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.broker import Broker
    from app.matching.exhaustive import Groups
    from app.uploads.loading import LoadedUpload
    from schemas.run import RunSpecification

SPACE_KIND: Final = "link-space"
SPACE_PREFIX: Final = "spc"


@dataclass(frozen=True, slots=True, repr=False)
class LinkedRun:
    """A run that is solved: its groups, over its uploads in the order of the specification."""

    specification: RunSpecification
    terms: TermsInForce
    groups: Groups
    uploads: tuple[LoadedUpload, ...]

    def members(self) -> Iterator[tuple[Member, ...]]:
        """Yield the members of each group by party and handle, in canonical order."""
        for group in self.groups:
            yield tuple(
                (self.uploads[dataset].party, self.uploads[dataset].handle(record))
                for dataset, record in group
            )


@dataclass(frozen=True, slots=True, repr=False)
class DrawnSpace:
    """The link IDs of one ID space, one a group; `revised` is the space's next revision where it lasts."""

    link_ids: Sequence[LinkId]
    revised: LastingSpace | None = None


@dataclass(frozen=True, slots=True)
class ObsoleteObject:
    """A sealed object that no row names any more: its key and its blob may be destroyed."""

    object: str
    blob: str


def draw_link_ids(broker: Broker, run: LinkedRun) -> dict[str, DrawnSpace]:
    """Return the link IDs of each of the run's ID spaces by name.

    Raises:
        KeyGoneError: the run's keys are gone.
        StorageFullError: the disk is nearly full.
    """
    drawn = {}
    for space in run.specification.spaces:
        key = broker.keystore.open(space_key(run.specification.run, space.name)).secret
        if space.lifetime == "project":
            drawn[space.name] = _draw_lasting(broker, run, space.name, key)
        else:
            drawn[space.name] = DrawnSpace([new_link_id(key, n) for n in range(len(run.groups))])
    return drawn


def keep_space(session: Session, revised: LastingSpace) -> tuple[ObsoleteObject, ...]:
    """Store the next revision of a lasting space; returns the one before it, if there is one.

    Raises:
        SpaceMovedError: another run has made this revision in between.
    """
    stored = repository.find_space(session, revised.project, revised.epoch, revised.name, lock=True)
    if (0 if stored is None else stored.revision) != revised.revision - 1:
        raise SpaceMovedError("Another run used the ID space in between.")
    if stored is None:
        session.add(revised)
        return ()
    obsolete = ObsoleteObject(stored.object, stored.blob)
    stored.object, stored.blob = revised.object, revised.blob
    stored.revision, stored.keep_until = revised.revision, revised.keep_until
    return (obsolete,)


def _draw_lasting(broker: Broker, run: LinkedRun, name: str, key: bytes) -> DrawnSpace:
    specification = run.specification
    space = _stored_space(broker, specification, name)
    link_ids, after = carry_over(space, tuple(run.members()), _presence(run.uploads), key)
    # Each revision is a new object with a key of its own: two workers never share one.
    object_id = new_id(SPACE_PREFIX)
    content = space_to_bytes(after)
    sealed = seal(broker.keystore.create(object_id), SPACE_KIND, object_id, after.revision, content)
    revised = LastingSpace(
        project=specification.project,
        epoch=specification.epoch,
        name=name,
        object=object_id,
        revision=after.revision,
        keep_until=utc_text(broker.clock() + timedelta(days=run.terms.terms.keep_links_days)),
        blob=broker.blobs.put(sealed),
    )
    return DrawnSpace(link_ids, revised)


def _stored_space(broker: Broker, specification: RunSpecification, name: str) -> LinkSpace:
    with broker.database.read() as session:
        stored = repository.find_space(session, specification.project, specification.epoch, name)
        if stored is None:
            return LinkSpace()
        object_id, revision, blob = stored.object, stored.revision, stored.blob
    key = broker.keystore.open(object_id)
    return space_from_bytes(unseal(key, SPACE_KIND, object_id, revision, broker.blobs.get(blob)))


def _presence(uploads: Sequence[LoadedUpload]) -> Callable[[Member], bool]:
    by_party = {upload.party: upload for upload in uploads}

    def is_present(member: Member) -> bool:
        party, handle = member
        upload = by_party.get(party)
        if upload is None:
            return False
        n = len(upload.handles)
        at = bisect.bisect_left(range(n), handle, key=upload.handle)
        return at < n and upload.handle(at) == handle

    return is_present
