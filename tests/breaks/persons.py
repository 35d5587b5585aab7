"""Every way in which an operator who holds the log's key acts in the name of an agency's person.

Each function takes a log in which the sample parties are enrolled, and returns the entry that breaks its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from breaks.destruction import FOSTER, begin, hold, lift
from samples.log import ORIGIN, SampleLog
from samples.parties import (
    BROKER,
    CW,
    EVE,
    HEALTH,
    K12,
    OPERATOR,
    PAT,
    SIGNERS,
    person_of,
    private_of,
    signing_key,
)
from samples.signed_log import ACCORD, SignedProject, accord_of

from schemas.api import RunRequest
from schemas.clauses import PolicyRange
from schemas.matchlog import destruction_kinds, kinds
from schemas.matchlog.entry import Actor, Entry
from schemas.signed_request import Request, SignedRequest, Where, new_request

Break = Callable[[SampleLog], Entry]

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


def _listed(log: SampleLog, **changes: Any) -> None:
    """Agree on what lists the second agency's other analyst otherwise."""
    parties: Any = accord_of(project=ACCORD).to_json()["parties"]
    (listed,) = (
        one for party in parties for one in party["persons"] if one["person"] == PAT.person
    )
    listed.update(changes)
    SignedProject(log).agree(accord_of(project=ACCORD, parties=parties))


# Who acts.


def fetched_by_nobody(log: SampleLog) -> Entry:
    return _as(log, person=None)


def fetched_by_somebody_never_enrolled(log: SampleLog) -> Entry:
    return _as(log, person="per-" + "9" * 32)


def fetched_by_a_person_of_the_other_party(log: SampleLog) -> Entry:
    return _as(log, person=K12.person)


def fetched_after_access_ended(log: SampleLog) -> Entry:
    prepared = _prepared(log)
    body = kinds.RoleChanged(party=CW.party, person=CW.person, role="agency", change="revoked")
    log.append(body, actor=OPERATOR)
    return log.fetch(prepared[0], CW)


def fetched_by_an_auditors_pass(log: SampleLog) -> Entry:
    body = person_of(PASS).model_copy(update={"duties": ("auditor",)})
    log.append(body, actor=OPERATOR)
    return _as(log, person=PASS.person, role="auditor")


def fetched_by_an_analyst(log: SampleLog) -> Entry:
    body = person_of(PASS).model_copy(update={"duties": ("analyst",)})
    log.append(body, actor=OPERATOR)
    return _as(log, person=PASS.person)


def uploaded_with_other_keys_than_listed(log: SampleLog) -> Entry:
    """The operator enrols a person whom the agreement lists under keys of the operator's own."""
    known = PAT.model_copy(update={"person": PASS.person})
    log.append(person_of(known), actor=OPERATOR)
    _listed(log, person=known.person)
    return log.upload(ACCORD, known)


def fetched_off_the_roster(log: SampleLog) -> Entry:
    """The operator enrols a person for the agency whom the agency never named."""
    log.append(person_of(PASS), actor=OPERATOR)
    return _as(log, person=PASS.person)


def held_off_the_roster(log: SampleLog) -> Entry:
    log.append(person_of(PASS), actor=OPERATOR)
    return hold(log, actor=PASS)


def nonces_offered_off_the_roster(log: SampleLog) -> Entry:
    log.append(person_of(PASS), actor=OPERATOR)
    return log.rounds(FOSTER).offer(PASS)


def uploaded_by_whom_the_roster_lost(log: SampleLog) -> Entry:
    """The analyst has begun to upload, and their party's steward takes them off its roster meanwhile."""
    project = SignedProject(log).agree()
    project.change_roster(K12, K12)
    return log.upload(ACCORD, PAT)


def uploaded_without_the_listed_duty(log: SampleLog) -> Entry:
    _listed(log, duties=["recipient"])
    return log.upload(ACCORD, PAT)


def round_opened_by_the_broker(log: SampleLog) -> Entry:
    rounds = log.rounds(FOSTER)
    corrected = rounds.number
    rounds.supersede()
    return rounds.open(BROKER, corrects=corrected)


def round_superseded_by_the_broker(log: SampleLog) -> Entry:
    return log.rounds(FOSTER).supersede(BROKER)


# What they signed.


def hold_lifted_by_the_operator(log: SampleLog) -> Entry:
    hold(log, actor=CW)
    log.unsigned = frozenset({"legal-hold-lifted"})
    return lift(log, actor=CW)


def hold_lifted_on_the_request_to_set_it(log: SampleLog) -> Entry:
    stands = hold(log, actor=CW)
    return lift(log, actor=stands.actor)


def fetched_on_the_request_for_another_release(log: SampleLog) -> Entry:
    first, second = _prepared(log)
    asked = log.fetch(first, CW).actor
    return log.append(
        kinds.ReleaseFetched(recipient=K12.party, sha256=second.body.sha256),  # type: ignore[attr-defined]
        project=FOSTER,
        object=second.object,
        actor=K12.model_copy(update={"signed": asked.signed}),
    )


def fetched_with_a_signature_of_the_operators(log: SampleLog) -> Entry:
    prepared = _prepared(log)
    log.keys[CW.person or ""] = signing_key(private_of(OPERATOR.person or ""))
    return log.fetch(prepared[0], CW)


def uploaded_with_more_records_than_signed_for(log: SampleLog) -> Entry:
    honest = log.received(FOSTER, CW)
    stated = log.draft(honest, project=FOSTER, actor=CW, object=log.id("upl")).actor
    more = honest.model_copy(update={"records": honest.records + 1})
    return log.append(more, project=FOSTER, actor=stated, object=log.id("upl"))


def ran_by_another_policy_than_was_asked_for(log: SampleLog) -> Entry:
    wide = {"auto_from": "0.8", "auto_to": "0.95", "review_from": "0.05", "review_to": "0.05"}
    log.create_project("wide", policy_range=PolicyRange(**wide))
    said = log.specification("wide", [log.upload("wide", CW), log.upload("wide", K12)])
    policy = said.policy.model_copy(update={"auto": "0.85"})
    # The agreed policy was asked for, by a request that names none.
    asked = RunRequest(round=said.round, partner=K12.party).digest()
    where = Where(ORIGIN, "wide", log.agreements["wide"])
    request = new_request("POST /v1/projects/wide/runs", asked, log.now(), where)
    signed = SignedRequest.of(request, log.key_of(CW.person or ""))
    by = CW.model_copy(update={"signed": signed})
    return log.ask(said.model_copy(update={"policy": policy}), actor=by)


def ran_unasked(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    log.unsigned = frozenset({"run-asked"})
    return log.ask(log.specification(FOSTER, uploads))


def _ran_by_the_upload(log: SampleLog) -> Entry:
    """Ask for a run by the request that brought the second upload, without another signature."""
    _, second = log.rounds(FOSTER).received
    said = log.specification(FOSTER, log.rounds(FOSTER).received)
    log.unsigned = frozenset({"run-asked"})
    said = said.model_copy(update={"asked_by": K12.party})
    return log.ask(said, actor=K12, request=second.request)


def ran_at_once(log: SampleLog) -> Entry:
    """Upload both files, and ask for their run as an honest broker does."""
    log.upload(FOSTER, CW)
    log.upload(FOSTER, K12)
    return _ran_by_the_upload(log)


def ran_again_on_the_request_for_the_upload(log: SampleLog) -> Entry:
    first = ran_at_once(log)
    failed = kinds.RunCancelled(reason="by-request")
    log.append(failed, project=FOSTER, object=first.object)
    return _ran_by_the_upload(log)


def ran_a_day_after_the_request_for_the_upload(
    log: SampleLog, early: timedelta = timedelta()
) -> Entry:
    log.upload(FOSTER, CW)
    log.upload(FOSTER, K12)
    log.moment += timedelta(days=1) - early
    return _ran_by_the_upload(log)


def fetched_twice_on_one_request(log: SampleLog) -> Entry:
    return _again(log, log.fetch(_prepared(log)[0], CW))


def fetched_again_after_midnight_on_one_request(log: SampleLog) -> Entry:
    prepared, *_ = _prepared(log)
    log.moment = log.moment.replace(hour=23, minute=59, second=30)
    first = log.fetch(prepared, CW)
    log.moment += timedelta(minutes=1)
    return _again(log, first)


def withdrew_two_records_on_one_request(log: SampleLog) -> Entry:
    body = destruction_kinds.RecordWithdrawn(commitment=log.digest())
    first = log.add(body, project=FOSTER, actor=CW)
    return log.append(body, project=FOSTER, actor=first.actor)


def opened_on_a_request_for_the_round_before(log: SampleLog) -> Entry:
    log.moment += timedelta(days=log.terms[FOSTER].round_days)
    rounds = log.rounds(FOSTER)
    rounds.close()
    asked = log.draft(rounds.opening(round=rounds.last), project=FOSTER, actor=CW)
    return rounds.open(by=asked.actor)


def withdrew_another_record_than_was_asked_for(log: SampleLog) -> Entry:
    signed = log.draft(
        destruction_kinds.RecordWithdrawn(commitment=log.digest()), project=FOSTER, actor=CW
    )
    body = destruction_kinds.RecordWithdrawn(commitment=log.digest())
    return log.append(body, project=FOSTER, actor=signed.actor)


def _share(log: SampleLog, **changes: Any) -> Entry:
    """Keep a share, and say something else of it than its sender has signed."""
    body = kinds.ShareRelayed(
        epoch=1,
        share=log.id("shr"),
        sender=CW.party,
        recipient=K12.party,
        holders=log.digest(),
        sha256=log.digest(),
    )
    signed = log.draft(body, project=FOSTER, actor=CW)
    return log.append(body.model_copy(update=changes), project=FOSTER, actor=signed.actor)


def relayed_to_another_holder(log: SampleLog) -> Entry:
    log.create_project("trio", providers=("county-cw", "health-office", "school-district"))
    body = kinds.ShareRelayed(
        epoch=1,
        share=log.id("shr"),
        sender=CW.party,
        recipient=K12.party,
        holders=log.digest(),
        sha256=log.digest(),
    )
    signed = log.draft(body, project="trio", actor=CW)
    lie = body.model_copy(update={"recipient": HEALTH.party})
    return log.append(lie, project="trio", actor=signed.actor)


def relayed_for_another_epoch(log: SampleLog) -> Entry:
    return _share(log, epoch=2)


def relayed_for_other_holders(log: SampleLog) -> Entry:
    return _share(log, holders="00" * 32)


def _confirmed(log: SampleLog, **changes: Any) -> Entry:
    """Say something else of a confirmation than its holder has signed."""
    body = kinds.SecretConfirmed(
        epoch=1, holders=log.digest(), key_id="1" * 16, sha256=log.digest()
    )
    signed = log.draft(body, project=FOSTER, actor=K12)
    return log.append(body.model_copy(update=changes), project=FOSTER, actor=signed.actor)


def confirmed_another_secret(log: SampleLog) -> Entry:
    return _confirmed(log, key_id="deadbeefdeadbeef")


def confirmed_for_another_epoch(log: SampleLog) -> Entry:
    return _confirmed(log, epoch=2)


def confirmed_with_other_holders(log: SampleLog) -> Entry:
    return _confirmed(log, holders="00" * 32)


# Where they signed it.


def uploaded_into_another_project(log: SampleLog) -> Entry:
    """What was signed for one project stands in another, whose recipients are others."""
    log.create_project("research")
    signed = log.draft(log.received("research", CW), project=FOSTER, actor=CW, object=log.id("upl"))
    return log.append(signed.body, project="research", object=signed.object, actor=signed.actor)


def uploaded_under_the_next_agreement(log: SampleLog) -> Entry:
    """A commit is held back until another agreement is in force, and logged under that."""
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


def fetched_in_two_projects(log: SampleLog) -> Entry:
    """A release of one id stands in two projects, and so does one person's request to fetch it."""
    first = _prepared(log)[0]
    log.create_project("other")
    asked = log.ask(log.specification("other", [log.upload("other", CW), log.upload("other", K12)]))
    log.start(asked)
    log.append(log.finished(asked), project="other", object=asked.object)
    second = log.append(log.released(asked, CW.party), project="other", object=log.id("rel"))
    signed = log.draft(
        kinds.ReleaseFetched(recipient=CW.party, sha256=first.body.sha256),  # type: ignore[attr-defined]
        project=FOSTER,
        object=second.object,
        actor=CW,
    )
    body = kinds.ReleaseFetched(recipient=CW.party, sha256=second.body.sha256)  # type: ignore[attr-defined]
    return log.append(body, project="other", object=second.object, actor=signed.actor)


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


def destroyed_of_another_party(log: SampleLog) -> Entry:
    return begin(log, "party", party=K12.party)


def destroyed_another_partys_upload(log: SampleLog) -> Entry:
    return begin(log, "upload", upload=log.upload(FOSTER, K12).object)


def destroyed_the_whole_project(log: SampleLog) -> Entry:
    return begin(log, actor=CW)


def proposed_unsigned_by_the_operators_steward(log: SampleLog) -> Entry:
    """Before anything binds, a party that was enrolled with the role operator might be anybody's."""
    project = SignedProject(log)
    log.unsigned = frozenset({"agreement-proposed"})
    project.propose(who=EVE)
    return log.entries[-1]


def destroyed_of_the_party_by_an_analyst(log: SampleLog) -> Entry:
    project = SignedProject(log).agree(accord_of(project=ACCORD))
    received = project.uploads()[-1]
    # One upload is an analyst's to have destroyed.
    begin(
        log, "upload", upload=received.object, project=ACCORD, actor=PAT, object="crt-" + "2" * 32
    )
    return begin(log, "party", party=PAT.party, project=ACCORD, actor=PAT)


PERSON_BREAKS: dict[str, list[Break]] = {
    "person-unknown": [
        fetched_by_nobody,
        fetched_by_somebody_never_enrolled,
        fetched_by_a_person_of_the_other_party,
        round_opened_by_the_broker,
        round_superseded_by_the_broker,
    ],
    "person-revoked": [fetched_after_access_ended],
    "person-duty": [
        fetched_by_an_auditors_pass,
        fetched_by_an_analyst,
        uploaded_without_the_listed_duty,
        destroyed_of_the_party_by_an_analyst,
    ],
    "person-unlisted": [
        uploaded_with_other_keys_than_listed,
        fetched_off_the_roster,
        held_off_the_roster,
        nonces_offered_off_the_roster,
        uploaded_by_whom_the_roster_lost,
    ],
    "request-unsigned": [
        proposed_unsigned_by_the_operators_steward,
        hold_lifted_by_the_operator,
        hold_lifted_on_the_request_to_set_it,
        fetched_on_the_request_for_another_release,
        fetched_with_a_signature_of_the_operators,
        uploaded_with_more_records_than_signed_for,
        ran_by_another_policy_than_was_asked_for,
        ran_unasked,
        ran_again_on_the_request_for_the_upload,
        ran_a_day_after_the_request_for_the_upload,
        opened_on_a_request_for_the_round_before,
        withdrew_another_record_than_was_asked_for,
        relayed_to_another_holder,
        relayed_for_another_epoch,
        relayed_for_other_holders,
        confirmed_another_secret,
        confirmed_for_another_epoch,
        confirmed_with_other_holders,
    ],
    "request-elsewhere": [
        uploaded_into_another_project,
        fetched_in_two_projects,
        held_at_another_log,
    ],
    "request-agreement": [uploaded_under_the_next_agreement, uploaded_under_no_agreement],
    "request-twice": [
        fetched_twice_on_one_request,
        fetched_again_after_midnight_on_one_request,
        withdrew_two_records_on_one_request,
    ],
    "request-late": [fetched_on_an_old_request, fetched_on_a_request_to_come],
    "destruction-by-stranger": [
        destroyed_of_another_party,
        destroyed_another_partys_upload,
        destroyed_the_whole_project,
    ],
}
