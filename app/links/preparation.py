"""Prepares a run's releases: match IDs drawn, files sealed and durable, nothing visible yet.

What is prepared becomes visible in the one transaction that also finishes the run and logs it; where it never
comes to that, it is dropped.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy.orm import Session

from app.agreements.signers import receivers_of
from app.broker import Broker
from app.clock import parse_utc, utc_text
from app.db import insert_rows
from app.ids import new_id
from app.links.matches import LinkedRun, match_ids, own_matches
from app.links.models import Release
from app.matching.blocks.bins import Rows, Taken
from app.matchlog.draft import Appended, EntryDraft
from app.runs.counts import above_floor, matches_for_log
from app.sealed.objects import Content, NewObject, cut_pieces
from app.uploads.reader import each_handle
from schemas.documents.ids import MATCH_ID_BYTES, RELEASE_PREFIX, Handle, MatchId
from schemas.linkage.profile import SIDES
from schemas.linkage.run import Recipient
from schemas.matchlog.release_kinds import BlindReleasePrepared, ReleasePrepared
from schemas.rounds.blind import NONCE_BYTES, BlindHeader, MatchIdSeal, serialise_blind_release
from schemas.rounds.release import Match, ReleaseHeader, serialise_release
from schemas.signing.sealing import KEY_BYTES

# Records whose match IDs are drawn at a time.
_AT_ONCE: Final = 1 << 13


PIECE_KIND: Final = "release-piece"


def sealed_records(
    run: LinkedRun, side: int, space: str, seal: MatchIdSeal
) -> Iterator[tuple[Handle, bytes]]:
    """Yield all handles of a file in increasing order, each with a match ID sealed.

    A record that is matched has its match ID; any other has a fresh random one, so that nothing tells them
    apart: not the number of records, their sizes, their order, or what is sealed.
    """
    start, taken = 0, Taken(run.matches.of_side(side), SIDES[side])
    for piece in run.handles[side].pieces():
        for table in np.split(piece, range(_AT_ONCE, len(piece), _AT_ONCE)):
            drawn = _drawn(run, space, taken.below(start + len(table)), SIDES[side])
            for record, handle in enumerate(each_handle(table), start):
                # Drawn for every record, so that the two kinds differ in nothing but which ID is used.
                fresh = MatchId(secrets.token_bytes(MATCH_ID_BYTES))
                yield handle, seal.close(drawn.get(record, fresh), secrets.token_bytes(NONCE_BYTES))
            start += len(table)


def _drawn(run: LinkedRun, space: str, matches: Rows | None, column: str) -> dict[int, MatchId]:
    """Return match IDs by the records of a side."""
    if matches is None:
        return {}
    return dict(zip(matches[column].tolist(), match_ids(run, space, matches), strict=True))


@dataclass(frozen=True, slots=True)
class PreparedRelease:
    """A release that lacks only its place in the log.

    `agency` is the party that fetches it, `partner` whose file it was compared with, None in mode `count`;
    `matches` is how many match IDs it has.
    """

    release: str
    recipient: Recipient
    agency: str
    partner: str | None
    matches: int
    created: str
    sealed: NewObject
    content: Content
    body: ReleasePrepared | BlindReleasePrepared


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run hands out."""

    run: LinkedRun
    releases: tuple[PreparedRelease, ...]

    def drafts(self) -> list[EntryDraft]:
        """Return the log entries of the releases, in their order."""
        return [_draft(self.run, release) for release in self.releases]


def prepare_releases(broker: Broker, run: LinkedRun, stack: ExitStack) -> Prepared:
    """Draw the match IDs of every link-ID set, and seal a file for every recipient whom the pair concerns.

    For a recipient of mode `blind` there is one file for each agency of the pair to fetch; a recipient of mode
    `none` gets nothing, not even an empty file, nor does one of mode `linked` whose records are not compared.

    Args:
        stack: drops at its end the files that are not kept.

    Raises:
        StorageFullError: the disk is nearly full.
    """
    created = utc_text(broker.clock())
    releases: list[PreparedRelease] = []
    for recipient in run.specification.recipients:
        if recipient.mode == "blind":
            releases.extend(_prepare_blind(broker, run, recipient, created, stack))
        elif recipient.mode == "count":
            releases.append(_prepare_count(broker, run, recipient, created, stack))
        elif recipient.mode == "linked" and run.side_of(recipient.party) is not None:
            releases.append(_prepare_linked(broker, run, recipient, created, stack))
    return Prepared(run, tuple(releases))


def keep_releases(session: Session, prepared: Prepared, appended: Sequence[Appended]) -> None:
    """Make prepared releases visible.

    Args:
        appended: where the log entries of `prepared.drafts()` stand, in the same order.
    """
    for release, entry in zip(prepared.releases, appended, strict=True):
        insert_rows(session, _row(prepared.run, release, entry))
        release.sealed.keep(session)


def _prepare_linked(
    broker: Broker, run: LinkedRun, recipient: Recipient, created: str, stack: ExitStack
) -> PreparedRelease:
    """Prepare the matches of a party's own records."""
    side = run.side_of(recipient.party) or 0
    uploads = run.specification.uploads
    header = ReleaseHeader(
        **_stated(run, recipient, created),
        number=run.number,
        partner=uploads[1 - side].party,
        mode="linked",
        upload=uploads[side].upload,
        matches=len(run.matches),
    )
    return _prepared(
        broker, run, recipient, header, own_matches(run, side, recipient.space), stack=stack
    )


def _prepare_count(
    broker: Broker, run: LinkedRun, recipient: Recipient, created: str, stack: ExitStack
) -> PreparedRelease:
    """Prepare a file that says how many matches there are, and nothing where they are few."""
    header = ReleaseHeader(
        **_stated(run, recipient, created),
        number=run.number,
        partner=None,
        mode="count",
        upload=None,
        matches=0,
        total=above_floor(len(run.matches), run.specification.floor),
    )
    return _prepared(broker, run, recipient, header, (), stack=stack)


def _prepared(
    broker: Broker,
    run: LinkedRun,
    recipient: Recipient,
    header: ReleaseHeader,
    matches: Iterable[tuple[Handle, Match]],
    *,
    stack: ExitStack,
) -> PreparedRelease:
    lines = serialise_release(header, matches)
    sealed, content = _seal_file(broker, header.release, lines, stack)
    body = ReleasePrepared.from_row(
        header, matches=matches_for_log(header.matches, run.specification), sha256=content.sha256
    )
    return PreparedRelease(
        release=header.release,
        recipient=recipient,
        agency=recipient.party,
        partner=header.partner,
        matches=header.matches,
        created=header.created,
        sealed=sealed,
        content=content,
        body=body,
    )


def _prepare_blind(
    broker: Broker, run: LinkedRun, recipient: Recipient, created: str, stack: ExitStack
) -> Iterator[PreparedRelease]:
    """Yield a release for each agency of the pair to fetch, of as many match IDs as it has records."""
    with broker.database.read() as session:
        receivers = receivers_of(session, run.terms.agreement, recipient.party)
    uploads = run.specification.uploads
    for side, named in enumerate(uploads):
        # The key is kept nowhere: only the recipient can open what is sealed under it.
        key = secrets.token_bytes(KEY_BYTES)
        header = BlindHeader.close(
            key,
            receivers,
            **_stated(run, recipient, created),
            agency=named.party,
            partner=uploads[1 - side].party,
            upload=named.upload,
            records=len(run.handles[side]),
        )
        closing = MatchIdSeal.of(key, header.release, header.agency)
        records = sealed_records(run, side, recipient.space, closing)
        lines = serialise_blind_release(header, records)
        sealed, content = _seal_file(broker, header.release, lines, stack)
        body = BlindReleasePrepared.from_row(header, sha256=content.sha256)
        yield PreparedRelease(
            release=header.release,
            recipient=recipient,
            agency=header.agency,
            partner=header.partner,
            matches=header.records,
            created=created,
            sealed=sealed,
            content=content,
            body=body,
        )


def _stated(run: LinkedRun, recipient: Recipient, created: str) -> dict[str, Any]:
    """Return what every header states of a run, under a new id."""
    specification = run.specification
    return {
        "release": new_id(RELEASE_PREFIX),
        "run": specification.run,
        "specification": specification.digest(),
        "project": specification.project,
        "epoch": specification.epoch,
        "round": specification.round,
        "agreement": specification.agreement,
        "recipient": recipient.party,
        "space": recipient.space,
        "created": created,
    }


def _seal_file(
    broker: Broker, release: str, lines: Iterable[bytes], stack: ExitStack
) -> tuple[NewObject, Content]:
    new = stack.enter_context(NewObject(broker, release))
    return new, new.write(PIECE_KIND, cut_pieces(lines))


def _draft(run: LinkedRun, release: PreparedRelease) -> EntryDraft:
    return EntryDraft.about(
        release.body, run.terms.terms, run.specification.agreement, object=release.release
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
        sha256=release.content.sha256,
        size_bytes=release.content.size_bytes,
        round=specification.round,
        number=run.number,
        partner=release.partner,
        matches=release.matches,
        created=release.created,
        keep_until=utc_text(keep_until),
        entry=entry.seq,
        entry_size=entry.size,
    )
