"""Ends match records before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from app.clock import utc_text
from app.decisions import repository
from app.decisions.models import MatchRecord
from app.matchlog.draft import EntryDraft
from app.sealed.ending import Ended, due_rows
from app.sealed.objects import count_pieces, end_objects
from schemas.matchlog.kinds import MatchRecordDestroyed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce


def live_records(
    session: Session, project: str, *, runs: Collection[str] | None = None
) -> Sequence[MatchRecord]:
    """Return the project's match records that are still there; `runs` names those wanted, None all."""
    present = repository.present_records(session, project)
    return [
        record
        for record in present
        if record.destroyed is None and (runs is None or record.run in runs)
    ]


def end_records(
    session: Session,
    records: Sequence[MatchRecord],
    binding: TermsInForce,
    reason: str,
    now: datetime,
) -> list[Ended]:
    """Mark match records of one project as destroyed; the caller appends the entries."""
    ended = []
    for record in records:
        record.destroyed = utc_text(now)
        ended.append(_ended(session, record, binding, reason))
        repository.forget_openings(session, record)
    end_objects(session, *(record.object for record in records))
    return ended


def due_records(session: Session, now: str, project: str) -> Sequence[MatchRecord]:
    """Return, locked, some of a project's match records whose time is over."""
    return due_rows(session, MatchRecord, now, project)


def _ended(session: Session, record: MatchRecord, binding: TermsInForce, reason: str) -> Ended:
    return Ended(
        key=record.object,
        kind="match-record",
        party=None,
        sha256=record.root,
        count=None,
        pieces=count_pieces(session, record.object),
        created=None,
        draft=EntryDraft.about(
            MatchRecordDestroyed(root=record.root, reason=reason),
            record,
            binding.digest,
            object=record.run,
        ),
    )
