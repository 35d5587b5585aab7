"""Which disclosures concern one record: asked of the own workspace, proved by the match log.

Five things concern a record: encodings in which it was, link IDs of it that came to this agency, link IDs that
others fetched of the runs that compared it, cards of it that were sealed for reviewers, and columns of it that
were delivered, or came, by the broker. Whether it was
among those that others received is known where this agency knows that it was linked; elsewhere it may have
been, and that is what is said. Under `blind` it is only said that the record was in a file released to a
recipient.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from encoding.evidence.disclosed_records import DisclosedRecords
from encoding.log.log_copy import LogCopy
from encoding.packing.handles import (
    MapName,
    derive_map_keys,
    key_text,
    read_handle_map,
    record_keys,
)
from encoding.workspace.workspace import Workspace
from schemas.agreement.agreement import Agreement
from schemas.documents.ids import Handle
from schemas.matchlog.agreement_kinds import AgreementProposed
from schemas.matchlog.delivery_kinds import DeliveryFetched, DeliveryReceived
from schemas.matchlog.entry import Entry
from schemas.matchlog.release_kinds import BlindReleasePrepared, ReleasePrepared
from schemas.matchlog.review_kinds import ReviewAnswered, ReviewAsked
from schemas.matchlog.run_kinds import RunAsked
from schemas.matchlog.upload_kinds import UploadReceived

Certainty = Literal["yes", "may", "in-file"]
What = Literal["encodings", "link-ids", "sealed-link-ids", "card", "columns"]

SENTENCES: Final = {
    ("encodings", "yes"): "an encoding of this record was sent to be linked",
    ("encodings", "may"): "encodings were sent; whether this record was among them was not kept",
    ("link-ids", "yes"): "this record was linked, and its link ID was handed out",
    ("link-ids", "may"): "link IDs were handed out; whether of this record is not known here",
    ("sealed-link-ids", "in-file"): (
        "this record was in a file released to the recipient; whether it was linked is not known here"
    ),
    ("sealed-link-ids", "may"): (
        "a file was released to the recipient; whether this record was in it was not kept"
    ),
    ("card", "in-file"): (
        "a card of this record was sealed for the reviewers; whether it was shown is not known here"
    ),
    ("card", "may"): "cards were sealed for the reviewers; whether of this record was not kept",
    ("columns", "yes"): "columns of this record were delivered",
    ("columns", "may"): "columns were delivered; whether of this record is not known here",
}


@dataclass(frozen=True, slots=True)
class PersonDisclosure:
    """One disclosure that concerns the record, or may; `entry` is where the log proves it.

    `basis` is empty where the agreement states none.
    """

    entry: int
    time: str
    what: What
    certainty: Certainty
    giver: str
    receiver: str
    purpose: str
    interest: str
    basis: str
    citation: str
    agreement: str
    object: str

    @property
    def sentence(self) -> str:
        """What is disclosed, in words."""
        return SENTENCES[self.what, self.certainty]


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """What the workspace knows of one record.

    Attributes:
        key: its record key, as the ledger names it.
        handles: its handle in each container that it was in, by round and partner.
        containers: round and partner of every container whose handle map is kept.
    """

    key: str
    handles: Mapping[tuple[int, str], Handle]
    containers: Collection[tuple[int, str]]


def find_record(workspace: Workspace, project: str, record_id: str) -> KnownRecord:
    """Return the handles that stood for a record ID; none where it was never encoded here.

    Raises:
        HandleMapError: a handle map is damaged.
    """
    keys = derive_map_keys(workspace.key(), project)
    wanted = record_keys(keys, [record_id])
    maps = workspace.handle_maps(project)
    found: dict[tuple[int, str], Handle] = {}
    for number, partner in maps:
        name = MapName(project, number, partner)
        known, handles = read_handle_map(workspace.handle_map(*name), name, keys).find(wanted)
        if known[0]:
            found[number, partner] = Handle(handles[0].tobytes())
    return KnownRecord(key_text(wanted, 0), found, frozenset(maps))


def disclosures_of(
    workspace: Workspace, copy: LogCopy, project: str, party: str, record: KnownRecord
) -> list[PersonDisclosure]:
    """Return the disclosures that concern a record, or may, in the order of the log.

    Raises:
        WorkspaceError, ReceiptError: what was kept is damaged.
    """
    book = _Book(workspace, project, party, record)
    for entry in copy.entries:
        book.take(entry)
    return book.lines


@dataclass(slots=True)
class _Run:
    """A run that compared the record, or may have; `linked` tells whether it was linked, as far as known."""

    certainty: Certainty
    parties: tuple[str, ...]
    round: int
    linked: bool | None = None


@dataclass(slots=True)
class _Book:
    workspace: Workspace
    project: str
    party: str
    record: KnownRecord
    lines: list[PersonDisclosure] = field(default_factory=list)
    _uploads: dict[str, Certainty] = field(default_factory=dict)
    _runs: dict[str, _Run] = field(default_factory=dict)
    _releases: dict[str, ReleasePrepared | BlindReleasePrepared] = field(default_factory=dict)
    _reviewers: dict[str, str] = field(default_factory=dict)
    _agreements: dict[str, Agreement] = field(default_factory=dict)
    _deliveries: dict[str, tuple[str, DeliveryReceived]] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        body = entry.body
        if isinstance(body, AgreementProposed):
            self._agreements[body.agreement.digest()] = body.agreement
        if entry.project != self.project or entry.outcome != "done":
            return
        if isinstance(body, UploadReceived) and entry.actor.party == self.party:
            self._take_upload(entry, body)
        elif isinstance(body, RunAsked):
            self._take_run(entry, body)
        elif isinstance(body, ReleasePrepared | BlindReleasePrepared):
            self._take_release(entry, body)
        elif entry.kind == "release-fetched":
            self._take_fetch(entry)
        elif isinstance(body, ReviewAsked):
            self._reviewers[cast(str, entry.object)] = body.reviewer
        elif isinstance(body, ReviewAnswered) and entry.actor.party == self.party:
            self._take_cards(entry, body)
        elif isinstance(body, DeliveryReceived):
            self._deliveries[cast(str, entry.object)] = (entry.actor.party, body)
        elif isinstance(body, DeliveryFetched):
            self._take_delivery(entry)

    def _take_upload(self, entry: Entry, body: UploadReceived) -> None:
        certainty = self._in_container(body)
        if certainty is None:
            return
        self._uploads[cast(str, entry.object)] = certainty
        receiver = self._agreements[entry.agreement or ""].operator.name
        self._add(entry, "encodings", certainty, self.party, receiver)

    def _in_container(self, body: UploadReceived) -> Certainty | None:
        """Tell whether the record was in an upload: None if not, "may" where that was not kept."""
        if (body.round, body.partner) in self.record.handles:
            return "yes"
        return None if (body.round, body.partner) in self.record.containers else "may"

    def _take_run(self, entry: Entry, body: RunAsked) -> None:
        specification = body.specification
        for upload in specification.uploads:
            if upload.upload in self._uploads:
                certainty = self._uploads[upload.upload]
                parties = tuple(u.party for u in specification.uploads)
                run = _Run(certainty, parties, specification.round)
                self._runs[cast(str, entry.object)] = run

    def _take_release(self, entry: Entry, body: ReleasePrepared | BlindReleasePrepared) -> None:
        run, release = self._runs.get(body.run), cast(str, entry.object)
        if run is None:
            return
        self._releases[release] = body
        is_own = isinstance(body, ReleasePrepared) and body.recipient == self.party
        if is_own and body.mode == "linked":  # type: ignore[union-attr]
            kept = DisclosedRecords(self.workspace, self.project)
            partner = next(party for party in run.parties if party != self.party)
            run.linked = kept.was_matched(run.round, self.record.key, partner)

    def _take_fetch(self, entry: Entry) -> None:
        body = self._releases.get(entry.object or "")
        run = None if body is None else self._runs[body.run]
        if body is None or run is None:
            return
        if isinstance(body, BlindReleasePrepared):
            if body.agency == self.party:
                certainty: Certainty = "in-file" if run.certainty == "yes" else "may"
                self._add(entry, "sealed-link-ids", certainty, self.party, body.recipient)
        elif body.mode == "linked" and run.linked is not False:
            linked: Certainty = "yes" if run.linked else "may"
            for giver in _givers(run, body.recipient, self.party):
                self._add(entry, "link-ids", linked, giver, body.recipient)

    def _take_cards(self, entry: Entry, body: ReviewAnswered) -> None:
        reviewer = self._reviewers.get(entry.object or "", "")
        known = DisclosedRecords(self.workspace, self.project).has_card(body.round, self.record.key)
        if known is not False:
            self._add(entry, "card", "in-file" if known else "may", self.party, reviewer)

    def _take_delivery(self, entry: Entry) -> None:
        """Note that columns have left: of this agency's record, or of another's that is linked with it."""
        sender, body = self._deliveries[cast(str, entry.object)]
        kept = DisclosedRecords(self.workspace, self.project)
        if sender == self.party:
            known = kept.was_delivered(body.round, body.recipient, self.record.key)
        elif body.recipient == self.party:
            known = kept.was_matched(body.round, self.record.key, sender)
        else:
            return
        if known is not False:
            self._add(entry, "columns", "yes" if known else "may", sender, body.recipient)

    def _add(
        self, entry: Entry, what: What, certainty: Certainty, giver: str, receiver: str
    ) -> None:
        agreement, sides = self._agreements[entry.agreement or ""], (giver, receiver)
        direction = next((d for d in agreement.directions if (d.giver, d.receiver) == sides), None)
        self.lines.append(
            PersonDisclosure(
                entry=entry.seq,
                time=entry.time,
                what=what,
                certainty=certainty,
                giver=giver,
                receiver=receiver,
                purpose=entry.purpose or "",
                interest=agreement.purpose.statement,
                basis="" if direction is None else direction.basis,
                citation=(direction.citation if direction else None) or "",
                agreement=entry.agreement or "",
                object=entry.object or "",
            )
        )


def _givers(run: _Run, recipient: str, party: str) -> Iterator[str]:
    """Yield whose records a fetch tells about: this agency's to others, and all others' to this agency."""
    if recipient == party:
        yield from (other for other in run.parties if other != party)
    else:
        yield party


def proof_files(copy: LogCopy, lines: list[PersonDisclosure]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of a proof for each line, as other tools read it too (C2SP tlog-proof)."""
    for index in sorted({line.entry for line in lines}):
        yield f"entry-{index}.tlog-proof", copy.proof(index).to_bytes()


def as_json(line: PersonDisclosure) -> dict[str, Any]:
    """Return a line for `--json`."""
    named = {name: getattr(line, name) for name in PersonDisclosure.__slots__}
    return {**named, "sentence": line.sentence}
