"""The register of disclosures: who received whose records, when, why and on what legal basis.

It holds what 34 CFR 99.32 asks of a record of disclosures, as far as the match log knows it: parties, their
legitimate interest, date, and how many records; which person's records they are only the agencies know. Four
things are disclosures: encodings that come to the broker, match IDs that are handed out, what reviewers get to
decide pairs by, and columns that are delivered. Requests that were refused are listed too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, cast

from schemas.agreement.agreement import Agreement
from schemas.agreement.clause_words import BASIS_WORDS
from schemas.agreement.clauses import Direction
from schemas.matchlog.agreement_kinds import AgreementProposed
from schemas.matchlog.delivery_kinds import DeliveryFetched, DeliveryReceived
from schemas.matchlog.entry import Entry
from schemas.matchlog.release_kinds import BlindReleasePrepared, ReleasePrepared
from schemas.matchlog.review_kinds import ReviewAsked, ReviewFetched
from schemas.matchlog.run_kinds import RunAsked
from schemas.matchlog.upload_kinds import UploadReceived

What = Literal[
    "encodings", "match-ids", "sealed-match-ids", "count", "questions", "cards", "columns"
]

# The kinds of entry that the register is made from.
KINDS: Final = frozenset(
    {
        "agreement-proposed",
        "upload-received",
        "run-asked",
        "release-prepared",
        "blind-release-prepared",
        "release-fetched",
        "review-asked",
        "review-fetched",
        "delivery-received",
        "delivery-fetched",
    }
)
_WHAT_OF_MODE: Final[Mapping[str, What]] = {"blind": "sealed-match-ids", "count": "count"}
WHAT: Final[Mapping[str, str]] = {
    "encodings": "encodings (protected, sent to be linked)",
    "match-ids": "match IDs of the receiver's own linked records",
    "sealed-match-ids": "match IDs that only the recipient can open",
    "count": "a total, no records",
    "questions": "which of the receiver's own records may be of the same person as one of the giver",
    "columns": "sealed columns of the giver's records, which only the receiver can open",
    "cards": "sealed cards of the giver's records, which only reviewers can open",
}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One line of the register, in the order of the log; empty texts are things the log does not say.

    `records` is None where it lies below the floor, is not told, or the request was refused. `entry` is the
    index at which everyone finds it in the log, `agreement` the digest of the agreement it was made under.
    """

    entry: int
    time: str
    outcome: str
    project: str
    giver: str
    giver_title: str
    receiver: str
    receiver_title: str
    what: What
    records: int | None
    interest: str
    purpose: str
    basis: str
    citation: str
    onward: str
    agreement: str
    agreement_number: int
    object: str
    run: str
    person: str


COLUMNS: Final = tuple(column.name for column in fields(Disclosure))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which disclosures are asked for; None is any. Dates are days in UTC, both included."""

    project: str | None = None
    party: str | None = None
    since: str | None = None
    until: str | None = None

    def holds(self, line: Disclosure) -> bool:
        """Tell whether a line is asked for; a party counts as giver and as receiver."""
        day = line.time[:10]
        return (
            self.project in (None, line.project)
            and self.party in (None, line.giver, line.receiver)
            and (self.since is None or self.since <= day)
            and (self.until is None or day <= self.until)
        )


@dataclass(frozen=True, slots=True)
class _Release:
    """A release; `agency` is whose records a blind one is about, which then fetches it."""

    run: str
    recipient: str
    mode: str
    records: int | None
    agency: str | None = None


@dataclass(slots=True)
class DisclosureBook:
    """Takes the entries of a verified log in order; `lines` is the register."""

    lines: list[Disclosure] = field(default_factory=list)
    _agreements: dict[str, Agreement] = field(default_factory=dict)
    _records: dict[str, int] = field(default_factory=dict)
    _uploads: dict[str, dict[str, str]] = field(default_factory=dict)
    _releases: dict[str, _Release] = field(default_factory=dict)
    _asked: dict[str, str] = field(default_factory=dict)
    _senders: dict[str, str] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Take the next entry.

        Raises:
            LookupError: it names an agreement, run or delivery that no entry before it made.
        """
        body = entry.body
        if isinstance(body, AgreementProposed):
            self._agreements[body.agreement.digest()] = body.agreement
        elif isinstance(body, UploadReceived):
            self._take_upload(entry, body)
        elif isinstance(body, RunAsked) and entry.outcome == "done":
            uploads = {upload.party: upload.upload for upload in body.specification.uploads}
            self._uploads[cast(str, entry.object)] = uploads
        elif isinstance(body, ReleasePrepared):
            self._releases[cast(str, entry.object)] = _Release(
                body.run, body.recipient, body.mode, body.matches
            )
        elif isinstance(body, BlindReleasePrepared):
            # As many match IDs as the agency's upload has records, whatever the run found.
            upload = self._uploads.get(body.run, {}).get(body.agency, "")
            self._releases[cast(str, entry.object)] = _Release(
                body.run, body.recipient, "blind", self._records.get(upload), body.agency
            )
        elif isinstance(body, ReviewAsked):
            self._asked[cast(str, entry.object)] = body.asked
        elif isinstance(body, ReviewFetched):
            self._take_review(entry, body)
        elif isinstance(body, DeliveryReceived):
            self._senders[cast(str, entry.object)] = entry.actor.party
        elif isinstance(body, DeliveryFetched):
            sender = self._senders[cast(str, entry.object)]
            self._add(entry, giver=sender, receiver=body.recipient, what="columns", records=None)
        elif entry.kind == "release-fetched":
            self._take_fetch(entry)

    def select(self, wanted: Wanted) -> Iterator[Disclosure]:
        """Yield the lines that are asked for."""
        return (line for line in self.lines if wanted.holds(line))

    def _take_upload(self, entry: Entry, body: UploadReceived) -> None:
        self._records[cast(str, entry.object)] = body.records
        self._add(
            entry,
            giver=entry.actor.party,
            receiver=self._agreements[entry.agreement or ""].operator.name,
            what="encodings",
            records=body.records,
        )

    def _take_fetch(self, entry: Entry) -> None:
        release = self._releases.get(cast(str, entry.object))
        if release is None:
            return
        records = release.records if entry.outcome == "done" else None
        what = _WHAT_OF_MODE.get(release.mode, "match-ids")
        receiver = release.recipient if release.agency else entry.actor.party
        for giver in self._givers(release, receiver):
            self._add(
                entry, giver=giver, receiver=receiver, what=what, records=records, run=release.run
            )

    def _take_review(self, entry: Entry, body: ReviewFetched) -> None:
        """Note what reviewers got; the list of buckets tells the asked agency of no record of another one."""
        run = cast(str, entry.object)
        if body.what != "buckets":
            self._add(
                entry,
                giver=self._asked[run],
                receiver=entry.actor.party,
                what=body.what,
                records=None,
                run=run,
            )

    def _givers(self, release: _Release, receiver: str) -> tuple[str, ...]:
        """Return whose records a release says something about, besides the receiver's own."""
        if release.agency is not None:
            return (release.agency,)
        uploaders = tuple(self._uploads.get(release.run, ()))
        return tuple(party for party in uploaders if party != receiver) or uploaders

    def _add(self, entry: Entry, *, giver: str, receiver: str, **line: Any) -> None:
        digest = entry.agreement or ""
        agreement = self._agreements[digest]
        direction = _direction(agreement, giver, receiver)
        stated: dict[str, Any] = {
            "giver_title": _title(agreement, giver),
            "receiver_title": _title(agreement, receiver),
            "interest": agreement.purpose.statement,
            "purpose": entry.purpose or "",
            "basis": _basis(direction),
            "citation": (direction.citation if direction else None) or "",
            "onward": _onward(agreement, receiver),
            "agreement_number": agreement.number,
            "run": "",
        }
        self.lines.append(
            Disclosure(
                entry=entry.seq,
                time=entry.time,
                outcome=entry.outcome,
                project=entry.project or "",
                giver=giver,
                receiver=receiver,
                agreement=digest,
                object=entry.object or "",
                person=entry.actor.person or "",
                **{**stated, **line},
            )
        )


def _direction(agreement: Agreement, giver: str, receiver: str) -> Direction | None:
    wanted = (giver, receiver)
    return next((d for d in agreement.directions if (d.giver, d.receiver) == wanted), None)


def _basis(direction: Direction | None) -> str:
    return "none stated in the agreement" if direction is None else BASIS_WORDS[direction.basis]


def _title(agreement: Agreement, party: str) -> str:
    found = agreement.party(party)
    return "" if found is None else found.title


def _onward(agreement: Agreement, receiver: str) -> str:
    return next((r.onward or "" for r in agreement.recipients if r.party == receiver), "")
