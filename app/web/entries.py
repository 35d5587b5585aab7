"""Log entries as pages and their CSV twins show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.auditor.timeline import sentence

if TYPE_CHECKING:
    from app.web.table import Cell
    from schemas.matchlog.entry import Entry

ENTRY_COLUMNS: Final = (
    "seq", "time", "kind", "outcome", "party", "role", "person", "project", "agreement", "purpose",
    "object", "request", "in_words", "entry",
)  # fmt: skip


def entry_row(entry: Entry) -> tuple[Cell, ...]:
    """Return an entry as one row; the last cell holds the bytes that the log's tree covers, as text."""
    return (
        entry.seq,
        entry.time,
        entry.kind,
        entry.outcome,
        entry.actor.party,
        entry.actor.role,
        entry.actor.person,
        entry.project,
        entry.agreement,
        entry.purpose,
        entry.object,
        entry.request,
        as_sentence(sentence(entry)),
        entry.to_canonical().decode("utf-8"),
    )


def as_sentence(words: str) -> str:
    """Return words with a capital at their beginning."""
    return f"{words[:1].upper()}{words[1:]}"
