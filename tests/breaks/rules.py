"""Every way to break a rule of the log, done by a broker that signs what it did: for both verifiers.

Each function takes a log in which a project `foster` exists, and returns the entry that breaks its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from samples.log import CONCORDANCE, SampleLog, create_trio
from samples.parties import BROKER, CW, HEALTH, K12, OPERATOR, POLICY, STRANGER, terms_of

from encoding.people.identity import change_of_keys, new_identity, replace_keys
from schemas.linkage.run import IdSpace, LinkRate, Recipient, RunSpecification
from schemas.matchlog import person_kinds, release_kinds, run_kinds, share_kinds, upload_kinds
from schemas.matchlog.entry import Actor, Entry

Break = Callable[[SampleLog], Entry]


def ways(*named: Break, **short: Break) -> dict[str, Break]:
    """Return the ways to break one rule by their names."""
    return {one.__name__: one for one in named} | short


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


def time_runs_back(log: SampleLog) -> Entry:
    log.moment -= timedelta(seconds=1)
    return log.upload(FOSTER, CW)


def unknown_project(log: SampleLog) -> Entry:
    log.terms["ghost"] = terms_of("ghost")
    return log.upload("ghost", CW, agreement="0" * 64)


# What the broker alone does, in an agency's name.


def key_ring_of_an_agency(log: SampleLog) -> Entry:
    keys = {"old": None, "new": log.digest(), "signed": None}
    body = person_kinds.KeyRotated(party=CW.party, person=CW.person, use="key-ring", **keys)
    return log.append(body, actor=CW)


OWNER = new_identity("county-cw", ("analyst",), datetime(2026, 8, 1, tzinfo=UTC))
NEXT, CHANGE = replace_keys(OWNER, datetime(2026, 9, 2, tzinfo=UTC))
PERSON = OWNER.public.person


def _enrol_person(log: SampleLog, party: str = "county-cw") -> Entry:
    body = person_kinds.PersonEnrolled(
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
    body = person_kinds.KeyRotated(**{**fields, **changes})
    own = CW.model_copy(update={"party": body.party, "person": body.person})
    return log.append(body, actor=by or own)


def key_changed_in_another_name(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _rotate(log, by=CW)


def key_changed_long_after_it_was_signed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    _enrol_person(log)
    signed = change_of_keys(OWNER, NEXT, log.moment - timedelta(days=2, seconds=1) + early)
    return _rotate(log, signed=signed)


def person_twice(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _enrol_person(log)


def person_of_two_parties(log: SampleLog) -> Entry:
    _enrol_person(log)
    return _enrol_person(log, "school-district")


def key_after_access_ended(log: SampleLog) -> Entry:
    """Anyone who has the keys of someone who has left makes new ones, by which their party could be a
    witness.
    """
    _enrol_person(log)
    body = person_kinds.RoleChanged(
        party="county-cw", person=PERSON, role="agency", change="revoked"
    )
    log.append(body, actor=OPERATOR)
    return _rotate(log)


def upload_after_the_end(log: SampleLog) -> Entry:
    log.moment = log.moment.replace(year=2031)
    return log.upload(FOSTER, CW)


def upload_by_a_stranger(log: SampleLog) -> Entry:
    log.enrol(STRANGER)
    return log.upload(FOSTER, STRANGER)


def upload_with_another_secret(log: SampleLog) -> Entry:
    log.upload(FOSTER, CW)
    return log.upload(FOSTER, K12, key_id="deadbeefdeadbeef")


def _audited(log: SampleLog, **changes: Any) -> Entry:
    audit = log.received(FOSTER, CW).privacy_audit
    assert audit is not None
    return _received(log, privacy_audit=audit.model_copy(update=changes))


def upload_beyond_what_is_agreed(log: SampleLog) -> Entry:
    audit = log.received(FOSTER, CW).privacy_audit
    assert audit is not None
    beyond = audit.figures[1].model_copy(update={"mean": "0.1001"})
    return _audited(log, figures=(audit.figures[0], beyond, *audit.figures[2:]))


def destroyed_twice(log: SampleLog) -> Entry:
    received = log.upload(FOSTER, CW)
    log.destroy(received)
    return log.destroy(received)


def destroyed_something_else(log: SampleLog) -> Entry:
    received = log.upload(FOSTER, CW)
    body = upload_kinds.UploadDestroyed(container_sha256="0" * 64, reason="retention")
    return log.append(body, project=FOSTER, object=received.object)


def run_of_another_policy(log: SampleLog) -> Entry:
    policy = log.terms[FOSTER].policy.model_copy(update={"auto": "0.8"})
    return _specified(log, policy=policy)


def run_for_a_stranger(log: SampleLog) -> Entry:
    recipient = Recipient(party="stranger", mode="linked", space="shared")
    return _specified(log, recipients=(*log.terms[FOSTER].recipients, recipient))


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


def run_twice(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.append(run_kinds.RunCancelled(reason="by-request"), project=FOSTER, object=asked.object)
    return log.append(asked.body, project=FOSTER, object=asked.object, actor=CW)


def started_without_being_asked(log: SampleLog) -> Entry:
    body = run_kinds.RunStarted(attempt=1)
    return log.append(body, project=FOSTER, object=log.id("run"))


def started_after_the_end(log: SampleLog) -> Entry:
    asked, _ = _finished(log)
    return log.start(asked, attempt=2)


def finished_without_a_start(log: SampleLog) -> Entry:
    asked = _asked(log)
    return log.append(log.finished(asked), project=FOSTER, object=asked.object)


def finished_by_another_specification(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    body = log.finished(asked, specification_sha256="0" * 64)
    return log.append(body, project=FOSTER, object=asked.object)


def _finished_telling(log: SampleLog, **changes: Any) -> Entry:
    asked = _asked(log)
    log.start(asked)
    return log.append(log.finished(asked, **changes), project=FOSTER, object=asked.object)


def _finished_agreeing(log: SampleLog, **counts: int) -> Entry:
    return _finished_telling(log, concordance=(CONCORDANCE.model_copy(update=counts),))


def finished_without_a_release_for_one_of_two(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    finished = log.append(log.finished(asked), project=FOSTER, object=asked.object)
    log.append(log.released(asked, "county-cw"), project=FOSTER, object=log.id("rel"))
    log.export(FOSTER)
    return finished


def finished_blind_without_the_release_of_one_agency(log: SampleLog) -> Entry:
    asked = _blind(log)
    finished = log.entries[-1]
    log.release_blind(asked, "county-cw")
    return finished


def _bound_by(log: SampleLog, **policy: Any) -> Entry:
    """Start a run of two files of 2,000 records by the agreed policy with these changes."""
    changed = POLICY.model_copy(update=policy)
    log.create_project("bound", policy=changed)
    asked = log.ask(log.specification("bound", [log.upload("bound", CW), log.upload("bound", K12)]))
    log.start(asked)
    return asked


def _found(log: SampleLog, asked: Entry, **counts: int | None) -> Entry:
    return log.append(log.finished(asked, **counts), project="bound", object=asked.object)


def linked_more_than_the_rate(log: SampleLog) -> Entry:
    asked = _bound_by(log, link_rate=LinkRate(least="0.1", most="0.8"))
    return _found(log, asked, auto_pairs=1601)


def linked_fewer_than_the_rate(log: SampleLog) -> Entry:
    asked = _bound_by(log, link_rate=LinkRate(least="0.1", most="0.8"))
    return _found(log, asked, auto_pairs=199)


def uploaded_of_a_day_to_come(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    day = (log.moment + timedelta(days=2) - early).date().isoformat()
    return log.append(
        log.received(FOSTER, CW, as_of=day), project=FOSTER, actor=CW, object=log.id("upl")
    )


def cancelled_by_a_third_agency(log: SampleLog) -> Entry:
    create_trio(log)
    uploads = [
        log.upload("trio", CW, partner=K12.party),
        log.upload("trio", K12, partner=CW.party),
    ]
    asked = log.ask(log.specification("trio", uploads))
    body = run_kinds.RunCancelled(reason="by-agency")
    return log.append(body, project="trio", object=asked.object, actor=HEALTH)


def released_before_the_end(log: SampleLog) -> Entry:
    asked = _asked(log)
    log.start(asked)
    return log.append(log.released(asked, "county-cw"), project=FOSTER, object=log.id("rel"))


def _released(log: SampleLog, **changes: Any) -> Entry:
    asked = _asked(log)
    log.start(asked)
    log.append(log.finished(asked), project=FOSTER, object=asked.object)
    recipient = changes.pop("recipient", "county-cw")
    body = log.released(asked, recipient, **changes)
    return log.append(body, project=FOSTER, object=log.id("rel"))


def fetched_unprepared(log: SampleLog) -> Entry:
    body = release_kinds.ReleaseFetched(recipient="county-cw", sha256="0" * 64)
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


def fetched_for_another_recipient(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.fetch(prepared[0], K12, recipient="county-cw")


def fetched_something_else(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.fetch(prepared[0], CW, sha256="0" * 64)


def fetched_after_destruction(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.destroy_release(prepared[0])
    return log.fetch(prepared[0], CW)


def release_destroyed_twice(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    log.destroy_release(prepared[0])
    return log.destroy_release(prepared[0])


def release_destroyed_unprepared(log: SampleLog) -> Entry:
    body = release_kinds.ReleaseDestroyed(sha256="0" * 64, reason="retention")
    return log.append(body, project=FOSTER, object=log.id("rel"))


def other_release_destroyed(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.destroy_release(prepared[0], sha256="0" * 64)


def _blind(log: SampleLog) -> Entry:
    log.create_blind_project("study")
    return log.finish_blind("study")


def blind_release_twice(log: SampleLog) -> Entry:
    asked = _blind(log)
    for agency in ("county-cw", "school-district"):
        log.release_blind(asked, agency)
    return log.release_blind(asked, "school-district")


def blind_run_with_a_count(log: SampleLog) -> Entry:
    log.create_blind_project("study")
    asked = _asked(log, "study")
    log.start(asked)
    body = log.finished(asked, auto_pairs=1650, expected_false=412, concordance=())
    return log.append(body, project="study", object=asked.object)


def _started_for_a_total(log: SampleLog) -> Entry:
    counted = Recipient(party="county-cw", mode="count", space="shared")
    log.create_project("second", recipients=(counted,))
    asked = _asked(log, "second")
    log.start(asked)
    return asked


def openings_for_one_who_gets_a_total(log: SampleLog) -> Entry:
    asked = _started_for_a_total(log)
    body = log.finished(asked, openings=log.openings("county-cw"))
    return log.append(body, project="second", object=asked.object)


def _recorded(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.entries[prepared[0].seq - 1]


def upload_destroyed_as_if_its_time_were_over(
    log: SampleLog, early: timedelta = timedelta()
) -> Entry:
    received = log.upload(FOSTER, CW)
    log.moment += timedelta(days=log.terms[FOSTER].keep_encodings_days - 2) + early
    return log.destroy(received, "retention")


def release_destroyed_as_if_its_time_were_over(log: SampleLog) -> Entry:
    _, prepared = _finished(log)
    return log.destroy_release(prepared[0], reason="destroy-by")


def match_record_destroyed_of_an_unknown_run(log: SampleLog) -> Entry:
    body = run_kinds.MatchRecordDestroyed(root="0" * 64, reason="retention")
    return log.append(body, project=FOSTER, object=log.id("run"))


def never_destroyed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    received = log.upload(FOSTER, CW)
    log.moment += timedelta(days=32) - early
    log.append(
        person_kinds.RoleChanged(
            party="county-cw", person=CW.person, role="agency", change="granted"
        )
    )
    return received


def confirmed_a_far_epoch(log: SampleLog) -> Entry:
    body = share_kinds.SecretConfirmed(
        epoch=3, holders=log.digest(), key_id="0123456789abcdef", sha256=log.digest()
    )
    return log.append(body, project=FOSTER, actor=CW)


def share_twice(log: SampleLog) -> Entry:
    relayed = log.relay(CW, "school-district")
    assert isinstance(relayed.body, share_kinds.ShareRelayed)
    return log.relay(CW, "school-district", share=relayed.body.share)


BREAKS: dict[str, dict[str, Break]] = {
    "broker-only": ways(key_ring_of_an_agency),
    "log-start": ways(second_start=lambda log: log.append(log.entries[0].body)),
    "time-runs-back": ways(time_runs_back),
    "place": ways(
        place_skipped=lambda log: log.upload(FOSTER, CW, place=log.places[FOSTER] + 1),
        place_repeated=lambda log: log.append(
            person_kinds.PartyEnrolled(party="newcomer", role="agency", fingerprint=None),
            place=log.places[None] - 1,
        ),
    ),
    "project-unknown": ways(unknown_project),
    "agreement": ways(other_agreement=lambda log: log.upload(FOSTER, CW, agreement="0" * 64)),
    "purpose": ways(
        upload_for_a_purpose_of_the_brokers=lambda log: log.upload(FOSTER, CW, purpose="marketing"),
        upload_for_no_purpose=lambda log: log.upload(FOSTER, CW, purpose=None),
    ),
    "actor-role": ways(
        upload_in_an_auditors_role=lambda log: log.upload(
            FOSTER, CW.model_copy(update={"role": "auditor"})
        ),
        broker_in_an_agencys_role=lambda log: log.export(
            actor=BROKER.model_copy(update={"role": "agency"})
        ),
    ),
    "upload-key": ways(upload_with_another_secret),
    "stranger": ways(person_of_a_stranger=lambda log: _enrol_person(log, "stranger")),
    "enrolled-twice": ways(
        enrolled_twice=lambda log: log.append(
            person_kinds.PartyEnrolled(party="county-cw", role="agency", fingerprint=None)
        )
    ),
    "person-twice": ways(person_twice, person_of_two_parties),
    "statement-late": ways(key_changed_long_after_it_was_signed),
    "person-revoked": ways(key_after_access_ended),
    "person-key": ways(key_changed_in_another_name, key_of_an_unknown_person=_rotate),
    "share-by-stranger": ways(
        share_in_anothers_name=lambda log: log.relay(CW, "county-cw", sender="school-district"),
        share_of_an_operator=lambda log: log.relay(OPERATOR, "county-cw"),
    ),
    "share-epoch": ways(
        confirmed_a_far_epoch,
        share_of_a_far_epoch=lambda log: log.relay(CW, "school-district", epoch=3),
    ),
    "share-twice": ways(share_twice),
    "share-unknown": ways(
        share_fetched_unkept=lambda log: log.fetch_share(
            log.relay(CW, "school-district"), K12, share=log.id("shr")
        ),
        share_fetched_by_its_sender=lambda log: log.fetch_share(
            log.relay(CW, "school-district"), CW
        ),
    ),
    "not-in-force": ways(upload_after_the_end),
    "upload-by-stranger": ways(upload_by_a_stranger),
    "upload-profile": ways(
        upload_of_another_profile=lambda log: _received(log, profile="cd" * 32),
        upload_of_another_epoch=lambda log: _received(log, epoch=2),
    ),
    "upload-population": ways(
        upload_of_another_population=lambda log: _received(log, population="everyone")
    ),
    "upload-size": ways(
        upload_too_large=lambda log: _received(log, records=50_001),
        upload_too_small=lambda log: _received(log, records=99),
    ),
    "upload-audit": ways(
        upload_beyond_what_is_agreed,
        upload_without_an_audit=lambda log: _received(log, privacy_audit=None),
        upload_after_a_quick_audit=lambda log: _audited(log, scope="quick"),
    ),
    "upload-twice": ways(
        upload_with_anothers_id=lambda log: log.upload(
            FOSTER, K12, object=log.upload(FOSTER, CW).object
        )
    ),
    "upload-destroyed": ways(destroyed_twice),
    "upload-unknown": ways(
        run_on_an_unknown_upload=lambda log: _upload_named(log, upload="upl-" + "0" * 32)
    ),
    "upload-digest": ways(destroyed_something_else),
    "run-specification": ways(
        finished_by_another_specification,
        run_of_another_id=lambda log: log.ask(
            log.specification(FOSTER, _uploads(log)), object=log.id("run")
        ),
    ),
    "run-agreement": ways(run_under_other_terms=lambda log: _specified(log, agreement="0" * 64)),
    "run-profile": ways(
        run_of_another_profile=lambda log: _specified(log, profile="cd" * 32),
        run_of_another_epoch=lambda log: _specified(log, epoch=2),
    ),
    "run-policy": ways(
        run_of_another_policy, run_of_another_floor=lambda log: _specified(log, floor=1)
    ),
    "run-recipient": ways(
        run_for_a_stranger,
        run_without_a_recipient=lambda log: _specified(
            log, recipients=log.terms[FOSTER].recipients[:1]
        ),
    ),
    "run-space": ways(run_in_another_space, run_without_a_space),
    "run-by-stranger": ways(run_by_a_stranger, cancelled_by_a_third_agency),
    "run-upload": ways(
        run_on_anothers_upload=lambda log: _upload_named(log, party="another-county")
    ),
    "run-twice": ways(run_twice),
    "run-unknown": ways(started_without_being_asked, match_record_destroyed_of_an_unknown_run),
    "run-order": ways(started_after_the_end, finished_without_a_start),
    "below-floor": ways(
        finished_with_few_links_that_differ=lambda log: _finished_agreeing(
            log, apart=9, other=None
        ),
        finished_with_few_links_that_agree=lambda log: _finished_agreeing(log, apart=1641),
    ),
    "run-counts": ways(linked_more_than_the_rate, linked_fewer_than_the_rate),
    "release-matches": ways(
        released_with_other_matches_than_linked=lambda log: _released(log, matches=1649)
    ),
    "upload-as-of": ways(uploaded_of_a_day_to_come),
    "links-untold": ways(
        finished_with_what_is_expected_of_links_untold=lambda log: _finished_telling(
            log, auto_pairs=None, concordance=None
        ),
        finished_with_more_wrong_links_than_links=lambda log: _finished_telling(
            log, expected_false=165_001
        ),
    ),
    "blind-count": ways(blind_run_with_a_count),
    "openings-missing": ways(
        finished_with_openings_of_one_side_only=lambda log: _finished_telling(
            log, openings=log.openings("county-cw")
        )
    ),
    "release-missing": ways(
        finished_without_a_release_for_one_of_two, finished_blind_without_the_release_of_one_agency
    ),
    "openings-to-stranger": ways(openings_for_one_who_gets_a_total),
    "match-record-unknown": ways(
        other_match_record_destroyed=lambda log: log.destroy_match_record(
            _recorded(log), root="0" * 64
        )
    ),
    "release-without-run": ways(
        released_before_the_end,
        blind_release_without_a_run=lambda log: log.release_blind(
            _blind(log), "county-cw", run="run-" + "0" * 32
        ),
    ),
    "release-to-stranger": ways(
        released_to_a_stranger=lambda log: _released(log, recipient="stranger"),
        blind_release_in_another_space=lambda log: log.release_blind(
            _blind(log), "county-cw", space="secret"
        ),
    ),
    "release-twice": ways(blind_release_twice),
    "destroyed-early": ways(
        upload_destroyed_as_if_its_time_were_over,
        release_destroyed_as_if_its_time_were_over,
        match_record_destroyed_as_if_its_round_were_superseded=lambda log: log.destroy_match_record(
            _recorded(log), reason="superseded"
        ),
    ),
    "fetch-unprepared": ways(fetched_unprepared, release_destroyed_unprepared),
    "release-destroyed": ways(fetched_after_destruction, release_destroyed_twice),
    "fetch-by-stranger": ways(fetched_by_another_recipient, fetched_for_another_recipient),
    "fetch-digest": ways(fetched_something_else, other_release_destroyed),
    "verify-unfetched": ways(verified_before_it_was_fetched, verified_by_another_recipient),
    "destruction-overdue": ways(never_destroyed),
}
