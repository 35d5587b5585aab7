"""Every way to break a rule of the log, done by a broker that signs what it did: for both verifiers.

Each function takes a log in which a project `foster` exists, and returns the entry that breaks its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from samples.log import CONCORDANCE, SampleLog, create_trio
from samples.parties import BROKER, CW, HEALTH, K12, OPERATOR, POLICY, STRANGER, person_of, terms_of
from samples.signed_log import SignedProject

from encoding.people.identity import change_of_keys, new_identity, replace_keys
from schemas.matchlog import kinds
from schemas.matchlog.agreement_kinds import ProjectOpened
from schemas.matchlog.entry import Actor, Entry
from schemas.run import IdSpace, LinkRate, Recipient, RunSpecification

Break = Callable[[SampleLog], Entry]
FOSTER = "foster"


def _uploads(log: SampleLog) -> list[Entry]:
    return [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]


def _asked(log: SampleLog, project: str = FOSTER) -> Entry:
    uploads = [log.upload(project, CW), log.upload(project, K12)]
    return log.ask(log.specification(project, uploads))


def _finished(log: SampleLog) -> tuple[Entry, list[Entry]]:
    asked = _asked(log)
    log.start(asked)
    return asked, log.finish_run(asked)


def _specified(log: SampleLog, uploads: list[Entry] | None = None, **changes: Any) -> Entry:
    specification = log.specification(FOSTER, uploads or _uploads(log))
    return log.ask(_changed(specification, **changes), object=specification.run)


def _changed(specification: RunSpecification, **changes: Any) -> RunSpecification:
    return specification.model_copy(update=changes)


def _received(log: SampleLog, actor: Any = CW, **changes: Any) -> Entry:
    body = log.received(FOSTER, actor).model_copy(update=changes)
    return log.append(body, project=FOSTER, actor=actor, object=log.id("upl"))


def _upload_named(log: SampleLog, **changes: Any) -> Entry:
    specification = log.specification(FOSTER, _uploads(log))
    first, second = specification.uploads
    return log.ask(_changed(specification, uploads=(first.model_copy(update=changes), second)))


def second_start(log: SampleLog) -> Entry:
    return log.append(log.entries[0].body)


def time_runs_back(log: SampleLog) -> Entry:
    log.moment -= timedelta(seconds=1)
    return log.upload(FOSTER, CW)


def place_skipped(log: SampleLog) -> Entry:
    return log.upload(FOSTER, CW, place=log.places[FOSTER] + 1)


def place_repeated(log: SampleLog) -> Entry:
    return log.append(
        kinds.PartyEnrolled(party="newcomer", role="agency", fingerprint=None),
        place=log.places[None] - 1,
    )


def unknown_project(log: SampleLog) -> Entry:
    log.terms["ghost"] = terms_of("ghost")
    return log.upload("ghost", CW, agreement="0" * 64)


def other_agreement(log: SampleLog) -> Entry:
    return log.upload(FOSTER, CW, agreement="0" * 64)


def stranger_acts(log: SampleLog) -> Entry:
    return log.append(
        kinds.UploadRejected(rule="x-y"), project=FOSTER, actor=STRANGER, outcome="refused"
    )


def enrolled_twice(log: SampleLog) -> Entry:
    return log.append(kinds.PartyEnrolled(party="county-cw", role="agency", fingerprint=None))


def access_of_a_stranger_ended(log: SampleLog) -> Entry:
    person = f"per-{71:032x}"
    body = kinds.RoleChanged(party=CW.party, person=person, role="agency", change="revoked")
    return log.append(body, actor=OPERATOR)


def access_ended_in_another_party(log: SampleLog) -> Entry:
    body = kinds.RoleChanged(party=CW.party, person=K12.person, role="agency", change="revoked")
    return log.append(body, actor=OPERATOR)


# What the broker alone does, in an agency's name.


def enrolled_by_an_agency(log: SampleLog) -> Entry:
    body = person_of(CW.model_copy(update={"person": f"per-{72:032x}"}))
    return log.append(body, actor=K12)


def access_ended_by_an_agency(log: SampleLog) -> Entry:
    body = kinds.RoleChanged(party=CW.party, person=CW.person, role="agency", change="revoked")
    return log.append(body, actor=K12)


def configured_by_an_agency(log: SampleLog) -> Entry:
    body = kinds.ConfigurationChanged(digest=log.digest(), changed=("x",), software="blindlink-1")
    return log.append(body, actor=K12)


def _as_operator(log: SampleLog) -> Actor:
    """Enrol an agency with the role operator, and an analyst of it; returns the analyst."""
    analyst = K12.model_copy(update={"party": "other-schools", "person": f"per-{73:032x}"})
    body = kinds.PartyEnrolled(party=analyst.party, role="operator", fingerprint=None)
    log.append(body, actor=OPERATOR)
    enrolled = person_of(analyst).model_copy(update={"duties": ("analyst",)})
    log.append(enrolled, actor=OPERATOR)
    return analyst


def enrolled_by_an_analyst_of_the_operators(log: SampleLog) -> Entry:
    body = person_of(CW.model_copy(update={"person": f"per-{72:032x}"}))
    return log.append(body, actor=_as_operator(log))


def key_ring_of_an_analyst_of_the_operators(log: SampleLog) -> Entry:
    keys = {"old": None, "new": log.digest(), "signed": None}
    body = kinds.KeyRotated(party="broker", person=None, use="key-ring", **keys)
    return log.append(body, actor=_as_operator(log))


def key_ring_of_an_agency(log: SampleLog) -> Entry:
    keys = {"old": None, "new": log.digest(), "signed": None}
    body = kinds.KeyRotated(party=CW.party, person=CW.person, use="key-ring", **keys)
    return log.append(body, actor=CW)


def sign_on_linked_by_another(log: SampleLog) -> Entry:
    keys = {"old": None, "new": log.digest(), "signed": None}
    body = kinds.KeyRotated(party=CW.party, person=CW.person, use="sign-on", **keys)
    return log.append(body, actor=K12)


def sign_in_refused_by_an_agency(log: SampleLog) -> Entry:
    hour = log.moment.strftime("%Y-%m-%dT%H:00:00Z")
    body = kinds.SignInRefused(party=None, hour=hour, count=3)
    return log.append(body, actor=K12, outcome="refused")


def started_by_an_agency(log: SampleLog) -> Entry:
    asked = log.ask(log.specification(FOSTER, _uploads(log)))
    body = kinds.RunStarted(attempt=1)
    return log.append(body, project=FOSTER, object=asked.object, actor=K12)


def destroyed_by_an_agency(log: SampleLog) -> Entry:
    upload = log.upload(FOSTER, CW)
    assert isinstance(upload.body, kinds.UploadReceived)
    body = kinds.UploadDestroyed(container_sha256=upload.body.container_sha256, reason="asked")
    return log.append(body, project=FOSTER, object=upload.object, actor=K12)


def role_of_a_stranger(log: SampleLog) -> Entry:
    body = kinds.RoleChanged(party="stranger", person=CW.person, role="agency", change="granted")
    return log.append(body, actor=OPERATOR)


def key_of_a_stranger(log: SampleLog) -> Entry:
    body = kinds.KeyRotated(
        party="stranger", person=None, use="token", old=None, new=None, signed=None
    )
    return log.append(body, actor=OPERATOR)


OWNER = new_identity("county-cw", ("analyst",), datetime(2026, 8, 1, tzinfo=UTC))
NEXT, CHANGE = replace_keys(OWNER, datetime(2026, 9, 2, tzinfo=UTC))
LATER, OTHER_CHANGE = replace_keys(OWNER, datetime(2026, 9, 3, tzinfo=UTC))
LAST, LAST_CHANGE = replace_keys(LATER, datetime(2026, 9, 4, tzinfo=UTC))
PERSON = OWNER.public.person


def _enrol_person(log: SampleLog, party: str = "county-cw") -> Entry:
    body = kinds.PersonEnrolled(
        party=party,
        person=PERSON,
        duties=("analyst",),
        signing_key=OWNER.public.signing_key,
        receiving_key=OWNER.public.key_digests()[1],
    )
    return log.append(body, actor=OPERATOR)


def _rotate(log: SampleLog, *, by: Actor | None = None, **changes: Any) -> Entry:
    fields = {
        "party": "county-cw",
        "person": PERSON,
        "use": "signing",
        "old": OWNER.public.key_sha256(),
        "new": NEXT.public.key_sha256(),
        "signed": change_of_keys(OWNER, NEXT, log.moment),
    }
    body = kinds.KeyRotated(**{**fields, **changes})
    own = CW.model_copy(update={"party": body.party, "person": body.person})
    return log.append(body, actor=by or own)


def key_changed_in_another_name(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _rotate(log, by=CW)


def key_without_a_signature(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _rotate(log, signed=None)


def key_signed_by_the_operator(log: SampleLog) -> Entry:
    _enrol_person(log)
    forged = CHANGE.model_copy(update={"old_signature": CHANGE.new_signature})
    return _rotate(log, signed=forged)


def key_that_was_signed_for_another(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _rotate(log, new=LATER.public.key_sha256())


def key_from_another_one_than_the_persons(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _rotate(log, new=LAST.public.key_sha256(), signed=LAST_CHANGE)


def receiving_key_that_nobody_signed(log: SampleLog) -> Entry:
    _enrol_person(log)
    _rotate(log)
    old = OWNER.public.key_digests()[1]
    return _rotate(log, use="receiving", old=old, new="05" * 32, signed=None)


def key_changed_long_after_it_was_signed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    _enrol_person(log)
    signed = change_of_keys(OWNER, NEXT, log.moment - timedelta(days=2, seconds=1) + early)
    return _rotate(log, signed=signed)


def person_of_a_stranger(log: SampleLog) -> Entry:
    return _enrol_person(log, "stranger")


def person_twice(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _enrol_person(log)


def person_of_two_parties(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _enrol_person(log, "school-district")


def key_of_an_unknown_person(log: SampleLog) -> Entry:
    return _rotate(log)


def key_of_another_partys_person(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _rotate(log, party="school-district")


def key_of_nobody(log: SampleLog) -> Entry:
    return _rotate(log, person=None)


def key_after_another_one(log: SampleLog) -> Entry:
    _enrol_person(log)
    _rotate(log)
    return _rotate(log, new=LATER.public.key_sha256(), signed=OTHER_CHANGE)


def key_of_the_other_use(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _rotate(log, use="receiving")


def key_that_stays(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _rotate(log, new=OWNER.public.key_sha256())


def key_after_access_ended(log: SampleLog) -> Entry:
    """Whoever has the keys of somebody who has left makes new ones, by which their party could be a witness."""
    _enrol_person(log)
    body = kinds.RoleChanged(party="county-cw", person=PERSON, role="agency", change="revoked")
    log.append(body, actor=OPERATOR)
    return _rotate(log)


def key_that_ends(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _rotate(log, new=None)


def upload_after_the_end(log: SampleLog) -> Entry:
    log.moment = log.moment.replace(year=2031)
    return log.upload(FOSTER, CW)


def run_after_the_end(log: SampleLog) -> Entry:
    uploads = _uploads(log)
    log.moment = log.moment.replace(year=2031)
    return log.ask(log.specification(FOSTER, uploads))


def start_after_the_end(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.moment = log.moment.replace(year=2031)
    return log.start(asked)


def release_after_the_end(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    log.append(log.finished(asked), project=FOSTER, object=asked.object)
    log.moment = log.moment.replace(year=2031)
    return log.append(log.released(asked, "county-cw"), project=FOSTER, object=log.id("rel"))


def finish_after_the_end(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    log.moment = log.moment.replace(year=2031)
    return log.append(log.finished(asked), project=FOSTER, object=asked.object)


def fetch_after_the_end(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.moment = log.moment.replace(year=2031)
    return log.fetch(prepared[0], CW)


def upload_by_a_stranger(log: SampleLog) -> Entry:
    log.enrol(STRANGER)
    return log.upload(FOSTER, STRANGER)


def upload_of_another_profile(log: SampleLog) -> Entry:
    return _received(log, profile="cd" * 32)


def upload_of_another_epoch(log: SampleLog) -> Entry:
    return _received(log, epoch=2)


def upload_of_another_population(log: SampleLog) -> Entry:
    return _received(log, population="everyone")


def upload_with_another_secret(log: SampleLog) -> Entry:
    log.upload(FOSTER, CW)
    return log.upload(FOSTER, K12, key_id="deadbeefdeadbeef")


def upload_with_another_secret_than_a_round_before(log: SampleLog) -> Entry:
    log.upload(FOSTER, CW)
    log.rounds(FOSTER).correct()
    return log.upload(FOSTER, CW, key_id="deadbeefdeadbeef")


def upload_for_a_purpose_of_the_brokers(log: SampleLog) -> Entry:
    return log.upload(FOSTER, CW, purpose="marketing")


def upload_for_no_purpose(log: SampleLog) -> Entry:
    return log.upload(FOSTER, CW, purpose=None)


def party_enrolled_for_a_purpose(log: SampleLog) -> Entry:
    body = kinds.PartyEnrolled(party="newcomer", role="agency", fingerprint=None)
    return log.append(body, purpose="marketing")


def project_opened_for_a_purpose(log: SampleLog) -> Entry:
    body = ProjectOpened(parties=("county-cw", "school-district"))
    return log.append(body, project="other", purpose="marketing")


def proposed_for_another_purpose(log: SampleLog) -> Entry:
    return _proposed(log, purpose="marketing")


def _proposed(log: SampleLog, **fields: Any) -> Entry:
    SignedProject(log).propose(**fields)
    return log.entries[-1]


def signed_for_another_purpose(log: SampleLog) -> Entry:
    project = SignedProject(log)
    project.propose()
    return project.consent(CW, purpose="marketing")


def upload_in_an_auditors_role(log: SampleLog) -> Entry:
    return log.upload(FOSTER, CW.model_copy(update={"role": "auditor"}))


def refused_in_an_operators_role(log: SampleLog) -> Entry:
    return log.append(
        kinds.UploadRejected(rule="x-y"),
        project=FOSTER,
        actor=CW.model_copy(update={"role": "operator"}),
        outcome="refused",
    )


def acts_in_a_role_that_the_party_has_not(log: SampleLog) -> Entry:
    nobody = CW.model_copy(update={"person": "per-" + "9" * 32, "role": "operator"})
    return log.export(actor=nobody)


def broker_in_an_agencys_role(log: SampleLog) -> Entry:
    return log.export(actor=BROKER.model_copy(update={"role": "agency"}))


def upload_too_large(log: SampleLog) -> Entry:
    return _received(log, records=50_001)


def upload_too_small(log: SampleLog) -> Entry:
    return _received(log, records=99)


def _audited(log: SampleLog, **changes: Any) -> Entry:
    audit = log.received(FOSTER, CW).privacy_audit
    assert audit is not None
    return _received(log, privacy_audit=audit.model_copy(update=changes))


def upload_without_an_audit(log: SampleLog) -> Entry:
    return _received(log, privacy_audit=None)


def upload_after_a_quick_audit(log: SampleLog) -> Entry:
    return _audited(log, scope="quick")


def upload_whose_audit_missed_a_goal(log: SampleLog) -> Entry:
    return _audited(log, passed=False)


def upload_with_an_audit_of_another_profile(log: SampleLog) -> Entry:
    return _audited(log, profile="cd" * 32)


def upload_with_an_audit_of_the_other_side(log: SampleLog) -> Entry:
    return _audited(log, side="larger")


def upload_with_an_audit_of_too_few_records(log: SampleLog) -> Entry:
    return _audited(log, records=1_599)


def upload_with_an_audit_of_too_many_records(log: SampleLog) -> Entry:
    return _audited(log, records=2_667)


def upload_with_anothers_id(log: SampleLog) -> Entry:
    return log.upload(FOSTER, K12, object=log.upload(FOSTER, CW).object)


def upload_with_the_id_of_one_that_is_gone(log: SampleLog) -> Entry:
    received = log.upload(FOSTER, CW)
    log.destroy(received)
    return log.upload(FOSTER, K12, object=received.object)


def destroyed_twice(log: SampleLog) -> Entry:
    received = log.upload(FOSTER, CW)
    log.destroy(received)
    return log.destroy(received)


def destroyed_unknown(log: SampleLog) -> Entry:
    body = kinds.UploadDestroyed(container_sha256="0" * 64, reason="retention")
    return log.append(body, project=FOSTER, object=log.id("upl"))


def destroyed_something_else(log: SampleLog) -> Entry:
    received = log.upload(FOSTER, CW)
    body = kinds.UploadDestroyed(container_sha256="0" * 64, reason="retention")
    return log.append(body, project=FOSTER, object=received.object)


def destroyed_in_another_project(log: SampleLog) -> Entry:
    received = log.upload(FOSTER, CW)
    log.create_project("second")
    assert isinstance(received.body, kinds.UploadReceived)
    body = kinds.UploadDestroyed(
        container_sha256=received.body.container_sha256, reason="retention"
    )
    return log.append(body, project="second", object=received.object)


def run_of_another_id(log: SampleLog) -> Entry:
    return log.ask(log.specification(FOSTER, _uploads(log)), object=log.id("run"))


def run_asked_in_anothers_name(log: SampleLog) -> Entry:
    return log.ask(log.specification(FOSTER, _uploads(log)), actor=K12)


def run_under_other_terms(log: SampleLog) -> Entry:
    return _specified(log, agreement="0" * 64)


def run_of_another_profile(log: SampleLog) -> Entry:
    return _specified(log, profile="cd" * 32)


def run_of_another_epoch(log: SampleLog) -> Entry:
    return _specified(log, epoch=2)


def run_of_another_policy(log: SampleLog) -> Entry:
    policy = log.terms[FOSTER].policy.model_copy(update={"auto": "0.8"})
    return _specified(log, policy=policy)


def run_of_another_floor(log: SampleLog) -> Entry:
    return _specified(log, floor=1)


def run_for_a_stranger(log: SampleLog) -> Entry:
    recipient = Recipient(party="stranger", mode="linked", space="shared")
    return _specified(log, recipients=(*log.terms[FOSTER].recipients, recipient))


def run_without_a_recipient(log: SampleLog) -> Entry:
    return _specified(log, recipients=log.terms[FOSTER].recipients[:1])


def run_without_a_space(log: SampleLog) -> Entry:
    log.create_project("second", spaces=(*log.terms[FOSTER].spaces, SPARE))
    uploads = [log.upload("second", CW), log.upload("second", K12)]
    specification = log.specification("second", uploads)
    return log.ask(_changed(specification, spaces=log.terms[FOSTER].spaces))


SPARE = IdSpace(name="spare", lifetime="round")


def run_in_another_space(log: SampleLog) -> Entry:
    spaces = (*log.terms[FOSTER].spaces, IdSpace(name="secret", lifetime="round"))
    return _specified(log, spaces=spaces)


def run_by_a_stranger(log: SampleLog) -> Entry:
    log.enrol(STRANGER)
    specification = log.specification(FOSTER, _uploads(log))
    return log.ask(_changed(specification, asked_by="stranger"), actor=STRANGER)


def run_by_a_third_agency(log: SampleLog) -> Entry:
    create_trio(log)
    uploads = [
        log.upload("trio", CW, partner=K12.party),
        log.upload("trio", K12, partner=CW.party),
    ]
    said = log.specification("trio", uploads)
    return log.ask(_changed(said, asked_by=HEALTH.party), actor=HEALTH)


def run_on_an_unknown_upload(log: SampleLog) -> Entry:
    return _upload_named(log, upload="upl-" + "0" * 32)


def run_on_anothers_upload(log: SampleLog) -> Entry:
    return _upload_named(log, party="another-county")


def run_on_another_container(log: SampleLog) -> Entry:
    return _upload_named(log, container_sha256="0" * 64)


def run_on_another_manifest(log: SampleLog) -> Entry:
    return _upload_named(log, manifest_sha256="0" * 64)


def run_on_a_destroyed_upload(log: SampleLog) -> Entry:
    uploads = _uploads(log)
    specification = log.specification(FOSTER, uploads)
    log.destroy(uploads[0])
    return log.ask(specification)


def run_on_another_projects_upload(log: SampleLog) -> Entry:
    log.create_project("second")
    foreign = log.upload("second", CW)
    return log.ask(log.specification(FOSTER, [foreign, log.upload(FOSTER, K12)]))


def run_twice(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.append(kinds.RunCancelled(reason="by-request"), project=FOSTER, object=asked.object)
    return log.append(asked.body, project=FOSTER, object=asked.object, actor=CW)


def started_without_being_asked(log: SampleLog) -> Entry:
    body = kinds.RunStarted(attempt=1)
    return log.append(body, project=FOSTER, object=log.id("run"))


def started_twice_as_one_attempt(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked, attempt=2)
    return log.start(asked, attempt=2)


def started_after_the_end(log: SampleLog) -> Entry:
    asked, _ = _finished(log)
    return log.start(asked, attempt=2)


def started_on_a_destroyed_upload(log: SampleLog) -> Entry:
    uploads = _uploads(log)
    asked = log.ask(log.specification(FOSTER, uploads))
    log.destroy(uploads[1])
    return log.start(asked)


def finished_on_a_destroyed_upload(log: SampleLog) -> Entry:
    uploads = _uploads(log)
    asked = log.ask(log.specification(FOSTER, uploads))
    log.start(asked)
    log.destroy(uploads[1])
    return log.append(log.finished(asked), project=FOSTER, object=asked.object)


def started_in_another_project(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.create_project("second")
    return log.append(kinds.RunStarted(attempt=1), project="second", object=asked.object)


def finished_without_a_start(log: SampleLog) -> Entry:
    asked = _asked(log)
    return log.append(log.finished(asked), project=FOSTER, object=asked.object)


def finished_twice(log: SampleLog) -> Entry:
    asked, _ = _finished(log)
    return log.append(log.finished(asked), project=FOSTER, object=asked.object)


def finished_by_another_specification(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    body = log.finished(asked, specification_sha256="0" * 64)
    return log.append(body, project=FOSTER, object=asked.object)


def finished_with_a_small_count(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    return log.append(log.finished(asked, review_pairs=9), project=FOSTER, object=asked.object)


def finished_with_few_pairs_not_linked(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    return log.append(
        log.finished(asked, candidate_pairs=1659), project=FOSTER, object=asked.object
    )


def finished_with_few_pairs_not_for_review(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    untold = {"auto_pairs": None, "expected_false": None, "concordance": None}
    body = log.finished(asked, **untold, review_pairs=1791)
    return log.append(body, project=FOSTER, object=asked.object)


def finished_with_few_pairs_left_over(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    return log.append(log.finished(asked, review_pairs=150), project=FOSTER, object=asked.object)


def _finished_telling(log: SampleLog, **changes: Any) -> Entry:
    asked = _asked(log)
    log.start(asked)
    return log.append(log.finished(asked, **changes), project=FOSTER, object=asked.object)


def _finished_agreeing(log: SampleLog, **counts: int) -> Entry:
    return _finished_telling(log, concordance=(CONCORDANCE.model_copy(update=counts),))


def finished_with_few_links_that_differ(log: SampleLog) -> Entry:
    return _finished_agreeing(log, apart=9, other=None)


def finished_with_few_links_that_agree(log: SampleLog) -> Entry:
    return _finished_agreeing(log, apart=1641)


def finished_with_few_links_that_agree_in_part(log: SampleLog) -> Entry:
    return _finished_agreeing(log, apart=60, other=51)


def finished_with_few_links_left_over(log: SampleLog) -> Entry:
    return _finished_agreeing(log, apart=1600, missing=41)


def finished_with_what_is_expected_of_links_untold(log: SampleLog) -> Entry:
    return _finished_telling(log, auto_pairs=None, candidate_pairs=None, concordance=None)


def finished_without_how_links_agree(log: SampleLog) -> Entry:
    return _finished_telling(log, concordance=None)


def finished_with_more_wrong_links_than_links(log: SampleLog) -> Entry:
    return _finished_telling(log, expected_false=165_001)


def finished_with_a_field_twice(log: SampleLog) -> Entry:
    return _finished_telling(log, concordance=(CONCORDANCE, CONCORDANCE))


def finished_with_a_count_of_zero(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    return log.append(log.finished(asked, review_pairs=0), project=FOSTER, object=asked.object)


def _bound_by(log: SampleLog, **policy: Any) -> Entry:
    """Start a run of two files of 2,000 records by the agreed policy with these changes."""
    changed = POLICY.model_copy(update=policy)
    log.create_project("bound", policy=changed)
    asked = log.ask(log.specification("bound", [log.upload("bound", CW), log.upload("bound", K12)]))
    log.start(asked)
    return asked


def _found(log: SampleLog, asked: Entry, **counts: int | None) -> Entry:
    found = {"candidate_pairs": None, **counts}
    return log.append(log.finished(asked, **found), project="bound", object=asked.object)


def linked_more_than_the_rate(log: SampleLog) -> Entry:
    asked = _bound_by(log, link_rate=LinkRate(least="0.1", most="0.8"))
    return _found(log, asked, auto_pairs=1601)


def linked_fewer_than_the_rate(log: SampleLog) -> Entry:
    asked = _bound_by(log, link_rate=LinkRate(least="0.1", most="0.8"))
    return _found(log, asked, auto_pairs=199)


def linked_more_records_than_a_file_has(log: SampleLog) -> Entry:
    log.create_project("bound")
    uploads = [log.upload("bound", CW, 1_700), log.upload("bound", K12, 1_600)]
    asked = log.ask(log.specification("bound", uploads))
    log.start(asked)
    return _found(log, asked, auto_pairs=1601)


def met_more_than_the_most_pairs(log: SampleLog) -> Entry:
    asked = _bound_by(log, max_pairs=1799)
    return _found(log, asked, candidate_pairs=1800)


def held_back_more_than_the_share(log: SampleLog) -> Entry:
    asked = _bound_by(log, review_share="0.02")
    return _found(log, asked, review_pairs=41)


def released_with_other_matches_than_linked(log: SampleLog) -> Entry:
    return _released(log, matches=1649)


def uploaded_of_a_day_to_come(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    day = (log.moment + timedelta(days=2) - early).date().isoformat()
    return log.append(
        log.received(FOSTER, CW, as_of=day), project=FOSTER, actor=CW, object=log.id("upl")
    )


def failed_after_the_end(log: SampleLog) -> Entry:
    asked, _ = _finished(log)
    body = kinds.RunFailed(code="x-y", attempt=1)
    return log.append(body, project=FOSTER, object=asked.object, outcome="failed")


def failed_in_a_past_attempt(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked, attempt=2)
    body = kinds.RunFailed(code="x-y", attempt=1)
    return log.append(body, project=FOSTER, object=asked.object, outcome="failed")


def cancelled_by_a_third_agency(log: SampleLog) -> Entry:
    create_trio(log)
    uploads = [
        log.upload("trio", CW, partner=K12.party),
        log.upload("trio", K12, partner=CW.party),
    ]
    asked = log.ask(log.specification("trio", uploads))
    body = kinds.RunCancelled(reason="by-agency")
    return log.append(body, project="trio", object=asked.object, actor=HEALTH)


def cancelled_twice(log: SampleLog) -> Entry:
    asked = _asked(log)
    body = kinds.RunCancelled(reason="by-request")
    log.append(body, project=FOSTER, object=asked.object)
    return log.append(body, project=FOSTER, object=asked.object)


def released_before_the_end(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    return log.append(log.released(asked, "county-cw"), project=FOSTER, object=log.id("rel"))


def released_after_a_failure(log: SampleLog) -> Entry:
    asked = _asked(log)
    body = kinds.RunFailed(code="x-y", attempt=1)
    log.append(body, project=FOSTER, object=asked.object, outcome="failed")
    return log.append(log.released(asked, "county-cw"), project=FOSTER, object=log.id("rel"))


def released_without_a_run(log: SampleLog) -> Entry:
    asked = _asked(log)
    body = log.released(asked, "county-cw", run="run-" + "0" * 32)
    return log.append(body, project=FOSTER, object=log.id("rel"))


def _released(log: SampleLog, **changes: Any) -> Entry:
    asked = _asked(log)
    log.start(asked)
    log.append(log.finished(asked), project=FOSTER, object=asked.object)
    recipient = changes.pop("recipient", "county-cw")
    body = log.released(asked, recipient, **changes)
    return log.append(body, project=FOSTER, object=log.id("rel"))


def released_to_a_stranger(log: SampleLog) -> Entry:
    return _released(log, recipient="stranger")


def released_in_another_mode(log: SampleLog) -> Entry:
    return _released(log, mode="blind")


def released_in_another_space(log: SampleLog) -> Entry:
    return _released(log, space="secret")


def released_with_a_small_count(log: SampleLog) -> Entry:
    return _released(log, matches=3)


def released_to_one_who_gets_nothing(log: SampleLog) -> Entry:
    recipient = Recipient(party="county-cw", mode="none", space="shared")
    log.create_project("silent", recipients=(recipient,))
    asked = _asked(log, "silent")
    log.start(asked)
    log.append(log.finished(asked), project="silent", object=asked.object)
    body = log.released(asked, "county-cw", mode="none")
    return log.append(body, project="silent", object=log.id("rel"))


def released_twice(log: SampleLog) -> Entry:
    asked, _ = _finished(log)
    return log.append(log.released(asked, "county-cw"), project=FOSTER, object=log.id("rel"))


def released_under_one_id(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    log.append(log.finished(asked), project=FOSTER, object=asked.object)
    release = log.id("rel")
    log.append(log.released(asked, "county-cw"), project=FOSTER, object=release)
    return log.append(log.released(asked, "school-district"), project=FOSTER, object=release)


def released_after_the_batch_of_the_end(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    log.append(log.finished(asked), project=FOSTER, object=asked.object)
    log.close()
    return log.append(log.released(asked, "county-cw"), project=FOSTER, object=log.id("rel"))


def fetched_unprepared(log: SampleLog) -> Entry:
    body = kinds.ReleaseFetched(recipient="county-cw", sha256="0" * 64)
    return log.append(body, project=FOSTER, object=log.id("rel"), actor=CW)


def fetched_by_another_recipient(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.fetch(prepared[0], K12)


def verified_before_it_was_fetched(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.verify(prepared[0], CW)


def verified_by_another_recipient(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.fetch(prepared[0], CW)
    return log.verify(prepared[0], K12)


def verified_for_another_recipient(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.fetch(prepared[0], CW)
    return log.verify(prepared[0], CW, recipient="school-district")


def verified_something_else(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.fetch(prepared[0], CW)
    return log.verify(prepared[0], CW, sha256="1" * 64)


def verified_after_destruction(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.fetch(prepared[0], CW)
    log.destroy_release(prepared[0])
    return log.verify(prepared[0], CW)


def fetched_for_another_recipient(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.fetch(prepared[0], K12, recipient="county-cw")


def fetched_by_the_broker(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.fetch(prepared[0], BROKER, recipient="county-cw")


def fetched_something_else(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.fetch(prepared[0], CW, sha256="0" * 64)


def fetched_in_another_project(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.create_project("second")
    return log.fetch(replaced(prepared[0], project="second"), CW)


def fetched_after_destruction(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.destroy_release(prepared[0])
    return log.fetch(prepared[0], CW)


def release_destroyed_twice(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.destroy_release(prepared[0])
    return log.destroy_release(prepared[0])


def release_destroyed_unprepared(log: SampleLog) -> Entry:
    body = kinds.ReleaseDestroyed(sha256="0" * 64, reason="retention")
    return log.append(body, project=FOSTER, object=log.id("rel"))


def release_destroyed_in_another_project(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.create_project("second")
    return log.destroy_release(replaced(prepared[0], project="second"))


def other_release_destroyed(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.destroy_release(prepared[0], sha256="0" * 64)


def _blind(log: SampleLog) -> Entry:
    log.create_blind_project("study")
    return log.finish_blind("study")


def blind_release_without_a_run(log: SampleLog) -> Entry:
    return log.release_blind(_blind(log), "county-cw", run="run-" + "0" * 32)


def blind_release_of_a_linked_recipient(log: SampleLog) -> Entry:
    asked, _ = _finished(log)
    return log.release_blind(asked, "school-district")


def blind_release_in_another_space(log: SampleLog) -> Entry:
    return log.release_blind(_blind(log), "county-cw", space="secret")


def blind_release_of_nobodys_records(log: SampleLog) -> Entry:
    return log.release_blind(_blind(log), "stranger")


def link_ids_for_a_blind_recipient(log: SampleLog) -> Entry:
    asked = _blind(log)
    body = log.released(asked, "county-cw", mode="blind")
    return log.append(body, project="study", object=log.id("rel"))


def blind_release_twice(log: SampleLog) -> Entry:
    asked = _blind(log)
    for agency in ("county-cw", "school-district"):
        log.release_blind(asked, agency)
    return log.release_blind(asked, "school-district")


def blind_release_after_the_batch_of_the_end(log: SampleLog) -> Entry:
    asked = _blind(log)
    log.release_blind(asked, "county-cw")
    log.close()
    return log.release_blind(asked, "school-district")


def blind_release_fetched_by_its_recipient(log: SampleLog) -> Entry:
    prepared = log.release_blind(_blind(log), "school-district")
    return log.fetch(prepared, CW)


def blind_release_fetched_for_its_recipient(log: SampleLog) -> Entry:
    prepared = log.release_blind(_blind(log), "school-district")
    return log.fetch(prepared, K12, recipient="county-cw")


def blind_run_with_a_count(log: SampleLog) -> Entry:
    log.create_blind_project("study")
    asked = _asked(log, "study")
    log.start(asked)
    body = log.finished(asked, candidate_pairs=1650)
    return log.append(body, project="study", object=asked.object)


def openings_for_a_stranger(log: SampleLog) -> Entry:
    log.create_project("second", recipients=terms_of(FOSTER).recipients[:1])
    asked = _asked(log, "second")
    log.start(asked)
    body = log.finished(asked, openings=log.openings("school-district"))
    return log.append(body, project="second", object=asked.object)


def _started_for_a_total(log: SampleLog) -> Entry:
    counted = Recipient(party="county-cw", mode="count", space="shared")
    log.create_project("second", recipients=(counted,))
    asked = _asked(log, "second")
    log.start(asked)
    return asked


def count_of_more_than_no_match_id(log: SampleLog) -> Entry:
    asked = _started_for_a_total(log)
    log.append(log.finished(asked), project="second", object=asked.object)
    body = log.released(asked, "county-cw", mode="count")
    return log.append(body, project="second", object=log.id("rel"))


def openings_for_one_who_gets_a_total(log: SampleLog) -> Entry:
    asked = _started_for_a_total(log)
    body = log.finished(asked, openings=log.openings("county-cw"))
    return log.append(body, project="second", object=asked.object)


def _recorded(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.entries[prepared[0].seq - 1]


def openings_of_a_record_that_was_not_made(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    body = log.finished(asked, match_record_root=None)
    return log.append(body, project=FOSTER, object=asked.object)


def match_record_destroyed_twice(log: SampleLog) -> Entry:
    finished = _recorded(log)
    log.destroy_match_record(finished)
    return log.destroy_match_record(finished)


def other_match_record_destroyed(log: SampleLog) -> Entry:
    return log.destroy_match_record(_recorded(log), root="0" * 64)


def match_record_destroyed_that_was_not_made(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    body = log.finished(asked, match_record_root=None, openings=())
    finished = log.append(body, project=FOSTER, object=asked.object)
    return log.destroy_match_record(finished, root="0" * 64)


def match_record_destroyed_before_the_end(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    body = kinds.MatchRecordDestroyed(root="0" * 64, reason="retention")
    return log.append(body, project=FOSTER, object=asked.object)


def match_record_destroyed_of_an_unknown_run(log: SampleLog) -> Entry:
    body = kinds.MatchRecordDestroyed(root="0" * 64, reason="retention")
    return log.append(body, project=FOSTER, object=log.id("run"))


def exported_with_another_count(log: SampleLog) -> Entry:
    body = kinds.Exported(what="log", entries=log.places[FOSTER] - 1, broker_wide=log.places[None])
    return log.append(body, project=FOSTER, actor=CW)


def exported_with_another_broker_wide_count(log: SampleLog) -> Entry:
    body = kinds.Exported(what="log", entries=None, broker_wide=log.places[None] + 1)
    return log.append(body, actor=OPERATOR)


def exported_with_a_count_of_no_project(log: SampleLog) -> Entry:
    body = kinds.Exported(what="log", entries=3, broker_wide=log.places[None])
    return log.append(body, actor=OPERATOR)


def never_destroyed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    received = log.upload(FOSTER, CW)
    log.moment += timedelta(days=32) - early
    log.append(
        kinds.RoleChanged(party="county-cw", person=CW.person, role="agency", change="granted")
    )
    return received


def replaced(entry: Entry, **changes: Any) -> Entry:
    """The entry as the story would tell it with other fields."""
    return entry.model_copy(update=changes)


def share_in_anothers_name(log: SampleLog) -> Entry:
    return log.relay(CW, "county-cw", sender="school-district")


def share_to_a_stranger(log: SampleLog) -> Entry:
    return log.relay(CW, "stranger")


def share_to_oneself(log: SampleLog) -> Entry:
    return log.relay(CW, "county-cw")


def share_of_an_operator(log: SampleLog) -> Entry:
    return log.relay(OPERATOR, "county-cw")


def withdrawn_by_an_operator(log: SampleLog) -> Entry:
    return log.append(kinds.SharesWithdrawn(epoch=1), project=FOSTER, actor=OPERATOR)


def share_of_a_far_epoch(log: SampleLog) -> Entry:
    return log.relay(CW, "school-district", epoch=3)


def confirmed_a_far_epoch(log: SampleLog) -> Entry:
    body = kinds.SecretConfirmed(
        epoch=3, holders=log.digest(), key_id="0123456789abcdef", sha256=log.digest()
    )
    return log.append(body, project=FOSTER, actor=CW)


def share_twice(log: SampleLog) -> Entry:
    relayed = log.relay(CW, "school-district")
    assert isinstance(relayed.body, kinds.ShareRelayed)
    return log.relay(CW, "school-district", share=relayed.body.share)


def share_fetched_unkept(log: SampleLog) -> Entry:
    return log.fetch_share(log.relay(CW, "school-district"), K12, share=log.id("shr"))


def share_fetched_by_its_sender(log: SampleLog) -> Entry:
    return log.fetch_share(log.relay(CW, "school-district"), CW)


def other_share_fetched(log: SampleLog) -> Entry:
    return log.fetch_share(log.relay(CW, "school-district"), K12, sha256=log.digest())


def share_fetched_of_another_epoch(log: SampleLog) -> Entry:
    return log.fetch_share(log.relay(CW, "school-district"), K12, epoch=2)


BREAKS: dict[str, list[Break]] = {
    "broker-only": [
        access_ended_by_an_agency,
        configured_by_an_agency,
        destroyed_by_an_agency,
        enrolled_by_an_agency,
        key_ring_of_an_agency,
        sign_in_refused_by_an_agency,
        sign_on_linked_by_another,
        started_by_an_agency,
        enrolled_by_an_analyst_of_the_operators,
        key_ring_of_an_analyst_of_the_operators,
    ],
    "person-unknown": [access_ended_in_another_party, access_of_a_stranger_ended],
    "log-start": [second_start],
    "time-runs-back": [time_runs_back],
    "place": [place_skipped, place_repeated],
    "project-unknown": [unknown_project],
    "agreement": [other_agreement],
    "purpose": [
        upload_for_a_purpose_of_the_brokers,
        upload_for_no_purpose,
        party_enrolled_for_a_purpose,
        project_opened_for_a_purpose,
        proposed_for_another_purpose,
        signed_for_another_purpose,
    ],
    "actor-role": [
        upload_in_an_auditors_role,
        refused_in_an_operators_role,
        acts_in_a_role_that_the_party_has_not,
        broker_in_an_agencys_role,
    ],
    "upload-key": [
        upload_with_another_secret,
        upload_with_another_secret_than_a_round_before,
    ],
    "stranger": [stranger_acts, role_of_a_stranger, key_of_a_stranger, person_of_a_stranger],
    "enrolled-twice": [enrolled_twice],
    "person-twice": [person_twice, person_of_two_parties],
    "statement-late": [key_changed_long_after_it_was_signed],
    "person-revoked": [key_after_access_ended],
    "person-key": [
        key_changed_in_another_name,
        key_of_an_unknown_person,
        key_of_another_partys_person,
        key_of_nobody,
        key_after_another_one,
        key_of_the_other_use,
        key_that_stays,
        key_that_ends,
        key_without_a_signature,
        key_signed_by_the_operator,
        key_that_was_signed_for_another,
        key_from_another_one_than_the_persons,
        receiving_key_that_nobody_signed,
    ],
    "share-by-stranger": [
        share_in_anothers_name,
        share_to_a_stranger,
        share_to_oneself,
        share_of_an_operator,
        withdrawn_by_an_operator,
    ],
    "share-epoch": [share_of_a_far_epoch, confirmed_a_far_epoch],
    "share-twice": [share_twice],
    "share-unknown": [
        share_fetched_unkept,
        share_fetched_by_its_sender,
        other_share_fetched,
        share_fetched_of_another_epoch,
    ],
    "not-in-force": [
        upload_after_the_end,
        run_after_the_end,
        start_after_the_end,
        finish_after_the_end,
        release_after_the_end,
        fetch_after_the_end,
    ],
    "upload-by-stranger": [upload_by_a_stranger],
    "upload-profile": [upload_of_another_profile, upload_of_another_epoch],
    "upload-population": [upload_of_another_population],
    "upload-size": [upload_too_large, upload_too_small],
    "upload-audit": [
        upload_without_an_audit,
        upload_after_a_quick_audit,
        upload_whose_audit_missed_a_goal,
        upload_with_an_audit_of_another_profile,
        upload_with_an_audit_of_the_other_side,
        upload_with_an_audit_of_too_few_records,
        upload_with_an_audit_of_too_many_records,
    ],
    "upload-twice": [upload_with_anothers_id, upload_with_the_id_of_one_that_is_gone],
    "upload-destroyed": [
        destroyed_twice,
        run_on_a_destroyed_upload,
        started_on_a_destroyed_upload,
        finished_on_a_destroyed_upload,
    ],
    "upload-unknown": [
        destroyed_unknown,
        destroyed_in_another_project,
        run_on_an_unknown_upload,
        run_on_another_projects_upload,
    ],
    "upload-digest": [destroyed_something_else],
    "run-specification": [
        run_of_another_id,
        run_asked_in_anothers_name,
        finished_by_another_specification,
    ],
    "run-agreement": [run_under_other_terms],
    "run-profile": [run_of_another_profile, run_of_another_epoch],
    "run-policy": [run_of_another_policy, run_of_another_floor],
    "run-recipient": [run_for_a_stranger, run_without_a_recipient],
    "run-space": [run_in_another_space, run_without_a_space],
    "run-by-stranger": [run_by_a_stranger, run_by_a_third_agency, cancelled_by_a_third_agency],
    "run-upload": [run_on_anothers_upload, run_on_another_container, run_on_another_manifest],
    "run-twice": [run_twice],
    "run-unknown": [
        started_without_being_asked,
        started_in_another_project,
        match_record_destroyed_of_an_unknown_run,
    ],
    "run-order": [
        started_twice_as_one_attempt,
        started_after_the_end,
        finished_without_a_start,
        finished_twice,
        failed_after_the_end,
        failed_in_a_past_attempt,
        cancelled_twice,
    ],
    "below-floor": [
        finished_with_a_small_count,
        finished_with_a_count_of_zero,
        finished_with_few_pairs_not_linked,
        finished_with_few_pairs_not_for_review,
        finished_with_few_pairs_left_over,
        finished_with_few_links_that_differ,
        finished_with_few_links_that_agree,
        finished_with_few_links_that_agree_in_part,
        finished_with_few_links_left_over,
        released_with_a_small_count,
    ],
    "run-counts": [
        linked_more_than_the_rate,
        linked_fewer_than_the_rate,
        linked_more_records_than_a_file_has,
        met_more_than_the_most_pairs,
        held_back_more_than_the_share,
    ],
    "release-matches": [
        released_with_other_matches_than_linked,
        count_of_more_than_no_match_id,
    ],
    "upload-as-of": [uploaded_of_a_day_to_come],
    "links-untold": [
        finished_with_what_is_expected_of_links_untold,
        finished_without_how_links_agree,
        finished_with_more_wrong_links_than_links,
        finished_with_a_field_twice,
    ],
    "blind-count": [blind_run_with_a_count],
    "openings-to-stranger": [openings_for_a_stranger, openings_for_one_who_gets_a_total],
    "match-record-unknown": [
        openings_of_a_record_that_was_not_made,
        match_record_destroyed_twice,
        other_match_record_destroyed,
        match_record_destroyed_that_was_not_made,
        match_record_destroyed_before_the_end,
    ],
    "release-without-run": [
        released_before_the_end,
        released_after_a_failure,
        released_without_a_run,
        blind_release_without_a_run,
    ],
    "release-to-stranger": [
        released_to_a_stranger,
        released_in_another_mode,
        released_in_another_space,
        released_to_one_who_gets_nothing,
        blind_release_of_a_linked_recipient,
        blind_release_in_another_space,
        blind_release_of_nobodys_records,
        link_ids_for_a_blind_recipient,
    ],
    "release-twice": [released_twice, released_under_one_id, blind_release_twice],
    "release-late": [
        released_after_the_batch_of_the_end,
        blind_release_after_the_batch_of_the_end,
    ],
    "fetch-unprepared": [
        fetched_unprepared,
        fetched_in_another_project,
        release_destroyed_unprepared,
        release_destroyed_in_another_project,
    ],
    "release-destroyed": [
        fetched_after_destruction,
        verified_after_destruction,
        release_destroyed_twice,
    ],
    "fetch-by-stranger": [
        fetched_by_another_recipient,
        fetched_for_another_recipient,
        fetched_by_the_broker,
        blind_release_fetched_by_its_recipient,
        blind_release_fetched_for_its_recipient,
    ],
    "fetch-digest": [fetched_something_else, verified_something_else, other_release_destroyed],
    "verify-unfetched": [
        verified_before_it_was_fetched,
        verified_by_another_recipient,
        verified_for_another_recipient,
    ],
    "export-counts": [
        exported_with_another_count,
        exported_with_another_broker_wide_count,
        exported_with_a_count_of_no_project,
    ],
    "destruction-overdue": [never_destroyed],
}
