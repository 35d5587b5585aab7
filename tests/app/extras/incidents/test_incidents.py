"""What an incident reached, against the obvious way: all entries searched again for each question."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from samples.delivered_log import DeliveringProject
from samples.log import SampleLog, everything_else, story
from samples.parties import ANN, CW, K12, OPERATOR, PAT
from samples.refusals import raises
from samples.reviewed_log import ReviewedProject
from samples.signed_log import SignedProject

from app.auditor.errors import SubjectUnknownError
from app.extras.incidents.book import IncidentBook, subject_in
from app.extras.incidents.page import incident_lines
from schemas.matchlog import person_kinds
from schemas.matchlog.entry import Actor, Entry
from schemas.reports.audit_incident import Incident
from schemas.signing.identity import signing_key_sha256

KEY_ID = "00112233445566aa"
OTHER_KEY_ID = "00112233445566bb"


def told() -> SampleLog:
    """Weekly linkages, a blind one, and one under an agreement, by persons with keys of their own."""
    log = story(83, n_weeks=3, projects=("foster", "health"))
    everything_else(log)
    project = SignedProject(log).agree()
    for week in range(2):
        asked = project.ask(project.uploads(key_id=KEY_ID))
        project.approve(ANN, asked)
        if week:
            _, standing = project.stand(K12)
            project.use(asked, "school-district", standing)
        else:
            project.approve(K12, asked)
        prepared = project.finish(asked)
        log.fetch(prepared[0], CW)
        log.fetch(prepared[0], CW)
        if week:
            log.fetch(prepared[1], K12)
        log.rounds(project.project).claim_all()
        log.rounds(project.project).close()
        log.moment += timedelta(days=7)
        log.rounds(project.project).open()
    log.rotate(K12, 23)
    return log


def told_until_another_secret() -> SampleLog:
    """A round with each of two secrets."""
    log = story(83, n_weeks=1, projects=("foster",))
    project = SignedProject(log).agree()
    for key_id in (KEY_ID, OTHER_KEY_ID):
        asked = project.ask(project.uploads(key_id=key_id))
        for who in (ANN, K12):
            project.approve(who, asked)
        project.finish(asked)
        log.rounds(project.project).claim_all()
        log.rounds(project.project).close()
        log.moment += timedelta(days=7)
        log.rounds(project.project).open()
    return log


LOG = told()


def receiving_key(log: SampleLog, party: str) -> str:
    """The first receiving key of a party's person."""
    enrolled: list[Any] = [e for e in log.entries if e.kind == "person-enrolled"]
    return next(e.body.receiving_key for e in enrolled if e.body.party == party)


def sealed_entries(incident: Incident, what: str) -> list[int]:
    """The entries of what was sealed to the party."""
    return [one.entry for one in incident.sealed if one.what == what]


def reached(subject: str, log: SampleLog = LOG) -> Incident:
    book = IncidentBook(subject)
    for entry in log.entries:
        book.take(entry)
    return book.incident()


def entries(*named: str) -> list[Entry]:
    return [entry for entry in LOG.entries if entry.kind in named and entry.outcome != "refused"]


def runs_using(uploads: set[str | None]) -> set[str | None]:
    """The runs whose specification names one of these uploads."""
    asked: list[Any] = entries("run-asked")
    return {
        run.object
        for run in asked
        if uploads & {named.upload for named in run.body.specification.uploads}
    }


def releases_of(runs: set[str | None]) -> dict[str | None, list[Entry]]:
    """The releases of these runs, each with the entries of its fetches."""
    made: list[Any] = entries("release-prepared", "blind-release-prepared")
    return {
        release.object: [e for e in entries("release-fetched") if e.object == release.object]
        for release in made
        if release.body.run in runs
    }


def require_like(incident: Incident, uploads: set[str | None], runs: set[str | None]) -> None:
    """Hold an incident to sets that were found the slow way."""
    assert {one.upload for one in incident.uploads} == uploads
    assert {one.run for one in incident.runs} == runs
    expected = releases_of(runs)
    assert {one.release for one in incident.releases} == expected.keys()
    for one in incident.releases:
        fetches = expected[one.release]
        assert one.fetched == len(fetches)
        assert one.first_fetched == (fetches[0].time if fetches else None)
        assert one.last_fetched == (fetches[-1].time if fetches else None)
    for upload in incident.uploads:
        ends = [e.time for e in entries("upload-destroyed") if e.object == upload.upload]
        assert upload.destroyed == (ends[0] if ends else None)


@pytest.mark.parametrize("entry", entries("upload-received"), ids=lambda entry: str(entry.seq))
def test_an_upload_is_followed_to_its_runs_and_their_recipients(entry: Entry) -> None:
    incident = reached(entry.object or "")
    assert (incident.subject, incident.parties) == ("upload", (entry.actor.party,))
    assert (incident.first, incident.since) == (entry.seq, entry.time)
    assert incident.until == incident.uploads[0].destroyed
    require_like(incident, {entry.object}, runs_using({entry.object}))


def test_a_secret_reaches_every_upload_that_was_made_with_it() -> None:
    received: list[Any] = [e for e in entries("upload-received") if e.project == "accord"]
    incident = reached(KEY_ID)
    assert (incident.subject, incident.first) == ("secret", received[0].seq)
    assert incident.parties == ("county-cw", "school-district")
    made_with = {entry.object for entry in received}
    assert len(made_with) == 4
    require_like(incident, made_with, runs_using(made_with))


def test_a_secret_was_there_until_the_next_one_is_in_use() -> None:
    log = told_until_another_secret()
    uses = [
        (e.time, e.body.key_id)  # type: ignore[union-attr]
        for e in log.entries
        if e.kind == "upload-received" and e.project == "accord"
    ]
    assert [key_id for _, key_id in uses] == [KEY_ID] * 2 + [OTHER_KEY_ID] * 2
    assert reached(KEY_ID, log).until == uses[2][0]
    assert reached(OTHER_KEY_ID, log).until is None


def keys_of(who: Actor) -> list[Any]:
    return [e for e in entries("person-enrolled") if e.body.person == who.person]  # type: ignore[attr-defined]


def test_a_signing_key_reaches_what_its_person_did_until_it_was_replaced() -> None:
    (enrolled,) = keys_of(K12)
    incident = reached(signing_key_sha256(enrolled.body.signing_key))
    rotated = next(e for e in entries("key-rotated") if e.actor.person == K12.person)
    assert (incident.subject, incident.since, incident.until) == (
        "signing-key",
        enrolled.time,
        rotated.time,
    )
    mine = [e for e in LOG.entries if e.actor.person == K12.person]
    acts = [e.seq for e in mine if enrolled.seq < e.seq < rotated.seq]
    assert [act.entry for act in incident.acts] == acts
    uploads = {e.object for e in mine if e.kind == "upload-received" and e.seq in acts}
    # Of those that they approve, too, they have uploaded for each.
    require_like(incident, uploads, runs_using(uploads))


def test_a_run_is_reached_through_its_approval_alone() -> None:
    (enrolled,) = keys_of(ANN)
    incident = reached(signing_key_sha256(enrolled.body.signing_key))
    approved = {e.object for e in entries("run-approved") if e.actor.person == ANN.person}
    assert len(approved) == 2
    used: list[Any] = entries("standing-used")
    approved |= {e.object for e in used if e.body.party == ANN.party}
    assert {run.cause for run in incident.runs} == {"approved-by-person"}
    require_like(incident, set(), approved)
    assert incident.until is None


def test_a_run_is_reached_through_a_standing_approval_alone() -> None:
    log = story(84, n_weeks=0)
    project = SignedProject(log).agree()
    uploads = [log.upload(project.project, CW), log.upload(project.project, PAT)]
    asked = project.ask(uploads)
    _, standing = project.stand(K12)
    project.use(asked, "school-district", standing)
    enrolled: Any = next(
        e
        for e in log.entries
        if e.kind == "person-enrolled" and e.body.person == K12.person  # type: ignore[attr-defined]
    )
    incident = reached(signing_key_sha256(enrolled.body.signing_key), log)
    assert [(run.run, run.cause) for run in incident.runs] == [(asked.object, "approved-by-person")]


def test_a_receiving_key_reaches_what_was_sealed_to_its_party() -> None:
    blind: list[Any] = entries("blind-release-prepared")
    enrolled: list[Any] = [
        e
        for e in entries("person-enrolled")
        if e.body.party == blind[0].body.recipient  # type: ignore[attr-defined]
    ]
    replaced: list[Any] = [
        e
        for e in entries("key-rotated")
        if e.body.old in {one.body.receiving_key for one in enrolled}  # type: ignore[attr-defined]
    ]
    incident = reached(replaced[0].body.new)
    claims: list[Any] = [
        e
        for e in entries("claims-received")
        if e.body.partner == "county-cw" and e.seq > replaced[0].seq  # type: ignore[attr-defined]
    ]
    assert sealed_entries(incident, "claims") == [e.seq for e in claims]
    assert claims
    assert incident.subject == "receiving-key"
    require_like(incident, set(), {entry.body.run for entry in blind})
    assert {release.mode for release in incident.releases} == {"blind"}
    assert {release.agency for release in incident.releases} == {"county-cw", "school-district"}
    said = [line for line in incident_lines(incident) if "has match IDs" in line]
    assert len(said) == 2
    assert all("county-cw has match IDs of it, sealed, through " in line for line in said)
    # The key that was replaced before that opened none of them.
    assert not reached(replaced[0].body.old).releases


def test_a_receiving_key_reaches_the_cards_that_were_sealed_to_its_partys_reviewers() -> None:
    log = story(84, n_weeks=0)
    project = ReviewedProject(log)
    project.linked()
    answered = project.answer()
    incident = reached(receiving_key(log, "county-cw"), log)
    assert {one.party for one in incident.sealed} == {"school-district"}
    assert sealed_entries(incident, "cards") == [answered.seq]
    assert any("cards of 1 review were sealed to it" in line for line in incident_lines(incident))
    assert not sealed_entries(reached(receiving_key(log, "school-district"), log), "cards")


def test_a_receiving_key_reaches_shares_statements_and_columns() -> None:
    log = story(84, n_weeks=0)
    project = DeliveringProject(log)
    log.rounds(project.project).ensure_open()
    sealed = {
        "share": log.relay(K12, "county-cw"),
        "statement": log.rounds(project.project).state(K12),
        "columns": project.deliver(K12),
    }
    log.relay(CW, "school-district")
    project.deliver(CW)
    incident = reached(receiving_key(log, "county-cw"), log)
    assert {what: sealed_entries(incident, what) for what in sealed} == {
        what: [entry.seq] for what, entry in sealed.items()
    }
    (share,) = (one for one in incident.sealed if one.what == "share")
    assert (share.round, share.epoch) == (None, 1)
    assert any("columns of 1 delivery were" in line for line in incident_lines(incident))


def test_a_log_key_is_in_force_until_it_is_handed_over() -> None:
    (handed,) = entries("log-key-rotated")
    body: Any = handed.body
    first, second = reached(body.old), reached(body.new)
    assert (first.subject, first.first, first.until) == ("log-key", 0, handed.time)
    assert (second.subject, second.first, second.until) == ("log-key", handed.seq, None)
    assert not first.uploads


def test_a_person_who_is_revoked_acts_no_more() -> None:
    log = told()
    person = CW.person
    enrolled: Any = next(
        e
        for e in log.entries
        if e.kind == "person-enrolled" and e.body.person == person  # type: ignore[attr-defined]
    )
    before = reached(signing_key_sha256(enrolled.body.signing_key), log)
    taken = person_kinds.RoleChanged(party=CW.party, person=person, role=CW.role, change="revoked")
    revoked = log.append(taken, actor=OPERATOR)
    log.export(actor=CW)
    after = reached(signing_key_sha256(enrolled.body.signing_key), log)
    assert after.until == revoked.time
    assert after.acts == before.acts


@pytest.mark.parametrize("subject", ["upl-" + "9" * 32, "9" * 16, "9" * 64])
def test_what_the_log_does_not_know_is_said_to_be_unknown(subject: str) -> None:
    with raises(SubjectUnknownError):
        reached(subject)


@pytest.mark.parametrize(
    "text", ["upl-" + "0" * 32, "0123456789abcdef", "ab" * 32, LOG.signers[0].verifier_key.text]
)
def test_ids_and_keys_can_name_an_incident(text: str) -> None:
    assert subject_in(text) == text


def test_a_key_id_may_be_written_as_it_is_read_aloud() -> None:
    assert subject_in("0123 4567 89ab cdef") == "0123456789abcdef"


@pytest.mark.parametrize("text", ["run-" + "0" * 32, "", "Maria", CW.party, "0123 4567", "0" * 17])
def test_nothing_else_can(text: str) -> None:
    assert subject_in(text) is None


def test_a_total_is_not_called_match_ids() -> None:
    upload = next(e for e in LOG.entries if e.kind == "upload-received" and e.project == "accord")
    incident = reached(upload.object or "")
    counts = tuple(r.model_copy(update={"mode": "count"}) for r in incident.releases)
    said = "\n".join(incident_lines(incident.model_copy(update={"releases": counts})))
    assert "county-cw has a total of it, since " in said
    assert "match IDs" not in said.replace("its match IDs", "")
