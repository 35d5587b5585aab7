"""Prepares a run's releases: link IDs drawn, files sealed and durable, nothing visible yet.

What is prepared becomes visible in the one transaction that also finishes the run and logs it; if that
fails, no row names the files, and the sweep takes them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.agreements.receivers import receivers_of
from app.clock import parse_utc, utc_text
from app.ids import new_id
from app.links.blind_file import sealed_records
from app.links.drawing import (
    LinkedRun,
    ObsoleteObject,
    draw_link_ids,
    keep_space,
)
from app.links.models import LastingSpace, Release, ReleasePiece
from app.links.release_file import cut_pieces, own_links
from app.matchlog.draft import EntryDraft
from app.runs.counts import count_own, found_groups, links_for_log
from app.security.at_rest import seal
from schemas.blind import BlindHeader, LinkIdSeal, serialise_blind_release
from schemas.ids import RELEASE_PREFIX, Handle, LinkId
from schemas.matchlog.kinds import BlindReleasePrepared, ReleasePrepared
from schemas.release import ReleaseHeader, serialise_release
from schemas.sealing import KEY_BYTES

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
    """A release that lacks only its place in the log.

    `agency` is the party that fetches it, `links` how many link IDs it has.
    """

    release: str
    recipient: Recipient
    agency: str
    links: int
    created: str
    file: SealedFile
    body: ReleasePrepared | BlindReleasePrepared


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run hands out."""

    run: LinkedRun
    releases: tuple[PreparedRelease, ...]
    spaces: tuple[LastingSpace, ...]

    def drafts(self) -> list[EntryDraft]:
        """Return the log entries of the releases, in their order."""
        return [_draft(self.run, release) for release in self.releases]


def prepare_releases(broker: Broker, run: LinkedRun) -> Prepared:
    """Draw the link IDs of every ID space, and seal a file for every recipient.

    For a recipient of mode `blind` there is one file for each agency to fetch; a recipient of mode `none`
    gets nothing, not even an empty file.

    Raises:
        KeyGoneError: the run's keys are gone.
        NobodyReceivesError: nobody could open what is sealed to a recipient.
        StorageFullError: the disk is nearly full.
    """
    created = utc_text(broker.clock())
    drawn = draw_link_ids(broker, run)
    releases: list[PreparedRelease] = []
    for recipient in run.specification.recipients:
        link_ids = drawn[recipient.space].link_ids
        if recipient.mode == "blind":
            releases.extend(_prepare_blind(broker, run, recipient, link_ids, created))
        elif recipient.mode != "none":
            releases.append(_prepare(broker, run, recipient, link_ids, created))
    revised = tuple(space.revised for space in drawn.values() if space.revised is not None)
    return Prepared(run, tuple(releases), revised)


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
            ReleasePiece(release=release.release, number=number, blob=blob)
            for number, blob in enumerate(release.file.blobs)
        )
    return tuple(obsolete for space in prepared.spaces for obsolete in keep_space(session, space))


def _prepare(
    broker: Broker,
    run: LinkedRun,
    recipient: Recipient,
    link_ids: Sequence[LinkId],
    created: str,
) -> PreparedRelease:
    specification = run.specification
    links: Iterable[tuple[Handle, LinkId]] = ()
    upload, n_links, total = None, 0, None
    if recipient.mode == "linked":
        parties = [upload.party for upload in specification.uploads]
        dataset = parties.index(recipient.party)
        upload = specification.uploads[dataset].upload
        n_links = count_own(run.groups, dataset)
        links = own_links(run.groups, dataset, run.uploads[dataset], link_ids)
    else:
        total = found_groups(run.groups, specification).shown(specification.floor)
    header = ReleaseHeader(
        release=new_id(RELEASE_PREFIX),
        run=specification.run,
        specification=specification.digest(),
        project=specification.project,
        epoch=specification.epoch,
        agreement=specification.agreement,
        recipient=recipient.party,
        mode=recipient.mode,
        space=recipient.space,
        upload=upload,
        links=n_links,
        total=total,
        created=created,
    )
    file = _seal_file(broker, header.release, serialise_release(header, links))
    body = ReleasePrepared(
        run=header.run,
        recipient=header.recipient,
        mode=header.mode,
        space=header.space,
        links=links_for_log(header.links, specification),
        sha256=file.sha256,
    )
    return PreparedRelease(header.release, recipient, recipient.party, n_links, created, file, body)


def _prepare_blind(
    broker: Broker,
    run: LinkedRun,
    recipient: Recipient,
    link_ids: Sequence[LinkId],
    created: str,
) -> Iterator[PreparedRelease]:
    """Yield a release for each agency to fetch, of as many link IDs as it has records."""
    with broker.database.read() as session:
        receivers = receivers_of(session, recipient.party)
    specification = run.specification
    for dataset, (named, upload) in enumerate(zip(specification.uploads, run.uploads, strict=True)):
        # The key is kept nowhere: only the recipient can open what is sealed under it.
        key = secrets.token_bytes(KEY_BYTES)
        header = BlindHeader.close(
            key,
            receivers,
            release=new_id(RELEASE_PREFIX),
            run=specification.run,
            specification=specification.digest(),
            project=specification.project,
            epoch=specification.epoch,
            agreement=specification.agreement,
            recipient=recipient.party,
            agency=named.party,
            space=recipient.space,
            upload=named.upload,
            records=len(upload.handles),
            created=created,
        )
        closing = LinkIdSeal.of(key, header.release, header.agency)
        records = sealed_records(run.groups, dataset, upload, link_ids, closing)
        file = _seal_file(broker, header.release, serialise_blind_release(header, records))
        body = BlindReleasePrepared(
            run=header.run,
            recipient=header.recipient,
            agency=header.agency,
            space=header.space,
            sha256=file.sha256,
        )
        yield PreparedRelease(
            header.release, recipient, header.agency, header.records, created, file, body
        )


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


def _draft(run: LinkedRun, release: PreparedRelease) -> EntryDraft:
    return EntryDraft(
        body=release.body,
        project=run.specification.project,
        agreement=run.specification.agreement,
        purpose=run.terms.terms.purpose,
        object=release.release,
    )


def _row(run: LinkedRun, release: PreparedRelease, entry: Appended) -> Release:
    specification = run.specification
    keep_until = parse_utc(release.created) + timedelta(days=run.terms.terms.keep_links_days)
    return Release(
        id=release.release,
        run=specification.run,
        project=specification.project,
        recipient=release.recipient.party,
        agency=release.agency,
        mode=release.recipient.mode,
        space=release.recipient.space,
        agreement=specification.agreement,
        purpose=run.terms.terms.purpose,
        floor=specification.floor,
        sha256=release.file.sha256,
        size_bytes=release.file.size_bytes,
        links=release.links,
        created=release.created,
        keep_until=utc_text(keep_until),
        entry=entry.seq,
        entry_size=entry.size,
    )
