"""What a destruction has to know of an object that it has ended, whatever the object holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.sealed import repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.matchlog.draft import EntryDraft
    from schemas.rounds.destruction import ObjectKind

# As many things of one kind as one unit of work ends.
BATCH: Final = 50


def due_projects(session: Session, now: str) -> frozenset[str]:
    """Return the projects that have something whose time is over, or that was retired."""
    return frozenset(repository.due_projects(session, now))


def due_rows(
    session: Session, kind: type[repository.RowT], now: str, project: str
) -> Sequence[repository.RowT]:
    """Return, locked, some of a project's rows of a kind whose time is over."""
    return repository.due_rows(session, kind, now, project, limit=BATCH)


@dataclass(frozen=True, slots=True)
class Ended:
    """An object that has just been ended, as its certificate will list it, and its log entry if it has one.

    `key` is its id, by which the key store has its key.
    """

    key: str
    kind: ObjectKind
    party: str | None
    sha256: str
    count: int | None
    pieces: int
    created: str | None
    draft: EntryDraft | None
