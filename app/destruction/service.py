"""Begins destructions: on request of a party or the operator, or because the terms want it by now.

State and log entries commit first, then keys and pieces go, then the certificate is made; a crash anywhere in
between is made good by the next sweep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.orm import Session

from app.agreements.holds import is_held, refuse_held
from app.agreements.service import TermsInForce, binding_terms, lock_rounds, project_for
from app.agreements.signers import require_duty
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.decisions.ending import end_records, live_records
from app.decisions.models import MatchRecord
from app.deliveries.ending import end_deliveries, live_deliveries
from app.deliveries.models import Delivery
from app.destruction import repository
from app.destruction.models import Destruction, DestructionObject
from app.errors import NOTHING_TO_DESTROY, RefusedError
from app.ids import new_id
from app.links.ending import end_releases, live_releases
from app.links.models import Release
from app.matchlog.draft import EntryDraft
from app.review.ending import end_reviews, live_reviews
from app.review.models import Review
from app.rounds.ending import end_messages, live_messages
from app.rounds.models import SealedMessage
from app.runs.ending import cancel_runs, runs_using
from app.sealed.ending import Ended
from app.sealed.objects import count_pieces, end_objects, end_retired
from app.security.actor import Actor
from app.uploads.ending import end_uploads, expire_open_of, live_uploads, uploads_of_party
from app.uploads.models import Upload
from app.uploads.service import upload_for
from schemas.documents.ids import CERTIFICATE_PREFIX
from schemas.matchlog.destruction_kinds import DestructionBegun
from schemas.rounds.destruction import MAX_OBJECTS, Scope

ASKED: Final = "asked"
BY_DATE: Final = "destroy-by"
RETENTION: Final = "retention"
RUN_CANCELLED: Final = "destruction"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be destroyed and why; `actor` is None where a rule wants it.

    `cancels` is why runs are cancelled that have not ended.
    """

    project: str
    scope: Scope
    subject: str | None = None
    reason: str = ASKED
    actor: Actor | None = None
    cancels: str = RUN_CANCELLED


@dataclass(frozen=True, slots=True)
class Found:
    """The rows that a destruction is about, all of one project, and the runs to cancel (None: all)."""

    uploads: list[Upload] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    records: list[MatchRecord] = field(default_factory=list)
    messages: list[SealedMessage] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    runs: frozenset[str] | None = frozenset()

    def __len__(self) -> int:
        """Return how many things there are to destroy."""
        return len(self.uploads) + sum(map(len, self._made()))

    def split_off(self, most: int) -> Found:
        """Move some of what was made of uploads, at most so many, into another; no run with it."""
        moved = Found()
        for own, taken in zip(self._made(), moved._made(), strict=True):
            taken.extend(own[: most - len(moved)])
            del own[: len(taken)]
        return moved

    def _made(self) -> tuple[list[Any], ...]:
        """Return what was made of uploads, a list a kind."""
        return self.releases, self.records, self.messages, self.reviews, self.deliveries


def destroy_project(session: Session, broker: Broker, actor: Actor, project: str) -> Destruction:
    """Begin to destroy all that the broker holds of a project, or for others than the operator of their party.

    What is under way, or was done when there is nothing left, is given again.
    """
    project_for(session, actor, project)
    if actor.role == "operator":
        return begin(session, broker, Wanted(project, "project", actor=actor))
    require_duty(actor, "steward")
    return begin(session, broker, Wanted(project, "party", actor.party, actor=actor))


def destroy_upload(session: Session, broker: Broker, actor: Actor, upload: str) -> Destruction:
    """Begin to destroy one upload and what was made of it."""
    row = upload_for(session, actor, upload)
    if actor.role == "agency":
        project_for(session, actor, row.project)
        require_duty(actor, "steward", "analyst")
    return begin(session, broker, Wanted(row.project, "upload", upload, actor=actor))


def begin(session: Session, broker: Broker, wanted: Wanted) -> Destruction:
    """Begin a destruction, or return the one that is under way or, where nothing is left, was done."""
    # First, so that the second of two who ask at once finds what the first one began.
    lock_rounds(session, wanted.project)
    refuse_held(session, wanted.project, broker.clock())
    if wanted.scope in ("project", "party"):
        # Not in the log, and so in no certificate; but they are encodings.
        expire_open_of(session, wanted.project, wanted.subject)
    end_retired(session, wanted.project)
    place = (wanted.project, wanted.scope, wanted.subject)
    earlier = repository.newest_of(session, *place, is_open=True)
    if earlier is not None:
        return earlier
    found = _collect(session, wanted)
    if not found:
        earlier = repository.newest_of(session, *place, is_open=False)
        if earlier is not None:
            return earlier
        if wanted.scope == "upload":
            raise RefusedError(NOTHING_TO_DESTROY, "The upload was never committed, or is gone.")
    while len(found) > MAX_OBJECTS and (some := found.split_off(MAX_OBJECTS)):
        # More than one certificate lists: what was made over the years goes first, under ones of its own.
        before = Wanted(wanted.project, "expired", reason=wanted.reason)
        end_all(session, broker, before, some)
    return end_all(session, broker, wanted, found)


def end_all(session: Session, broker: Broker, wanted: Wanted, found: Found) -> Destruction:
    """Mark these rows as destroyed, log it, and note what the certificate will list."""
    now = broker.clock()
    binding = binding_terms(session, wanted.project, now)
    if binding is None:
        raise RefusedError(
            NOTHING_TO_DESTROY, "Nothing binds the project yet, so the broker holds nothing."
        )
    destruction = _row(wanted, binding, utc_text(now))
    insert_rows(session, destruction)
    cancelled = cancel_runs(session, wanted.project, binding, wanted.cancels, now, among=found.runs)
    reviews = end_reviews(session, broker, found.reviews, now)
    ended = [
        *end_releases(session, found.releases, binding, wanted.reason, now),
        *end_records(session, found.records, binding, wanted.reason, now),
        *end_uploads(session, found.uploads, binding, wanted.reason),
        *end_messages(found.messages, now),
        *end_deliveries(found.deliveries, binding, wanted.reason, now),
        *reviews,
    ]
    end_objects(session, *(one.key for one in ended))
    drafts = [_begun(destruction, wanted), *cancelled]
    drafts += [one.draft for one in ended if one.draft is not None]
    begun, *logged = broker.log.append(session, drafts)
    # The certificate says no other time than the log, whatever the clock did meanwhile.
    destruction.asked = begun.time
    appended = iter(logged[len(cancelled) :])
    for one in ended:
        entry = None if one.draft is None else next(appended).seq
        insert_rows(session, _object(session, destruction, one, entry))
    return destruction


def projects_to_clear(session: Session, broker: Broker, projects: Sequence[str]) -> Iterator[str]:
    """Yield the projects that the terms want destroyed by now, where something is left and not held."""
    now = broker.machine_clock()
    for project in projects:
        binding = binding_terms(session, project, broker.clock())
        if binding is None or utc_text(now)[:10] <= binding.terms.destroy_by:
            continue
        if is_held(session, project, now):
            continue
        if _collect(session, Wanted(project, "project")):
            yield project


def _collect(session: Session, wanted: Wanted) -> Found:
    project = wanted.project
    if wanted.scope == "project":
        return Found(
            list(live_uploads(session, project)),
            list(live_releases(session, project)),
            list(live_records(session, project)),
            list(live_messages(session, project)),
            list(live_reviews(session, project)),
            list(live_deliveries(session, project)),
            None,
        )
    party = wanted.subject if wanted.scope == "party" else None
    upload = wanted.subject if wanted.scope == "upload" else None
    uploads = live_uploads(session, project, party=party, upload=upload)
    # What was made of a party's earlier uploads may outlive them.
    named = uploads_of_party(session, project, party) if party else [row.id for row in uploads]
    runs = runs_using(session, project, named)
    return Found(
        list(uploads),
        list(live_releases(session, project, party=party, runs=runs)),
        list(live_records(session, project, runs=runs)),
        list(live_messages(session, project, party=party)) if party else [],
        list(live_reviews(session, project, runs=runs)),
        list(live_deliveries(session, project, party=party)) if party else [],
        runs,
    )


def _row(wanted: Wanted, binding: TermsInForce, now: str) -> Destruction:
    actor = wanted.actor
    return Destruction(
        id=new_id(CERTIFICATE_PREFIX),
        project=wanted.project,
        agreement=binding.digest,
        purpose=binding.terms.purpose,
        floor=binding.terms.floor,
        scope=wanted.scope,
        subject=wanted.subject,
        reason=wanted.reason,
        asked_by=None if actor is None else actor.party,
        person=None if actor is None else actor.person,
        asked=now,
    )


def _begun(destruction: Destruction, wanted: Wanted) -> EntryDraft:
    actor = wanted.actor
    return EntryDraft.about(
        DestructionBegun(
            scope=wanted.scope,
            party=wanted.subject if wanted.scope == "party" else None,
            upload=wanted.subject if wanted.scope == "upload" else None,
            reason=wanted.reason,
        ),
        destruction,
        destruction.agreement,
        actor,
        object=destruction.id,
    )


def _object(
    session: Session, destruction: Destruction, ended: Ended, entry: int | None
) -> DestructionObject:
    return DestructionObject(
        destruction=destruction.id,
        object=ended.key,
        kind=ended.kind,
        party=ended.party,
        sha256=ended.sha256,
        count=ended.count,
        pieces=count_pieces(session, ended.key),
        created=ended.created,
        destroyed=destruction.asked,
        entry=entry,
    )
