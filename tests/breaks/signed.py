"""Every way to break a rule about agreements and approvals, done by a broker that signs what it did.

Each function takes a log in which the sample parties are enrolled, and returns the entry that breaks its rule.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from breaks.rules import Break, ways
from samples.log import SampleLog
from samples.parties import (
    ANN,
    CW,
    EVE,
    K12,
    OPERATOR,
    PAT,
    SIGNERS,
    private_of,
)
from samples.signed_log import ACCORD, SignedProject, accord_of
from vectors.identity import identity_of, private_bytes

from schemas.agreement.agreement import Agreement
from schemas.matchlog import agreement_kinds as signed_kinds
from schemas.matchlog import person_kinds, run_kinds
from schemas.matchlog.entry import Actor, Entry
from schemas.signing.identity import PublicIdentity

MAX = Actor(party="school-district", person=f"per-{17:032x}", role="agency", signed=None)


A_MINUTE = timedelta(minutes=1)
COUNSEL = {"name": "Dana Cole", "title": "General counsel", "date": "2026-08-24"}
RELEASES_TOO = {
    "runs": "standing",
    "parties": ["county-cw", "school-district"],
    "asker_suffices": False,
    "releases": True,
}


def _agreed(log: SampleLog, **changes: Any) -> SignedProject:
    return SignedProject(log).agree(accord_of(**changes))


def _with_max(project: SignedProject, *duties: str) -> Agreement:
    """Enrol max; the next version lists max for the schools, as approver perhaps there."""
    identity = PublicIdentity.from_json(
        {
            **identity_of(private_of(MAX.person or "")),
            "party": MAX.party,
            "person": MAX.person,
            "duties": list(duties),
        }
    )
    enrolled = person_kinds.PersonEnrolled(
        party=identity.party,
        person=identity.person,
        duties=identity.duties,
        signing_key=identity.signing_key,
        receiving_key=identity.key_digests()[1],
    )
    project.log.append(enrolled, actor=OPERATOR)
    raw = project.roster("school-district", K12).to_json()
    (schools,) = (one for one in raw["parties"] if one["name"] == MAX.party)
    kept = ("analyst", "recipient", "steward")
    schools["persons"][0]["duties"] = sorted({*kept, "approver"} - {*duties} | {*kept})
    schools["persons"].insert(0, identity.to_json())
    return Agreement.from_json(raw)


def _approved(project: SignedProject, asked: Entry | None = None) -> Entry:
    asked = asked or project.ask()
    project.approve(ANN, asked)
    project.approve(K12, asked)
    return asked


def _finished(project: SignedProject) -> tuple[Entry, list[Entry]]:
    asked = _approved(project)
    return asked, project.finish(asked)


# Projects and agreements.


def opened_twice(log: SampleLog) -> Entry:
    SignedProject(log)
    body = signed_kinds.ProjectOpened(parties=("county-cw", "school-district"))
    return log.append(body, project=ACCORD, actor=OPERATOR)


def opened_under_an_agreement(log: SampleLog) -> Entry:
    body = signed_kinds.ProjectOpened(parties=("county-cw", "school-district"))
    return log.append(body, project=ACCORD, actor=OPERATOR, agreement="ab" * 32)


def proposed_in_another_log(log: SampleLog) -> Entry:
    SignedProject(log).propose(accord_of(log="rehearsal.example/log"))
    return log.entries[-1]


def proposed_twice(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.propose()
    project.propose()
    return log.entries[-1]


def proposed_by_an_analyst(log: SampleLog) -> Entry:
    SignedProject(log).propose(who=PAT)
    return log.entries[-1]


def proposed_in_anothers_name(log: SampleLog) -> Entry:
    stranger = K12.model_copy(update={"person": ANN.person})
    SignedProject(log).propose(who=stranger)
    return log.entries[-1]


def proposed_without_the_one_before(log: SampleLog) -> Entry:
    project = _agreed(log)
    project.propose(accord_of(end="2027-07-31"))
    return log.entries[-1]


def signed_before_a_proposal(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.agreement = accord_of()
    return project.consent(ANN)


def signed_twice(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.propose()
    project.consent(ANN)
    return project.consent(ANN)


def in_force_without_a_signature(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.propose()
    for party in project.agreement.names()[:-1]:
        project.consent(SIGNERS[party])
    return project.in_force()


def in_force_with_an_agency_that_runs_the_broker(log: SampleLog) -> Entry:
    """The operator enrols another agency as an operator, which enrols whom it likes, for any party."""
    project = _agreed(log)
    project.propose(instead_of(project, {K12.party: OTHER}, role="operator"), ANN)
    for who in (ANN, EVE, OTHER):
        project.consent(who)
    return project.in_force()


def in_force_with_an_operator_that_does_not_run_the_broker(log: SampleLog) -> Entry:
    project = _agreed(log)
    project.propose(instead_of(project, {EVE.party: CENTER}), ANN)
    for who in (ANN, K12, CENTER):
        project.consent(who)
    return project.in_force()


def _removed_by_a_steward(log: SampleLog) -> tuple[SignedProject, Entry]:
    """The schools' steward alone takes their other analyst off the list of authorized users; that does not come
    into force.
    """
    project = _agreed(log)
    project.propose(project.roster(K12.party, K12), K12)
    return project, project.consent(K12)


def uploaded_under_what_an_amendment_ended(log: SampleLog) -> Entry:
    _removed_by_a_steward(log)
    return log.upload(ACCORD, PAT)


def persons_changed_of_what_one_has_left(log: SampleLog) -> Entry:
    project = _agreed(log)
    project.notice(ANN, "withdraw")
    project.propose(project.roster("school-district", K12), K12)
    return log.entries[-1]


def new_person(who: Actor, private: bytes | None = None) -> dict[str, Any]:
    """The public identity of someone who is no sample person, and can do all for their party."""
    made = identity_of(private or private_of(who.person or ""))
    duties = ["analyst", "approver", "recipient", "steward"]
    return {**made, "party": who.party, "person": who.person, "duties": duties}


def invite(log: SampleLog, who: Actor, private: bytes | None = None) -> dict[str, Any]:
    """Let the operator enrol someone whom no party has named; returns their public identity."""
    raw = new_person(who, private)
    known = PublicIdentity.from_json(raw)
    body = person_kinds.PersonEnrolled(
        party=known.party,
        person=known.person,
        duties=known.duties,
        signing_key=known.signing_key,
        receiving_key=known.key_digests()[1],
    )
    log.append(body, actor=OPERATOR)
    return raw


def in_the_place_of_all(project: SignedProject, *invented: Actor) -> Agreement:
    """The next version, in which these persons alone act for their parties; the operator enrols them."""
    raw = project.agreement.to_json()
    for who in invented:
        (party,) = (one for one in raw["parties"] if one["name"] == who.party)
        party |= {"persons": [invite(project.log, who)], "holder": who.person}
    return project.amended(parties=raw["parties"], epoch=raw["epoch"] + 1, amends=None)


IDA = Actor(party="county-cw", person=f"per-{18:032x}", role="agency", signed=None)


def taken_over_by_the_operator_alone(log: SampleLog) -> Entry:
    project = _agreed(log)
    project.propose(in_the_place_of_all(project, IDA, MAX), EVE)
    project.consent(EVE)
    project.consent(IDA)
    return project.consent(MAX)


def signed_by_a_new_steward_beside_an_old_one(log: SampleLog) -> Entry:
    project = _agreed(log)
    raw = _with_max(project, "analyst", "approver", "steward").to_json()
    del raw["amends"]
    project.propose(Agreement.from_json(raw), K12)
    return project.consent(MAX)


OTHER = Actor(party="other-schools", person=f"per-{19:032x}", role="agency", signed=None)
CENTER = Actor(party="other-center", person=f"per-{21:032x}", role="agency", signed=None)


def instead_of(project: SignedProject, others: dict[str, Actor], role: str = "agency") -> Agreement:
    """The next version, with other parties, which the operator enrols, in the place of these."""
    raw = project.agreement.to_json()
    for old, who in others.items():
        body = person_kinds.PartyEnrolled(party=who.party, role=role, fingerprint=None)
        project.log.append(body, actor=OPERATOR)
        raw = json.loads(json.dumps(raw).replace(json.dumps(old), json.dumps(who.party)))
        (party,) = (one for one in raw["parties"] if one["name"] == who.party)
        holder = party["holder"] and who.person
        party |= {"persons": [invite(project.log, who)], "holder": holder}
    raw["parties"].sort(key=lambda one: str(one["name"]))
    raw["recipients"].sort(key=lambda one: str(one["party"]))
    raw["directions"].sort(key=lambda one: (str(one["giver"]), str(one["receiver"])))
    raw["limits"]["files"].sort(key=lambda one: str(one["party"]))
    raw["approvals"]["parties"].sort()
    return project.amended(**raw | {"epoch": raw["epoch"] + 1})


def _left_by_k12(log: SampleLog, *still: str) -> tuple[SignedProject, str]:
    """The schools' steward hands over to another, and keeps these duties, or is off the list of authorized
    users.

    Returns the version with both, too.
    """
    project = _agreed(log)
    duties = ("analyst", "approver", "steward")
    both = project.propose(_with_max(project, *duties), K12).digest()
    project.consent(K12)
    project.in_force()
    raw = project.agreement.to_json()
    (schools,) = (one for one in raw["parties"] if one["name"] == MAX.party)
    schools["persons"] = [one for one in schools["persons"] if one["person"] == MAX.person or still]
    for one in schools["persons"]:
        one["duties"] = one["duties"] if one["person"] == MAX.person else [*still]
    schools["holder"] = MAX.person
    changes = {"parties": raw["parties"], "epoch": raw["epoch"] + 1, "amends": raw["amends"]}
    project.propose(project.amended(**changes), MAX)
    project.consent(MAX)
    project.in_force()
    return project, both


def halted_by_a_former_steward(log: SampleLog) -> Entry:
    """A version that was replaced, and lists who signs, lets nobody halt any more."""
    return _halted_under(*_left_by_k12(log))


def _halted_under(project: SignedProject, both: str) -> Entry:
    fields = {"agreement": both, "act": "suspend", "reason": "A reason."}
    signed = project.signed(K12, "notice", **fields)
    body = signed_kinds.AgreementSuspended(signed=signed)
    return project.log.append(body, project=ACCORD, actor=K12, agreement=both)


def persons_changed_by_nobody(log: SampleLog) -> Entry:
    project = _agreed(log)
    project.propose(project.roster("school-district", K12), K12)
    return project.in_force()


# Signatures.


def signed_by_another(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.propose()
    signed = project.signed(K12, "consent", counsel=COUNSEL)
    body = signed_kinds.AgreementSigned(signed=signed)
    return log.append(body, project=ACCORD, actor=ANN, agreement=project.agreement.digest())


def forged(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.propose()
    return _consent(project, ANN, key=private_bytes(99))


def approved_by_an_analyst(log: SampleLog) -> Entry:
    project = _agreed(log)
    return project.approve(CW, project.ask())


def signed_with_keys_of_before(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.propose()
    log.rotate(ANN, 21)
    return _consent(project, ANN, key=private_of(ANN.person or ""))


def signed_with_keys_not_enrolled(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.propose()
    # The change is signed as it should be, but stands in no entry.
    change = log.key_change(ANN, 21)
    return _consent(project, ANN, key=private_bytes(21), changes=(change,))


# Halts.


def suspended_before_it_binds(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.propose()
    return project.notice(ANN, "suspend")


def resumed_anothers_halt(log: SampleLog) -> Entry:
    project = _agreed(log)
    project.notice(ANN, "suspend")
    return project.notice(K12, "resume")


def consent_played_again_after_leaving(log: SampleLog) -> Entry:
    project = _agreed(log)
    first, amended = project.agreement, project.propose(project.amended(end="2027-07-31"))
    voided = project.consent(K12)
    project.agreement = first
    log.moment += timedelta(hours=1)
    project.notice(K12, "withdraw")
    return log.append(voided.body, project=ACCORD, actor=K12, agreement=amended.digest())


def halted_long_after_it_was_signed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    """The operator keeps a party's halt back."""
    project = _agreed(log)
    log.moment += timedelta(days=4)
    return project.notice(ANN, "suspend", at=log.now(timedelta(days=-2, seconds=-1) + early))


def halted_by_a_notice_to_come(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    at = log.now(timedelta(minutes=5, seconds=1) - early)
    return _agreed(log).notice(ANN, "suspend", at=at)


def approved_for_more_than_thirty_days(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _agreed(log)
    expires = log.now(timedelta(days=30, seconds=1) - early)
    return project.approve(ANN, project.ask(), expires=expires)


def _suspended(log: SampleLog) -> SignedProject:
    project = _agreed(log)
    project.notice(K12, "suspend")
    return project


def share_relayed_while_suspended(log: SampleLog) -> Entry:
    _suspended(log)
    return log.relay(CW, K12.party, ACCORD)


def share_relayed_after_one_has_left(log: SampleLog) -> Entry:
    _agreed(log).notice(K12, "withdraw")
    return log.relay(CW, K12.party, ACCORD)


# What binds, and when.


def uploaded_of_an_old_day(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    age = _agreed(log).agreement.terms().as_of_max_age_days
    assert age is not None
    day = log.now(early - timedelta(days=age + 1))[:10]
    body = log.received(ACCORD, CW).model_copy(update={"as_of": day})
    return log.append(body, project=ACCORD, actor=CW, object=log.id("upl"))


def ran_on_days_far_apart(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _agreed(log)
    gap = project.agreement.terms().as_of_max_gap_days
    assert gap is not None
    first = log.upload(ACCORD, CW)
    log.moment += timedelta(days=gap + 1) - early
    return project.ask([first, log.upload(ACCORD, K12)])


# Approvals.


def started_without_an_approval(log: SampleLog) -> Entry:
    project = _agreed(log)
    asked = project.ask()
    project.approve(ANN, asked)
    return log.start(asked)


def started_on_a_revoked_approval(log: SampleLog) -> Entry:
    project = _agreed(log)
    asked = project.ask()
    project.approve(ANN, asked)
    _, standing = project.stand(K12)
    project.use(asked, "school-district", standing)
    project.take_back(K12, standing)
    return log.start(asked)


def approved_by_a_party_not_asked(log: SampleLog) -> Entry:
    project = _agreed(
        log, approvals={**RELEASES_TOO, "parties": ["county-cw"], "asker_suffices": True}
    )
    return project.approve(K12, project.ask())


def approved_twice_by_one_id(log: SampleLog) -> Entry:
    project = _agreed(log)
    uploads = project.uploads()
    first = project.ask(uploads)
    approved = project.approve(ANN, first)
    log.append(run_kinds.RunCancelled(reason="by-request"), project=ACCORD, object=first.object)
    said = approved.body.signed.statement  # type: ignore[attr-defined]
    return project.approve(ANN, project.ask(uploads), approval=said.approval)


def approved_another_specification(log: SampleLog) -> Entry:
    project = _agreed(log)
    return project.approve(ANN, project.ask(), specification_sha256="0" * 64)


def approved_another_run(log: SampleLog) -> Entry:
    project = _agreed(log)
    return project.approve(ANN, project.ask(), run=log.id("run"))


def approved_too_late(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _agreed(log)
    return project.approve(ANN, project.ask(), expires=log.now(-A_MINUTE + early))


def approved_when_another_has_expired(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project, asked = _approved_for_an_hour(log, early)
    return project.approve(K12, asked)


def standing_used_when_another_has_expired(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project, asked = _approved_for_an_hour(log, early)
    _, standing = project.stand(K12)
    return project.use(asked, K12.party, standing)


def _approved_for_an_hour(log: SampleLog, early: timedelta) -> tuple[SignedProject, Entry]:
    """Let a run be approved by one, until a minute before the other comes, or until a little later."""
    project = _agreed(log)
    asked = project.ask()
    project.approve(ANN, asked, expires=log.now(timedelta(hours=1)))
    log.moment += timedelta(hours=1) + A_MINUTE - early
    return project, asked


def approved_after_the_start(log: SampleLog) -> Entry:
    project = _agreed(log)
    asked, _ = _finished(project)
    return project.approve(ANN, asked)


def approved_a_release_of_ones_own_upload(log: SampleLog) -> Entry:
    project = _agreed(log, approvals=RELEASES_TOO)
    asked, _ = _finished(project)
    return project.approve(K12, asked, "release")


def approved_again_before_it_lapsed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _agreed(log, approvals=RELEASES_TOO)
    asked, _ = _finished(project)
    project.approve(ANN, asked, "release", expires=log.now(timedelta(hours=1)))
    log.moment += timedelta(hours=1, seconds=-1) + early
    return project.approve(ANN, asked, "release")


def fetched_on_an_approval_that_had_lapsed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    _, _, prepared = approved_with_a_lapse(log, early)
    return log.fetch(prepared[0], CW)


def approved_with_a_lapse(
    log: SampleLog, early: timedelta = timedelta()
) -> tuple[SignedProject, Entry, list[Entry]]:
    """Let a release be approved by one until a minute before the other comes, or until a little later."""
    project = _agreed(log, approvals=RELEASES_TOO)
    # Anyone who uploaded does not approve, so it was someone else.
    asked = project.ask([log.upload(ACCORD, CW), log.upload(ACCORD, PAT)])
    prepared = project.finish(_approved(project, asked))
    project.approve(ANN, asked, "release", expires=log.now(timedelta(hours=1)))
    log.moment += timedelta(hours=1) + A_MINUTE - early
    project.approve(K12, asked, "release")
    return project, asked, prepared


def stood_where_each_run_needs_its_own(log: SampleLog) -> Entry:
    project = _agreed(log, approvals={**RELEASES_TOO, "runs": "each"})
    return project.stand(ANN)[0]


def revoked_anothers_approval(log: SampleLog) -> Entry:
    project = _agreed(log)
    _, standing = project.stand(K12)
    return project.take_back(ANN, standing)


def used_for_another_party(log: SampleLog) -> Entry:
    project = _agreed(log)
    _, standing = project.stand(K12)
    return project.use(project.ask(), "county-cw", standing)


def _used(log: SampleLog, **stated: Any) -> Entry:
    project = _agreed(log)
    _, standing = project.stand(K12, **stated)
    return project.use(project.ask(), "school-district", standing)


def used_after_its_last_day(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    return _used(log, until=log.now(early - timedelta(days=1))[:10])


# After the end.


def kept_beyond_the_last_day(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _agreed(
        log,
        retention={
            "keep_encodings_days": 3660,
            "keep_links_days": 400,
            "destroy_by": "2028-08-31",
            "legal_hold": None,
        },
    )
    left = log.upload(project.project, CW)
    log.clear("foster")
    log.moment = log.moment.replace(year=2028, month=9, day=2) - early
    log.append(
        person_kinds.RoleChanged(
            party="county-cw", person=CW.person, role="agency", change="granted"
        )
    )
    return left


def _consent(project: SignedProject, who: Actor, **fields: Any) -> Entry:
    signed = project.signed(who, "consent", **{"counsel": COUNSEL, **fields})
    digest = project.agreement.digest()
    body = signed_kinds.AgreementSigned(signed=signed)
    return project.log.append(body, project=ACCORD, actor=who, agreement=digest)


SIGNED_BREAKS: dict[str, dict[str, Break]] = {
    "project-twice": ways(opened_twice),
    "agreement": ways(proposed_in_another_log, opened_under_an_agreement),
    "agreement-twice": ways(proposed_twice),
    "agreement-proposer": ways(proposed_by_an_analyst, proposed_in_anothers_name),
    "agreement-order": ways(proposed_without_the_one_before, persons_changed_of_what_one_has_left),
    "agreement-newcomer": ways(
        signed_by_a_new_steward_beside_an_old_one, taken_over_by_the_operator_alone
    ),
    "person-unlisted": ways(halted_by_a_former_steward),
    "person-duty": ways(
        halted_by_a_steward_who_is_an_analyst_now=lambda log: _halted_under(
            *_left_by_k12(log, "analyst")
        )
    ),
    "agreement-unknown": ways(signed_before_a_proposal),
    "agreement-signed-twice": ways(signed_twice),
    "agreement-unsigned": ways(in_force_without_a_signature, persons_changed_by_nobody),
    "agreement-operator": ways(
        in_force_with_an_agency_that_runs_the_broker,
        in_force_with_an_operator_that_does_not_run_the_broker,
    ),
    "agreement-withheld": ways(
        uploaded_under_what_an_amendment_ended,
        amendment_withheld=lambda log: _removed_by_a_steward(log)[1],
    ),
    "signer": ways(signed_by_another),
    "statement-signature": ways(forged, approved_by_an_analyst),
    "signer-key": ways(signed_with_keys_of_before, signed_with_keys_not_enrolled),
    "notice-out-of-place": ways(suspended_before_it_binds, resumed_anothers_halt),
    "statement-order": ways(
        consent_played_again_after_leaving,
        stated_without_the_one_before=lambda log: _agreed(log).notice(K12, "suspend", before=None),
    ),
    "statement-late": ways(halted_long_after_it_was_signed, halted_by_a_notice_to_come),
    "approval-too-long": ways(approved_for_more_than_thirty_days),
    "suspended": ways(share_relayed_while_suspended),
    "withdrawn": ways(share_relayed_after_one_has_left),
    "upload-as-of": ways(uploaded_of_an_old_day),
    "run-as-of": ways(ran_on_days_far_apart),
    "run-unapproved": ways(started_without_an_approval, started_on_a_revoked_approval),
    "approver": ways(approved_by_a_party_not_asked),
    "approval-twice": ways(approved_twice_by_one_id),
    "approval-specification": ways(approved_another_specification, approved_another_run),
    "approval-expired": ways(
        approved_too_late, approved_when_another_has_expired, standing_used_when_another_has_expired
    ),
    "approval-out-of-place": ways(approved_again_before_it_lapsed, approved_after_the_start),
    "approval-by-uploader": ways(approved_a_release_of_ones_own_upload),
    "release-unapproved": ways(fetched_on_an_approval_that_had_lapsed),
    "standing-not-agreed": ways(stood_where_each_run_needs_its_own),
    "standing-unknown": ways(revoked_anothers_approval, used_for_another_party),
    "standing-beyond": ways(
        used_after_its_last_day,
        used_for_another_policy=lambda log: _used(log, policy_sha256="0" * 64),
    ),
    "destroy-by": ways(kept_beyond_the_last_day),
}
