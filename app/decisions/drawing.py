"""Draws a run's match record and the agencies' openings: sealed and durable, nothing visible yet.

They become visible in the one transaction that also finishes the run and logs their digests; if that fails,
no row names the pieces, and the sweep takes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from app.clock import utc_text
from app.decisions.models import MatchRecord, MatchRecordPiece, RunOpenings
from app.decisions.rows import RecordRows, plan_record
from app.ids import new_id
from app.security.at_rest import seal
from schemas.match_record import (
    MatchRecordHeader,
    OpeningsHeader,
    RecordedUpload,
    serialise_openings,
)
from schemas.matchlog.kinds import PartyDigest
from schemas.matchlog.merkle import Frontier, hash_leaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.broker import Broker
    from app.matching import Decisions
    from app.security.keystore import DataKey
    from app.uploads.loading import LoadedUpload
    from schemas.run import RunSpecification

RECORD_PREFIX: Final = "mrc"
# A piece of rows has at most 3 MB, one of openings 3.5 MB.
PIECE_ROWS: Final = 8192
PIECE_OPENINGS: Final = 32_768
ROWS: Final = "rows"
SUMMARY: Final = "summary"


@dataclass(frozen=True, slots=True, repr=False)
class DrawnRecord:
    """A match record that is durable and lacks only its rows in the database.

    `openings` are those that agencies may fetch, in the order of their names; `rows` makes others, such as
    those that are sealed to a recipient.
    """

    rows: RecordRows
    record: MatchRecord
    openings: tuple[RunOpenings, ...]
    pieces: tuple[MatchRecordPiece, ...]

    def root(self) -> str:
        """Return the record's root."""
        return self.record.root

    def digests(self) -> tuple[PartyDigest, ...]:
        """Return the digests of the agencies' openings, as the log entry lists them."""
        return tuple(PartyDigest(party=file.party, sha256=file.sha256) for file in self.openings)

    def openings_file(self, dataset: int) -> Iterator[bytes]:
        """Yield the openings of one upload's handles in pieces, as `schemas.match_record` defines them.

        Only who may learn which of these records are linked may read them: the agency itself where it
        receives its own links; otherwise they are sealed to the recipient.
        """
        return openings_file(self.rows, self.record.root, dataset)


def draw_record(
    broker: Broker,
    specification: RunSpecification,
    terms: TermsInForce,
    decisions: Decisions,
    uploads: Sequence[LoadedUpload],
) -> DrawnRecord:
    """Write the match record of a solved run, and openings for each agency that receives its own links.

    Raises:
        KeyGoneError: the run's key is gone.
        StorageFullError: the disk is nearly full.
    """
    run = specification.run
    secret = broker.keystore.open(run).secret
    rows = plan_record(specification, terms.profile, decisions, uploads, secret)
    header = _header(rows)
    object_id = new_id(RECORD_PREFIX)
    writer = _Writer(broker, run, broker.keystore.create(object_id))
    root = _write_rows(writer, rows, header.to_canonical())
    writer.write(SUMMARY, [rows.summary().to_canonical()])
    openings = tuple(
        _write_openings(writer, rows, root, dataset)
        for dataset, upload in enumerate(specification.uploads)
        if any(
            recipient.party == upload.party and recipient.mode == "linked"
            for recipient in specification.recipients
        )
    )
    record = MatchRecord(
        run=run,
        project=specification.project,
        agreement=specification.agreement,
        purpose=terms.terms.purpose,
        object=object_id,
        header=header.to_canonical().decode("ascii"),
        root=root,
        keep_until=utc_text(broker.clock() + timedelta(days=terms.terms.keep_links_days)),
    )
    return DrawnRecord(rows, record, openings, tuple(writer.pieces))


def keep_record(session: Session, drawn: DrawnRecord) -> None:
    """Make a match record and its openings visible."""
    session.add(drawn.record)
    session.flush()
    session.add_all([*drawn.openings, *drawn.pieces])


def openings_file(rows: RecordRows, root: str, dataset: int) -> Iterator[bytes]:
    """Yield an agency's openings in pieces of whole lines."""
    upload = rows.specification.uploads[dataset]
    header = OpeningsHeader(
        project=rows.specification.project,
        run=rows.specification.run,
        party=upload.party,
        upload=upload.upload,
        match_record=root,
        openings=rows.n_openings(dataset),
    )
    lines = serialise_openings(header, rows.openings(dataset))
    while piece := b"".join(islice(lines, PIECE_OPENINGS)):
        yield piece


def openings_part(party: str) -> str:
    """Return the name under which an agency's openings are sealed."""
    return f"openings.{party}"


def piece_kind(part: str) -> str:
    """Return what a sealed piece of this part is bound to, besides its record and number."""
    return f"match-record-{part}"


@dataclass(slots=True)
class _Writer:
    """Seals pieces of one record, part by part."""

    broker: Broker
    run: str
    key: DataKey
    pieces: list[MatchRecordPiece]

    def __init__(self, broker: Broker, run: str, key: DataKey) -> None:
        self.broker, self.run, self.key = broker, run, key
        self.pieces = []

    def write(self, part: str, contents: Iterable[bytes]) -> None:
        for number, content in enumerate(contents):
            sealed = seal(self.key, piece_kind(part), self.key.object_id, number, content)
            blob = self.broker.blobs.put(sealed)
            self.pieces.append(MatchRecordPiece(run=self.run, part=part, number=number, blob=blob))


def _header(rows: RecordRows) -> MatchRecordHeader:
    specification = rows.specification
    return MatchRecordHeader(
        project=specification.project,
        run=specification.run,
        specification=specification.digest(),
        uploads=tuple(
            RecordedUpload(party=upload.party, upload=upload.upload)
            for upload in specification.uploads
        ),
        floor=specification.floor,
        rows=len(rows.plan),
    )


def _write_rows(writer: _Writer, rows: RecordRows, header: bytes) -> str:
    """Seal the rows as auditors read them, so that what is withheld is kept nowhere; returns the root."""
    frontier = Frontier()
    frontier.append(hash_leaf(header))

    def lines(start: int) -> Iterator[bytes]:
        for leaf, is_shown in rows.leaves(start, min(start + PIECE_ROWS, len(rows.plan))):
            leaf_hash = hash_leaf(leaf)
            frontier.append(leaf_hash)
            yield (leaf if is_shown else leaf_hash.hex().encode("ascii")) + b"\n"

    writer.write(ROWS, (b"".join(lines(start)) for start in range(0, len(rows.plan), PIECE_ROWS)))
    return frontier.root().hex()


def _write_openings(writer: _Writer, rows: RecordRows, root: str, dataset: int) -> RunOpenings:
    party = rows.specification.uploads[dataset].party
    digest, size_bytes = hashlib.sha256(), 0

    def counted() -> Iterator[bytes]:
        nonlocal size_bytes
        for piece in openings_file(rows, root, dataset):
            digest.update(piece)
            size_bytes += len(piece)
            yield piece

    writer.write(openings_part(party), counted())
    return RunOpenings(
        run=rows.specification.run, party=party, sha256=digest.hexdigest(), size_bytes=size_bytes
    )
