"""Log entries as pages and their CSV twins show them."""

from __future__ import annotations

from typing import Final

from app.auditor.timeline import event_sentence
from app.web.table import Cell
from schemas.documents.ids import CERTIFICATE_PREFIX, RELEASE_PREFIX, RUN_PREFIX, UPLOAD_PREFIX
from schemas.matchlog.entry import Entry

ENTRY_COLUMNS: Final = (
    "seq", "time", "kind", "outcome", "party", "role", "person", "project", "agreement", "purpose",
    "object", "request", "in_words", "entry",
)  # fmt: skip

_PAGES_OF_OBJECTS: Final = {
    UPLOAD_PREFIX: "uploads",
    RUN_PREFIX: "runs",
    RELEASE_PREFIX: "releases",
    CERTIFICATE_PREFIX: "destructions",
}


def entry_row(entry: Entry) -> tuple[Cell, ...]:
    """Return an entry as one row; the last cell holds the bytes that the log's tree covers, as text."""
    return (
        entry.seq, entry.time, entry.kind, entry.outcome, entry.actor.party, entry.actor.role,
        entry.actor.person, entry.project, entry.agreement, entry.purpose, entry.object, entry.request,
        event_words(entry), entry_text(entry),
    )  # fmt: skip


def entry_text(entry: Entry) -> str:
    """Return the bytes that the log's tree covers, as text."""
    return entry.to_canonical().decode("utf-8")


def event_words(entry: Entry) -> str:
    """Return what an entry says, with a full stop, and with a capital unless a party's name comes first."""
    # A reason that someone gave may end with one.
    words = event_sentence(entry).removesuffix(".")
    if words.startswith(entry.actor.party):
        return f"{words}."
    return f"{words[:1].upper()}{words[1:]}."


def object_page(object_id: str) -> str | None:
    """Return the path of an object's page; None where objects of this kind have none."""
    folder = _PAGES_OF_OBJECTS.get(object_id.partition("-")[0])
    return None if folder is None else f"/{folder}/{object_id}"
