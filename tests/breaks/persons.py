"""Every way in which an operator who holds the log's key acts in the name of an agency's person.

Each function takes a log in which the sample parties are enrolled, and returns the entry that breaks its rule.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from breaks.destruction import FOSTER, begin, hold
from breaks.rules import Break, ways
from samples.log import SampleLog
from samples.parties import (
    BROKER,
    CW,
    K12,
    OPERATOR,
    SIGNERS,
    person_of,
)
from samples.signed_log import ACCORD, SignedProject

from schemas.matchlog import destruction_kinds, person_kinds, share_kinds
from schemas.matchlog.entry import Actor, Entry
from schemas.signing.signed_request import Request, SignedRequest

PASS = CW.model_copy(update={"person": "per-" + "8" * 32})


def _prepared(log: SampleLog) -> list[Entry]:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    asked = log.ask(log.specification(FOSTER, uploads))
    log.start(asked)
    return log.finish_run(asked)


def _as(log: SampleLog, **changes: Any) -> Entry:
    """Fetch a release in the name of the agency's person, with these fields of the actor changed."""
    return log.fetch(_prepared(log)[0], CW.model_copy(update=changes))


def _request(story: SampleLog, entry: Entry, **changes: Any) -> Actor:
    """Return the actor of an entry with their request changed, and signed anew with their key."""
    signed = entry.actor.signed
    assert signed is not None
    assert entry.actor.person is not None
    request = Request.from_json(signed.request.to_json() | changes)
    again = SignedRequest.of(request, story.key_of(entry.actor.person))
    return entry.actor.model_copy(update={"signed": again})


def _again(log: SampleLog, entry: Entry, actor: Actor | None = None, **fields: Any) -> Entry:
    """Append what an entry says once more, by the same signed request or another."""
    written = {"project": entry.project, "object": entry.object, "actor": actor or entry.actor}
    return log.append(entry.body, **(written | fields))


# Who acts.


def fetched_after_access_ended(log: SampleLog) -> Entry:
    prepared = _prepared(log)
    body = person_kinds.RoleChanged(
        party=CW.party, person=CW.person, role="agency", change="revoked"
    )
    log.append(body, actor=OPERATOR)
    return log.fetch(prepared[0], CW)


def held_off_the_roster(log: SampleLog) -> Entry:
    log.append(person_of(PASS), actor=OPERATOR)
    return hold(log, actor=PASS)


# What they signed.


def _ran_by_the_upload(log: SampleLog) -> Entry:
    """Ask for a run by the request that brought the second upload, without another signature."""
    _, second = log.rounds(FOSTER).received
    said = log.specification(FOSTER, log.rounds(FOSTER).received)
    log.unsigned = frozenset({"run-asked"})
    said = said.model_copy(update={"asked_by": K12.party})
    return log.ask(said, actor=K12, request=second.request)


def ran_a_day_after_the_request_for_the_upload(
    log: SampleLog, early: timedelta = timedelta()
) -> Entry:
    log.upload(FOSTER, CW)
    log.upload(FOSTER, K12)
    log.moment += timedelta(days=1) - early
    return _ran_by_the_upload(log)


def withdrew_two_records_on_one_request(log: SampleLog) -> Entry:
    body = destruction_kinds.RecordWithdrawn(commitment=log.digest())
    first = log.add(body, project=FOSTER, actor=CW)
    return log.append(body, project=FOSTER, actor=first.actor)


def _share(log: SampleLog, **changes: Any) -> Entry:
    """Keep a share, and say something else of it than its sender has signed."""
    body = share_kinds.ShareRelayed(
        epoch=1,
        share=log.id("shr"),
        sender=CW.party,
        recipient=K12.party,
        holders=log.digest(),
        sha256=log.digest(),
    )
    signed = log.draft(body, project=FOSTER, actor=CW)
    return log.append(body.model_copy(update=changes), project=FOSTER, actor=signed.actor)


# Where they signed it.


def uploaded_into_another_project(log: SampleLog) -> Entry:
    """What was signed for one project stands in another, whose recipients are others."""
    log.create_project("research")
    signed = log.draft(log.received("research", CW), project=FOSTER, actor=CW, object=log.id("upl"))
    return log.append(signed.body, project="research", object=signed.object, actor=signed.actor)


def uploaded_under_the_next_agreement(log: SampleLog) -> Entry:
    """A commit waits until another agreement is in force, and logged under that."""
    project = SignedProject(log).agree()
    received = log.received(ACCORD, CW)
    signed = log.draft(received, project=ACCORD, actor=CW, object=log.id("upl"))
    kept = project.agreement.to_json()["retention"]
    project.propose(project.amended(retention=kept | {"keep_encodings_days": 365}))
    for party in project.agreement.names():
        project.consent(SIGNERS[party])
    project.in_force()
    log.moment += timedelta(hours=40)
    return log.append(received, project=ACCORD, object=signed.object, actor=signed.actor)


def uploaded_under_no_agreement(log: SampleLog) -> Entry:
    signed = log.draft(log.received(FOSTER, CW), project=FOSTER, actor=CW, object=log.id("upl"))
    actor = _request(log, signed, agreement=None)
    return log.append(signed.body, project=FOSTER, object=signed.object, actor=actor)


def held_at_another_log(log: SampleLog) -> Entry:
    body = destruction_kinds.LegalHoldSet(order="Order of the court", signed_sha256=None)
    signed = log.draft(body, project=FOSTER, actor=CW, object=log.id("hld"))
    return _again(log, signed, _request(log, signed, log="broker.example/other"))


def fetched_on_an_old_request(log: SampleLog) -> Entry:
    fetched = log.fetch(_prepared(log)[0], CW)
    at = log.now(-timedelta(days=3))
    return _again(log, fetched, _request(log, fetched, at=at))


def fetched_on_a_request_to_come(log: SampleLog) -> Entry:
    fetched = log.fetch(_prepared(log)[0], CW)
    return _again(log, fetched, _request(log, fetched, at=log.now(timedelta(minutes=6))))


def fetched_having_seen_another_entry(log: SampleLog) -> Entry:
    fetched = log.fetch(_prepared(log)[0], CW)
    head = {"place": fetched.place - 1, "leaf": log.digest()}
    return _again(log, fetched, _request(log, fetched, head=head))


def fetched_having_seen_what_is_to_come(log: SampleLog) -> Entry:
    fetched = log.fetch(_prepared(log)[0], CW)
    head = {"place": fetched.place + 1, "leaf": log.digest()}
    return _again(log, fetched, _request(log, fetched, head=head))


PERSON_BREAKS: dict[str, dict[str, Break]] = {
    "person-unknown": ways(
        fetched_by_nobody=lambda log: _as(log, person=None),
        round_superseded_by_the_broker=lambda log: log.rounds(FOSTER).supersede(BROKER),
    ),
    "person-revoked": ways(fetched_after_access_ended),
    "person-unlisted": ways(held_off_the_roster),
    "request-unsigned": ways(
        ran_a_day_after_the_request_for_the_upload,
        relayed_for_another_epoch=lambda log: _share(log, epoch=2),
    ),
    "request-elsewhere": ways(uploaded_into_another_project, held_at_another_log),
    "request-agreement": ways(uploaded_under_the_next_agreement, uploaded_under_no_agreement),
    "fork": ways(fetched_having_seen_another_entry, fetched_having_seen_what_is_to_come),
    "request-twice": ways(
        withdrew_two_records_on_one_request,
        fetched_twice_on_one_request=lambda log: _again(log, log.fetch(_prepared(log)[0], CW)),
    ),
    "request-late": ways(fetched_on_an_old_request, fetched_on_a_request_to_come),
    "destruction-by-stranger": ways(
        destroyed_of_another_party=lambda log: begin(log, "party", party=K12.party),
        destroyed_another_partys_upload=lambda log: begin(
            log, "upload", upload=log.upload(FOSTER, K12).object
        ),
    ),
}
