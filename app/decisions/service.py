"""What auditors may read of a run's match record, and what an agency may fetch to open its own part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import project_for
from app.broker import Broker
from app.clock import utc_text
from app.decisions import repository
from app.decisions.models import MatchRecord
from app.decisions.preparation import PIECE_ROWS, ROWS_KIND, SUMMARY_KIND, openings_kind
from app.decisions.rows import ShownKind, ShownKinds
from app.errors import MATCH_RECORD_GONE, NotFoundError, gone, why_gone
from app.matchlog.draft import entry_actor
from app.runs.service import run_for
from app.sealed.objects import Content, Pieces, SealedFile, open_pieces
from app.security.actor import Actor
from schemas.api.bodies import MAX_RECORD_ROWS, MatchRecordPage
from schemas.rounds.match_record import Decision, MatchRecordHeader

EXPORTED: Final = "match-record"
_HASH_LINE: Final = 64


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A match record that may be read now; rows are unsealed as they are asked for."""

    header: MatchRecordHeader
    root: str
    summary: Pieces
    rows: Pieces

    def lines(self, first: int = 1) -> Iterator[bytes]:
        """Yield the lines of the rows from number `first` on, without their newlines."""
        skipped = (first - 1) % PIECE_ROWS
        for number in range((first - 1) // PIECE_ROWS, len(self.rows)):
            yield from self.rows.piece(number).split(b"\n")[skipped:-1]
            skipped = 0

    def kinds(self) -> tuple[ShownKind, ...]:
        """Return the kinds of decision that are shown, each with how many rows."""
        return ShownKinds.from_canonical(self.summary.piece(0)).kinds


def open_record(
    session: Session, broker: Broker, actor: Actor, run: str, release: int = 1
) -> OpenedRecord:
    """Return a match record of a run that the actor may see; the policy table lets only auditors ask.

    Args:
        release: 1 for what the run decided itself, else the number of that of what reviewers accepted.
    """
    run_for(session, actor, run)
    found = _kept(session, broker, run, release)
    return OpenedRecord(
        header=MatchRecordHeader.from_canonical(found.header.encode()),
        root=found.root,
        summary=open_pieces(session, broker, found.object, SUMMARY_KIND),
        rows=open_pieces(session, broker, found.object, ROWS_KIND),
    )


def page_of(record: OpenedRecord, first: int, limit: int) -> MatchRecordPage:
    """Return up to `limit` rows from number `first` on."""
    lines = islice(record.lines(first), min(limit, MAX_RECORD_ROWS))
    rows = tuple(decision_of(line) or line.decode("ascii") for line in lines)
    following = first + len(rows)
    return MatchRecordPage(
        header=record.header,
        root=record.root,
        first=first,
        rows=rows,
        next=following if following <= record.header.rows else None,
    )


def decision_of(line: bytes) -> Decision | None:
    """Return what a row of a match record says, None where it is withheld."""
    return None if len(line) == _HASH_LINE else Decision.from_canonical(line)


def log_export(session: Session, broker: Broker, actor: Actor, run: str, release: int = 1) -> None:
    """Record that a match record is about to be handed out; commit before the first byte leaves."""
    found, terms = run_for(session, actor, run)
    _kept(session, broker, run, release)
    broker.log.append_export(
        session,
        entry_actor(actor),
        found.project,
        terms.digest,
        what=EXPORTED,
        request=actor.request_id,
    )


def open_openings(
    session: Session, broker: Broker, run: str, party: str, release: int = 1
) -> SealedFile:
    """Return an agency's openings of a run's record; whether it may have them is its release's to say."""
    file = repository.get_openings(session, run, release, party)
    if file is None:
        raise NotFoundError("There is nothing here.")
    record = _kept(session, broker, run, release)
    pieces = open_pieces(session, broker, record.object, openings_kind(party))
    return SealedFile(Content(file.sha256, file.size_bytes), pieces)


def why_record_gone(session: Session, broker: Broker, run: str) -> str | None:
    """Return why the match record of a run can be read no more; None where it can, or the run has none."""
    found = repository.get_record(session, run, 1)
    if found is None or not _is_gone(broker, found):
        return None
    return why_gone("The match record", found.destroyed, found.keep_until)


def record_numbers(session: Session, run: str) -> tuple[int, ...]:
    """Return of which releases a run has match records: 1, and that of what reviewers accepted, if any."""
    return tuple(record.release for record in repository.records_of(session, run))


def header_of(session: Session, run: str) -> MatchRecordHeader | None:
    """Return the header of what a run decided itself, even if the rows are gone; None: it has no record."""
    found = repository.get_record(session, run, 1)
    return None if found is None else MatchRecordHeader.from_canonical(found.header.encode())


def present_records(session: Session, actor: Actor, project: str) -> Sequence[MatchRecord]:
    """Return the match records of which something may still be there, of a project that the actor may see."""
    project_for(session, actor, project)
    return repository.present_records(session, project)


def _kept(session: Session, broker: Broker, run: str, release: int) -> MatchRecord:
    found = repository.get_record(session, run, release)
    if found is None:
        raise NotFoundError("There is nothing here.")
    if _is_gone(broker, found):
        raise gone(MATCH_RECORD_GONE, "The match record", found.destroyed, found.keep_until)
    return found


def _is_gone(broker: Broker, record: MatchRecord) -> bool:
    return record.destroyed is not None or record.keep_until <= utc_text(broker.clock())
