"""Unlinks and relinks as a person of this agency makes them, and the register of all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from encoding.errors import AgencyError
from encoding.ledger.book import Ledger
from encoding.ledger.errors import UnlinkError
from encoding.ledger.register import Act, RegisterEntry, UnlinkNote, register_of
from encoding.packing.handles import derive_map_keys, key_text, record_keys
from encoding.project.agreement.project_view import last_seen
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.records.agency_file import agency_file
from encoding.transfers.matches import record_ids_by_key
from schemas.documents.ids import LinkId, utc_text
from schemas.documents.printable import printable

_SEE: Final = "see: blindlink unlink --list"


@dataclass(frozen=True, slots=True)
class RecordWord:
    """What someone says of the link of a record; `link_id` is null where the record tells it."""

    act: Act
    record_id: str = field(repr=False)
    reason: str = field(repr=False)
    link_id: str | None = None

    @classmethod
    def typed(cls, act: Act, record: str, reason: str, link_id: str | None = None) -> RecordWord:
        """Return what was typed; a dash reads the record from standard input."""
        record_id = sys.stdin.readline().rstrip("\r\n") if record == "-" else record
        return cls(act, record_id, reason, link_id)


def speak_own(session: Session, word: RecordWord) -> LinkId:
    """Unlink or relink a record, durably and in one step with who, when and why; return the link ID."""
    desk = last_seen(session)
    if not desk.is_lasting:
        raise UnlinkError(
            "link IDs of this agency's link-ID set are new in each round: none can be retired for good",
            hint="to stop a record from being linked: blindlink withdraw-record",
        )
    person = unlock_own(session).public.person
    note = UnlinkNote(
        person=person, at=utc_text(session.now()), record=word.record_id, reason=word.reason
    ).to_text()
    with session.workspace.lock():
        kept = desk.ledger_file
        ledger = kept.read()
        keys = derive_map_keys(session.workspace.key(), session.project)
        record = key_text(record_keys(keys, [word.record_id]), 0)
        if word.act == "unlink":
            link = _unlink(ledger, record, note)
        else:
            link = _borne(ledger, record, word.link_id)
            ledger.relink(link, note)
        kept.write(ledger)
    return link


def _unlink(ledger: Ledger, record: str, note: str) -> LinkId:
    if ledger.held(record) is None and ledger.marks(record):
        raise UnlinkError("this record's link ID is retired already", hint=_SEE)
    if ledger.held(record) is None:
        raise UnlinkError(
            "this record has no link ID",
            hint="check the number: spaces and leading zeros count; only records in links.csv can be unlinked",
        )
    return ledger.unlink(record, note)


def _borne(ledger: Ledger, record: str, link_id: str | None) -> LinkId:
    """Return the link ID that this agency has unlinked of a record."""
    standing = [
        one
        for one in register_of(ledger)
        if one.stands and one.act == "unlink" and record in one.bearers
    ]
    own = [one.link for one in standing if one.maker == ledger.party]
    if link_id is not None:
        own = [link for link in own if link.hex() == link_id]
    if len(own) == 1:
        return own[0]
    if own:
        choices = " or ".join(f"--link-id {link.hex()}" for link in own)
        raise UnlinkError(
            "several link IDs of this record were unlinked", hint=f"say which: {choices}"
        )
    others = sorted({one.maker for one in standing if one.maker != ledger.party})
    if others:
        raise UnlinkError(
            f"{' and '.join(others)} has unlinked this record, and no other agency can undo it",
            hint="ask that agency to link it again",
        )
    raise UnlinkError("this agency has not unlinked this record, or not this link ID", hint=_SEE)


@dataclass(frozen=True, slots=True, repr=False)
class Register:
    """All unlinks and relinks, and the record ID of each record key that the file has."""

    entries: tuple[RegisterEntry, ...]
    names: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """Return the register as a document."""
        return {"register": [self._document(one) for one in self.entries]}

    def lines(self) -> Iterator[str]:
        """Yield the register as text."""
        if not self.entries:
            yield "Nothing was unlinked."
        for one in self.entries:
            said = self._document(one)
            undone = "" if one.stands or one.act == "relink" else "; undone since"
            when = said["at"] or "unknown day"
            yield f"{when}  {one.act} by {one.maker}, from round {one.turn.round} on{undone}"
            records = printable(", ".join(said["records"])) or "not known here"
            yield f"    record {records}; link ID {one.link.hex()}"
            if one.note is not None:
                yield f"    {one.note.person}: {one.note.reason}"

    def _document(self, one: RegisterEntry) -> dict[str, Any]:
        note = one.note
        records = (
            [self.names[key] for key in one.bearers if key in self.names]
            if note is None
            else [note.record]
        )
        return {
            "act": one.act,
            "by": one.maker,
            "from_round": one.turn.round,
            "stands": one.stands,
            "link_id": one.link.hex(),
            "records": records,
            "person": note and note.person,
            "at": note and note.at,
            "reason": note and note.reason,
        }


def register_lines(session: Session) -> Register:
    """Return the register; records of others' unlinks by the numbers that the file has for them."""
    with session.workspace.lock():
        entries = tuple(register_of(last_seen(session).ledger_file.read()))
        wanted = {key for one in entries if one.note is None for key in one.bearers}
        names = _names(session, wanted) if wanted else {}
    return Register(entries, names)


def _names(session: Session, wanted: set[str]) -> Mapping[str, str]:
    try:
        file = agency_file(session.config, None, None)
        return record_ids_by_key(session.workspace, session.project, file, wanted)
    except AgencyError as exc:
        session.warn(f"can't name the records that other agencies have unlinked: {exc}")
        return {}
