"""Draws a run's match record and the agencies' openings: sealed and durable, nothing visible yet.

They become visible in the one transaction that also finishes the run and logs their digests; where it never
comes to that, they are dropped.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce
from app.agreements.signers import receivers_of
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.decisions.models import MatchRecord, RunOpenings
from app.decisions.plan import Graded
from app.decisions.rows import RecordRows
from app.ids import new_id
from app.matching.blocks.bins import Shelf
from app.matching.blocks.resolution import Resolution
from app.matching.blocks.weights import Weights
from app.runs.counts import owns_matches
from app.sealed.objects import NewObject, cut_pieces
from app.uploads.reader import Handles
from schemas.agreement.agreement import Agreement
from schemas.documents.merkle import Frontier, hash_leaf
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import Recipient, RunSpecification
from schemas.matchlog.party_digests import PartyDigest
from schemas.rounds.match_record import (
    FieldWeights,
    MatchRecordHeader,
    OpeningsHeader,
    RecordedUpload,
    serialise_openings,
)
from schemas.signing.sealed_file import Address, seal_pieces
from schemas.signing.sealing import KEY_BYTES

RECORD_PREFIX: Final = "mrc"
# A piece of rows has at most 3 MB, one of openings 3.5 MB.
PIECE_ROWS: Final = 8192
PIECE_OPENINGS: Final = 32_768
ROWS_KIND: Final = "match-record-rows"
SUMMARY_KIND: Final = "match-record-summary"


@dataclass(frozen=True, slots=True, repr=False)
class DrawnRecord:
    """A match record that is durable and lacks only its rows in the database.

    `openings` are the files that parties may fetch, in the order of their names: an agency's own, and for a
    recipient of mode `blind` those of all agencies, sealed to it.
    """

    record: MatchRecord
    openings: tuple[RunOpenings, ...]
    sealed: NewObject

    def root(self) -> str:
        """Return the record's root."""
        return self.record.root

    def digests(self) -> tuple[PartyDigest, ...]:
        """Return the digests of the files of openings, as the log entry lists them."""
        return tuple(PartyDigest(party=file.party, sha256=file.sha256) for file in self.openings)


def draw_record(
    broker: Broker,
    specification: RunSpecification,
    terms: TermsInForce,
    resolution: Resolution,
    *,
    handles: Sequence[Handles],
    shelf: Shelf,
    stack: ExitStack,
) -> DrawnRecord:
    """Write the match record of a run, and openings for those who may learn which records are linked.

    These are each agency of the pair that receives its own matches, and under `blind` the recipient alone.

    Args:
        handles: of the larger and of the smaller file.
        shelf: where rows wait.
        stack: drops the record at its end if it is not kept.

    Raises:
        KeyGoneError: the run's key is gone.
        StorageFullError: the disk is nearly full.
    """
    secret = broker.keystore.open(specification.run).secret
    rows = RecordRows(specification, Graded(resolution.decided), handles, secret, shelf)
    header = _header(rows, terms.profile, resolution.weights)
    return write_record(broker, rows, header, terms, stack)


def write_record(
    broker: Broker,
    rows: RecordRows,
    header: MatchRecordHeader,
    terms: TermsInForce,
    stack: ExitStack,
) -> DrawnRecord:
    """Write a match record under its header, and openings for those who may learn which records are linked.

    Args:
        stack: as `draw_record`.

    Raises:
        nobody-receives, StorageFullError: as `draw_record`.
    """
    specification = rows.specification
    run = specification.run
    new = stack.enter_context(NewObject(broker, new_id(RECORD_PREFIX)))
    root = _write_rows(new, rows, header.to_canonical())
    new.write(SUMMARY_KIND, [rows.summary().to_canonical()])
    openings = tuple(
        _write_openings(
            new,
            header,
            recipient.party,
            _openings_for(broker, rows, root, recipient, terms.agreement),
        )
        for recipient in specification.recipients
        if recipient.mode == "blind" or owns_matches(specification, recipient.party)
    )
    record = MatchRecord(
        run=run,
        release=header.release,
        project=specification.project,
        agreement=specification.agreement,
        purpose=terms.terms.purpose,
        object=new.id,
        header=header.to_canonical().decode("ascii"),
        root=root,
        keep_until=utc_text(broker.clock() + timedelta(days=terms.terms.keep_links_days)),
    )
    return DrawnRecord(record, openings, new)


def keep_record(session: Session, drawn: DrawnRecord) -> None:
    """Make a match record and its openings visible."""
    insert_rows(session, drawn.record)
    insert_rows(session, *drawn.openings)
    drawn.sealed.keep(session)


def openings_file(rows: RecordRows, root: str, side: int) -> Iterator[bytes]:
    """Yield an agency's openings in pieces of whole lines; `side` 0 is the larger file's, 1 the other's."""
    upload = rows.specification.uploads[side]
    header = OpeningsHeader(
        project=rows.specification.project,
        run=rows.specification.run,
        party=upload.party,
        upload=upload.upload,
        match_record=root,
        openings=rows.n_openings(),
    )
    lines = serialise_openings(header, rows.openings(side))
    while piece := b"".join(islice(lines, PIECE_OPENINGS)):
        yield piece


def openings_kind(party: str) -> str:
    """Return the kind of the pieces of an agency's openings."""
    return f"match-record-openings.{party}"


def _header(rows: RecordRows, profile: EncodingProfile, weights: Weights) -> MatchRecordHeader:
    specification = rows.specification
    larger, smaller = specification.uploads
    return MatchRecordHeader.from_row(
        specification,
        release=1,
        specification=specification.digest(),
        uploads=(
            RecordedUpload(party=larger.party, upload=larger.upload),
            RecordedUpload(party=smaller.party, upload=smaller.upload),
        ),
        prior=weights.prior,
        weights=tuple(
            FieldWeights(field=field.name, levels=levels[1:])
            for field, levels in zip(profile.fields, weights.fields, strict=True)
        ),
        rows=len(rows),
    )


def _write_rows(new: NewObject, rows: RecordRows, header: bytes) -> str:
    """Seal the rows as auditors read them, so that what is withheld is kept nowhere; returns the root."""
    frontier = Frontier()
    frontier.append(hash_leaf(header))

    def lines() -> Iterator[bytes]:
        for leaf, is_shown in rows.leaves():
            leaf_hash = hash_leaf(leaf)
            frontier.append(leaf_hash)
            yield (leaf if is_shown else leaf_hash.hex().encode("ascii")) + b"\n"

    found = lines()
    new.write(ROWS_KIND, iter(lambda: b"".join(islice(found, PIECE_ROWS)), b""))
    return frontier.root().hex()


def _openings_for(
    broker: Broker, rows: RecordRows, root: str, recipient: Recipient, agreement: Agreement
) -> Iterator[bytes]:
    uploads = rows.specification.uploads
    if recipient.mode == "linked":
        own = [upload.party for upload in uploads].index(recipient.party)
        return openings_file(rows, root, own)
    with broker.database.read() as session:
        receivers = receivers_of(session, agreement, recipient.party)
    created = utc_text(broker.clock())
    address = Address(broker.settings.operator, recipient.party, receivers, created)
    files = (openings_file(rows, root, side) for side in range(len(uploads)))
    # The key is kept nowhere, as that of the release is not.
    return seal_pieces(chain.from_iterable(files), address, secrets.token_bytes(KEY_BYTES))


def _write_openings(
    new: NewObject, header: MatchRecordHeader, party: str, pieces: Iterator[bytes]
) -> RunOpenings:
    # A sealed file comes in chunks of 64 KiB.
    content = new.write(openings_kind(party), cut_pieces(pieces))
    return RunOpenings(
        run=header.run,
        release=header.release,
        party=party,
        sha256=content.sha256,
        size_bytes=content.size_bytes,
    )
