"""What a leaked upload, secret or key reached: uploads, runs and recipients, followed through the match log."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

import click

from app.auditor.errors import SubjectUnknownError
from schemas.documents.ids import UPLOAD_PREFIX, is_random_id
from schemas.matchlog.agreement_kinds import AgreementProposed
from schemas.matchlog.delivery_kinds import DeliveryReceived
from schemas.matchlog.entry import Entry
from schemas.matchlog.log_kinds import LogKeyRotated, LogStarted
from schemas.matchlog.person_kinds import SIGN_ON, KeyRotated, PersonEnrolled, RoleChanged
from schemas.matchlog.release_kinds import BlindReleasePrepared, ReleasePrepared
from schemas.matchlog.review_kinds import ReviewAnswered, ReviewAsked
from schemas.matchlog.round_kinds import ClaimsReceived, StatementReceived
from schemas.matchlog.run_kinds import RunAsked
from schemas.matchlog.share_kinds import SecretConfirmed, ShareRelayed
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.reports.audit_incident import (
    Act,
    Cause,
    Incident,
    ReachedRelease,
    ReachedRun,
    ReachedUpload,
    RunStage,
    SealedKind,
    SealedToParty,
    Subject,
)
from schemas.signing.identity import signing_key_sha256

_STAGES: Final[dict[str, RunStage]] = {
    "run-started": "started",
    "run-finished": "finished",
    "run-failed": "failed",
    "run-cancelled": "cancelled",
}


def book_of(text: str) -> IncidentBook:
    """Return a book that follows what text says has leaked, as typed after --incident."""
    subject = subject_in(text)
    if subject is None:
        raise click.BadParameter(
            "give an upload id, a key id of 16 hex digits, a SHA-256 of 64, or a log key",
            param_hint="--incident",
        )
    return IncidentBook(subject)


def subject_in(text: str) -> str | None:
    """Return what text says has leaked: an upload's id, a key id, a key's digest, a log's key; None: nothing.

    A key id may stand in groups of four, as it is read aloud.
    """
    if re.fullmatch("[0-9a-f]{4}( [0-9a-f]{4}){3}", text):
        return text.replace(" ", "")
    is_known = (
        is_random_id(text, UPLOAD_PREFIX)
        or re.fullmatch("[0-9a-f]{16}|[0-9a-f]{64}", text) is not None
        or re.fullmatch(r"[!-~]{1,200}\+[0-9a-f]{8}\+[!-~]{1,80}", text) is not None
    )
    return text if is_known else None


@dataclass(slots=True)
class _Run:
    """A run of the log; `cause` is why it is reached, None while it is not."""

    project: str
    round: int
    entry: int
    asked: str
    stage: RunStage = "asked"
    cause: Cause | None = None


@dataclass(slots=True)
class IncidentBook:
    """Takes the entries of a verified log in order, then says what the subject `id` reached.

    `id` is an upload's id, the key id of a secret, the SHA-256 of a person's public key, or a log's key as
    text. `person` is the one whose key it is, and `project` the one that a secret is of.
    """

    id: str
    subject: Subject | None = None
    first: int = 0
    since: str = ""
    until: str | None = None
    person: str | None = None
    project: str | None = None
    parties: set[str] = field(default_factory=set)
    uploads: dict[str, ReachedUpload] = field(default_factory=dict)
    releases: dict[str, ReachedRelease] = field(default_factory=dict)
    sealed: list[SealedToParty] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    _runs: dict[str, _Run] = field(default_factory=dict)
    _standing: set[str] = field(default_factory=set)
    _reviewers: dict[str, str] = field(default_factory=dict)
    _recipients: defaultdict[tuple[str, str], set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        self._take_subject(entry)
        self._take_act(entry)
        if entry.outcome == "refused":
            return
        self._take_sealed(entry)
        if isinstance(entry.body, UploadReceived):
            self._take_upload(entry, entry.body)
        elif isinstance(entry.body, RunAsked):
            self._take_asked(entry, entry.body)
        elif entry.object in self._runs:
            self._take_run(entry, self._runs[entry.object])
        elif entry.kind == "standing-approved":
            self._take_standing(entry)
        elif isinstance(entry.body, AgreementProposed):
            self._take_proposed(entry.body)
        elif "release" in entry.kind:
            self._take_release(entry)
        elif entry.kind == "upload-destroyed" and entry.object in self.uploads:
            self._change(self.uploads, entry, destroyed=entry.time)
            if entry.object == self.id:
                self.until = entry.time

    def incident(self) -> Incident:
        """Return what was reached."""
        if self.subject is None:
            raise SubjectUnknownError(
                "the log, as far as it is shown, has nothing about this id or key"
            )
        return Incident.from_row(
            self,
            parties=tuple(sorted(self.parties)),
            uploads=tuple(self.uploads.values()),
            runs=tuple(self._reached_runs()),
            releases=tuple(self.releases.values()),
            sealed=tuple(self.sealed),
            acts=tuple(self.acts),
        )

    def _take_subject(self, entry: Entry) -> None:
        """Notice where the subject begins and ends, and whose it is."""
        body: Any = entry.body
        if isinstance(body, UploadReceived):
            if entry.object == self.id:
                self._begin("upload", entry, entry.actor.party)
            self._take_secret(entry, body.key_id)
        elif isinstance(body, SecretConfirmed):
            self._take_secret(entry, body.key_id)
        elif isinstance(body, PersonEnrolled):
            signing = signing_key_sha256(body.signing_key)
            keys = {signing: "signing", body.receiving_key: "receiving"}
            if self.id in keys:
                self._begin_person(entry, keys[self.id], body.party, body.person)
        elif isinstance(body, KeyRotated) and body.person is not None and body.use != SIGN_ON:
            if body.new == self.id:
                self._begin_person(entry, body.use, body.party, body.person)
            elif body.old == self.id:
                self.until = entry.time
        elif isinstance(body, RoleChanged):
            if self.person is not None and (body.person, body.change) == (self.person, "revoked"):
                self.until = self.until or entry.time
        elif isinstance(body, LogStarted | LogKeyRotated):
            self._take_log_key(entry, body)

    def _take_secret(self, entry: Entry, key_id: str) -> None:
        if key_id == self.id:
            self._begin("secret", entry, entry.actor.party)
            if self.subject == "secret":
                self.project, self.until = entry.project, None
        elif self.subject == "secret" and entry.project == self.project:
            # The next epoch's is in use from here on, unless this one is seen once more.
            self.until = self.until or entry.time

    def _take_log_key(self, entry: Entry, body: LogStarted | LogKeyRotated) -> None:
        new = body.key if isinstance(body, LogStarted) else body.new
        if new == self.id:
            self._begin("log-key", entry)
        elif isinstance(body, LogKeyRotated) and body.old == self.id:
            self.until = entry.time

    def _begin(self, subject: Subject, entry: Entry, party: str | None = None) -> None:
        if self.subject is None:
            self.subject, self.first, self.since = subject, entry.seq, entry.time
        if party is not None:
            self.parties.add(party)

    def _begin_person(self, entry: Entry, use: str, party: str, person: str) -> None:
        self._begin("signing-key" if use == "signing" else "receiving-key", entry, party)
        self.person = person

    def _take_act(self, entry: Entry) -> None:
        if self._is_by_person(entry):
            self.acts.append(
                Act(entry=entry.seq, time=entry.time, kind=entry.kind, project=entry.project)
            )

    def _is_by_person(self, entry: Entry) -> bool:
        return (
            self.subject == "signing-key"
            and self.until is None
            and entry.actor.person == self.person
        )

    def _take_upload(self, entry: Entry, body: UploadReceived) -> None:
        reached = self.id in (entry.object, body.key_id) or self._is_by_person(entry)
        if reached:
            upload = cast(str, entry.object)
            self.uploads[upload] = ReachedUpload(
                upload=upload,
                project=cast(str, entry.project),
                round=body.round,
                party=entry.actor.party,
                partner=body.partner,
                entry=entry.seq,
                received=entry.time,
                destroyed=None,
            )

    def _take_asked(self, entry: Entry, body: RunAsked) -> None:
        asked = body.specification
        run = _Run(cast(str, entry.project), asked.round, entry.seq, entry.time)
        self._runs[cast(str, entry.object)] = run
        if not self.uploads.keys().isdisjoint(u.upload for u in asked.uploads):
            run.cause = "uses-upload"
        elif self._is_by_person(entry):
            run.cause = "asked-by-person"

    def _take_run(self, entry: Entry, run: _Run) -> None:
        body: Any = entry.body
        run.stage = _STAGES.get(entry.kind, run.stage)
        if isinstance(body, ReviewAsked):
            self._reviewers[cast(str, entry.object)] = body.reviewer
        is_by_standing = entry.kind == "standing-used" and body.approval in self._standing
        if is_by_standing or (entry.kind == "run-approved" and self._is_by_person(entry)):
            run.cause = run.cause or "approved-by-person"

    def _take_standing(self, entry: Entry) -> None:
        body: Any = entry.body
        if self._is_by_person(entry):
            self._standing.add(body.signed.statement.approval)

    def _reached_runs(self) -> Iterator[ReachedRun]:
        for name, run in self._runs.items():
            if run.cause is not None:
                yield ReachedRun.from_row(
                    run,
                    run=name,
                )

    def _take_release(self, entry: Entry) -> None:
        body: Any = entry.body
        if isinstance(body, ReleasePrepared | BlindReleasePrepared):
            self._take_prepared(entry, body)
        elif entry.object not in self.releases:
            return
        elif entry.kind == "release-fetched":
            known = self.releases[entry.object]
            first = known.first_fetched or entry.time
            times = known.fetched + 1
            self._change(
                self.releases, entry, fetched=times, first_fetched=first, last_fetched=entry.time
            )
        elif entry.kind == "release-destroyed":
            self._change(self.releases, entry, destroyed=entry.time)

    def _take_proposed(self, body: AgreementProposed) -> None:
        # Of every version that was proposed: what is sealed to too many is better told than what is left out.
        for recipient in body.agreement.recipients:
            self._recipients[body.agreement.project, recipient.space].add(recipient.party)

    def _take_sealed(self, entry: Entry) -> None:
        body: Any = entry.body
        if isinstance(body, ShareRelayed):
            self._add_sealed("share", entry, body.recipient)
        elif isinstance(body, ClaimsReceived):
            self._add_sealed("claims", entry, body.partner)
        elif isinstance(body, StatementReceived):
            others = self._recipients[cast(str, entry.project), body.space] - {entry.actor.party}
            self._add_sealed("statement", entry, *others)
        elif isinstance(body, ReviewAnswered):
            self._add_sealed("cards", entry, self._reviewers[cast(str, entry.object)])
        elif isinstance(body, DeliveryReceived):
            self._add_sealed("columns", entry, body.recipient)

    def _add_sealed(self, what: SealedKind, entry: Entry, *receivers: str) -> None:
        if not any(map(self._can_open, receivers)):
            return
        body: Any = entry.body
        self.sealed.append(
            SealedToParty(
                what=what,
                project=cast(str, entry.project),
                round=getattr(body, "round", None),
                epoch=getattr(body, "epoch", None),
                party=entry.actor.party,
                entry=entry.seq,
                received=entry.time,
            )
        )

    def _can_open(self, party: str) -> bool:
        """Tell whether what is sealed to a party now can be opened with the receiving key that leaked."""
        return self.subject == "receiving-key" and self.until is None and party in self.parties

    def _take_prepared(self, entry: Entry, body: ReleasePrepared | BlindReleasePrepared) -> None:
        is_blind = isinstance(body, BlindReleasePrepared)
        run = self._runs[body.run]
        if is_blind and self._can_open(body.recipient):
            run.cause = run.cause or "sealed-to-party"
        if run.cause is None:
            return
        release = cast(str, entry.object)
        self.releases[release] = ReachedRelease(
            release=release,
            run=body.run,
            project=cast(str, entry.project),
            recipient=body.recipient,
            agency=getattr(body, "agency", None),
            mode="blind" if is_blind else cast(ReleasePrepared, body).mode,
            matches=getattr(body, "matches", None),
            entry=entry.seq,
            prepared=entry.time,
            fetched=0,
            first_fetched=None,
            last_fetched=None,
            destroyed=None,
        )

    @staticmethod
    def _change(known: dict[str, Any], entry: Entry, **changes: Any) -> None:
        """Replace what is known of the entry's object; the models are frozen."""
        at = cast(str, entry.object)
        known[at] = known[at].model_copy(update=changes)
