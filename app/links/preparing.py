"""Prepares a run's releases: link IDs drawn, files sealed and durable, nothing visible yet.

What is prepared becomes visible in the one transaction that also finishes the run and logs it; if that
fails, no row names the files, and the sweep takes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from app.clock import parse_utc, utc_text
from app.ids import new_id
from app.links.drawing import (
    DrawnSpace,
    LinkedRun,
    ObsoleteObject,
    draw_link_ids,
    keep_space,
)
from app.links.models import LastingSpace, Release, ReleasePiece
from app.links.release_file import cut_pieces, own_links
from app.matchlog.draft import EntryDraft
from app.runs.counts import above_floor, count_own, found_groups
from app.security.at_rest import seal
from schemas.ids import RELEASE_PREFIX, Handle, LinkId
from schemas.matchlog.kinds import ReleasePrepared
from schemas.release import ReleaseHeader, serialise_release

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broker import Broker
    from app.matchlog.draft import Appended
    from schemas.run import Recipient

PIECE_KIND: Final = "release-piece"


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A release file at rest: digest and size in the clear, and the blobs of its pieces in order."""

    sha256: str
    size_bytes: int
    blobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreparedRelease:
    """A release that lacks only its place in the log."""

    header: ReleaseHeader
    file: SealedFile
    draft: EntryDraft


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run hands out."""

    run: LinkedRun
    releases: tuple[PreparedRelease, ...]
    spaces: tuple[LastingSpace, ...]

    def drafts(self) -> list[EntryDraft]:
        """Return the log entries of the releases, in their order."""
        return [release.draft for release in self.releases]


def prepare_releases(broker: Broker, run: LinkedRun) -> Prepared:
    """Draw the link IDs of every ID space, and seal a file for every recipient.

    A recipient of mode `none` gets nothing, not even an empty file.

    Raises:
        KeyGoneError: the run's keys are gone.
        StorageFullError: the disk is nearly full.
    """
    now = broker.clock()
    drawn = draw_link_ids(broker, run)
    releases = tuple(
        _prepare(broker, run, recipient, drawn[recipient.space], now)
        for recipient in run.specification.recipients
        if recipient.mode != "none"
    )
    revised = tuple(space.revised for space in drawn.values() if space.revised is not None)
    return Prepared(run, releases, revised)


def keep_releases(
    session: Session, prepared: Prepared, appended: Sequence[Appended]
) -> tuple[ObsoleteObject, ...]:
    """Make prepared releases visible; returns what lasting spaces need no longer.

    Args:
        appended: where the log entries of `prepared.drafts()` stand, in the same order.
    Raises:
        SpaceMovedError: the link IDs have to be drawn again.
    """
    for release, entry in zip(prepared.releases, appended, strict=True):
        session.add(_row(prepared.run, release, entry))
        session.flush()
        session.add_all(
            ReleasePiece(release=release.header.release, number=number, blob=blob)
            for number, blob in enumerate(release.file.blobs)
        )
    return tuple(obsolete for space in prepared.spaces for obsolete in keep_space(session, space))


def _prepare(
    broker: Broker, run: LinkedRun, recipient: Recipient, space: DrawnSpace, now: datetime
) -> PreparedRelease:
    links: Iterable[tuple[Handle, LinkId]] = ()
    upload, n_links, total = None, 0, None
    if recipient.mode == "linked":
        parties = [upload.party for upload in run.specification.uploads]
        dataset = parties.index(recipient.party)
        upload = run.specification.uploads[dataset].upload
        n_links = count_own(run.groups, dataset)
        links = own_links(run.groups, dataset, run.uploads[dataset], space.link_ids)
    else:
        found = found_groups(run.groups, run.specification)
        total = found.shown(run.specification.floor)
    header = ReleaseHeader(
        release=new_id(RELEASE_PREFIX),
        run=run.specification.run,
        specification=run.specification.digest(),
        project=run.specification.project,
        epoch=run.specification.epoch,
        agreement=run.specification.agreement,
        recipient=recipient.party,
        mode=recipient.mode,
        space=recipient.space,
        upload=upload,
        links=n_links,
        total=total,
        created=utc_text(now),
    )
    file = _seal_file(broker, header.release, serialise_release(header, links))
    return PreparedRelease(header, file, _draft(run, header, file))


def _seal_file(broker: Broker, release: str, lines: Iterable[bytes]) -> SealedFile:
    key = broker.keystore.create(release)
    digest = hashlib.sha256()
    size_bytes = 0
    blobs = []
    for number, piece in enumerate(cut_pieces(lines)):
        digest.update(piece)
        size_bytes += len(piece)
        blobs.append(broker.blobs.put(seal(key, PIECE_KIND, release, number, piece)))
    return SealedFile(digest.hexdigest(), size_bytes, tuple(blobs))


def _draft(run: LinkedRun, header: ReleaseHeader, file: SealedFile) -> EntryDraft:
    return EntryDraft(
        body=ReleasePrepared(
            run=header.run,
            recipient=header.recipient,
            mode=header.mode,
            space=header.space,
            links=above_floor(header.links, run.specification.floor),
            sha256=file.sha256,
        ),
        project=header.project,
        agreement=header.agreement,
        purpose=run.terms.terms.purpose,
        object=header.release,
    )


def _row(run: LinkedRun, release: PreparedRelease, entry: Appended) -> Release:
    header = release.header
    keep_until = parse_utc(header.created) + timedelta(days=run.terms.terms.keep_links_days)
    return Release(
        id=header.release,
        run=header.run,
        project=header.project,
        recipient=header.recipient,
        mode=header.mode,
        space=header.space,
        agreement=header.agreement,
        purpose=run.terms.terms.purpose,
        floor=run.specification.floor,
        sha256=release.file.sha256,
        size_bytes=release.file.size_bytes,
        links=header.links,
        created=header.created,
        keep_until=utc_text(keep_until),
        entry=entry.seq,
        entry_size=entry.size,
    )
