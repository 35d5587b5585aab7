"""Which link IDs were unlinked and linked again: by whom, when, and why, as far as this agency knows.

An unlink and its relink both stay. Of others' vetoes the claims tell link ID and maker alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from encoding.ledger.book import Ledger
from encoding.ledger.errors import LedgerFileError
from encoding.ledger.values import Turn
from schemas.documents.document import Document
from schemas.documents.errors import FormatError
from schemas.documents.ids import LinkId, UtcTime
from schemas.documents.texts import Text
from schemas.signing.identity import PersonIdText

Act = Literal["unlink", "relink"]


class UnlinkNote(Document):
    """What a person of this agency said of their unlink or relink; `record` is the agency's own number."""

    KIND: ClassVar[str] = "note of an unlink"

    version: Literal["blindlink/unlink-note/1"] = "blindlink/unlink-note/1"
    person: PersonIdText
    at: UtcTime
    record: Annotated[str, Field(repr=False)]
    reason: Annotated[Text, Field(repr=False)]

    def to_text(self) -> str:
        """Return the note as `Ledger.unlink` and `Ledger.relink` keep it."""
        return self.to_canonical().decode("utf-8")


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """One unlink or relink; it counts from the round of `turn` on.

    Attributes:
        stands: whether it is the maker's last word on the link ID.
        bearers: the record keys of own records that had the link ID when it was retired, and not since.
        note: null where another agency made it, or this one before its workspace was lost.
    """

    act: Act
    link: LinkId
    maker: str
    turn: Turn
    stands: bool
    bearers: tuple[str, ...] = field(repr=False)
    note: UnlinkNote | None = field(repr=False)


def register_of(ledger: Ledger) -> Iterator[RegisterEntry]:
    """Yield what the ledger knows of unlinks and relinks, in their order."""
    newest = {(veto.link, veto.maker): veto.sequence for veto in ledger.vetoes()}
    notes = {(one.raw, one.number): one.text for one in ledger.events if one.kind == "noted"}
    for event in ledger.events:
        if event.kind in ("veto", "lift"):
            link, maker = LinkId(event.raw), event.text
            text = notes.get((event.raw, event.number)) if maker == ledger.party else None
            yield RegisterEntry(
                act="unlink" if event.kind == "veto" else "relink",
                link=link,
                maker=maker,
                turn=event.turn,
                stands=newest[link, maker] == event.number,
                bearers=ledger.bearers(link),
                note=None if text is None else _note(text),
            )


def _note(text: str) -> UnlinkNote:
    try:
        return UnlinkNote.from_canonical(text.encode("utf-8", "surrogatepass"))
    except FormatError as exc:
        raise LedgerFileError("a note of an unlink is damaged in the ledger") from exc
