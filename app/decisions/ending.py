"""Ends match records before or at their time, for destruction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce
from app.clock import utc_text
from app.decisions import repository
from app.decisions.models import MatchRecord
from app.matchlog.draft import EntryDraft
from app.sealed.ending import Ended, due_rows
from schemas.matchlog.run_kinds import MatchRecordDestroyed

due_records: Final = partial(due_rows, MatchRecord)


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
    for record in records:
        record.destroyed = utc_text(now)
        repository.forget_openings(session, record)
    return [
        Ended(
            key=record.object,
            kind="match-record",
            party=None,
            sha256=record.root,
            count=None,
            created=None,
            draft=EntryDraft.about(
                MatchRecordDestroyed(root=record.root, reason=reason),
                record,
                binding.digest,
                object=record.run,
            ),
        )
        for record in records
    ]
