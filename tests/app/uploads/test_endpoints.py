"""An upload from opening to receipt, over HTTP; test_databases.py has what runs on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from rigs.agreed import sign, word_of
from rigs.enrolled import EnrolledPerson, place_of
from rigs.late import amend
from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    KEY_ID,
    PROJECT,
    SCHOOL,
    Linkage,
    MakeLinkage,
    content_digest,
)
from rigs.refused_calls import code_of, refused
from samples.round_files import Container, random_people, two_files

from app.runs.commits import check_waiting
from schemas.agreement.clauses import ApprovalRule, FileSize
from schemas.api.logged_requests import body_digest
from schemas.documents.ids import utc_text
from schemas.linkage.run import Recipient
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import verify_receipt
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.rounds.receipt import Receipt
from schemas.rounds.upload import SignedManifest
from schemas.signing.signed_request import HEADER


@pytest.fixture
def made(linkage: Linkage) -> Container:
    return linkage.container(random_people(linkage.rng, 10), CHILD_WELFARE)


def crowd(linkage: Linkage, party: str) -> Container:
    """The smallest file that needs a privacy audit."""
    return linkage.container(random_people(linkage.rng, 500), party)


def begin(linkage: Linkage, made: Container) -> str:
    return str(linkage.open(made, CHILD_WELFARE).json()["upload"])


def commit_all(
    linkage: Linkage, made: Container, party: str = CHILD_WELFARE, **changes: Any
) -> Response:
    manifest = linkage.manifest(made, party, **changes)
    return linkage.commit(linkage.send(made, party), manifest, party)


def longer(made: Container) -> Container:
    """Return another container of the same people, as if its head had another byte."""
    return replace(made, parts=(made.parts[0] + b" ", *made.parts[1:]))


def test_an_agency_has_one_open_upload_for_a_day_which_is_resumed_or_ended_by_another(
    linkage: Linkage, made: Container
) -> None:
    answer = linkage.open(made, CHILD_WELFARE)
    assert answer.status_code == 201
    view = answer.json()
    assert (view["state"], view["parts"], view["records"]) == ("open", 3, 10)
    assert linkage.open(made, CHILD_WELFARE).json() == view
    theirs = linkage.open(linkage.container(random_people(linkage.rng, 10), SCHOOL), SCHOOL)
    assert theirs.json()["upload"] != view["upload"]
    assert linkage.get(f"/v1/uploads/{view['upload']}").json()["state"] == "open"
    second = begin(linkage, longer(made))
    assert linkage.get(f"/v1/uploads/{view['upload']}").json()["state"] == "expired"
    assert linkage.get(f"/v1/uploads/{second}").json()["state"] == "open"
    late = linkage.put(view["upload"], 0, made.parts[0], CHILD_WELFARE)
    assert code_of(late) == "upload-closed"
    assert "second copy of the workspace" in late.json()["detail"]
    linkage.founded.clock.move(hours=24)
    late = linkage.put(second, 0, longer(made).parts[0], CHILD_WELFARE)
    assert code_of(late) == "upload-closed"
    assert begin(linkage, longer(made)) != second


def test_an_idempotency_key_gives_the_same_upload_for_the_same_request_alone(
    linkage: Linkage, made: Container
) -> None:
    first = linkage.open(made, CHILD_WELFARE, key="k1").json()
    linkage.open(longer(made), CHILD_WELFARE, key="k2")
    again = linkage.open(made, CHILD_WELFARE, key="k1").json()
    assert again["upload"] == first["upload"]
    answer = linkage.open(longer(made), CHILD_WELFARE, key="k1")
    assert refused(answer) == (422, "idempotency-key-reused")


def test_what_the_terms_do_not_allow_is_refused_before_it_is_sent(
    linkage: Linkage, made: Container
) -> None:
    changes: list[tuple[dict[str, Any], int, str]] = [
        ({"epoch": 2}, 409, "other-epoch"),
        ({"profile": "0" * 64}, 409, "other-profile"),
        ({"records": 1001}, 409, "too-many-records"),
        ({"rows": 7}, 422, "container-size"),
        ({"container_bytes": 2**49}, 422, "container-size"),
        ({"partner": "nobody"}, 409, "not-in-round"),
        ({"partner": CHILD_WELFARE}, 409, "not-in-round"),
        ({"round": 2}, 404, "not-found"),
        ({"container_bytes": 2**51}, 422, "invalid-document"),
        ({"extra": 1}, 422, "invalid-document"),
    ]
    for change, status, code in changes:
        assert refused(linkage.open(made, CHILD_WELFARE, **change)) == (status, code), change
    linkage.founded.clock.move(days=600)
    answer = linkage.open(made, CHILD_WELFARE)
    assert refused(answer) == (409, "not-in-force")
    assert answer.json()["clause"] == "end"


def test_an_upload_of_another_size_than_agreed_is_refused(make_linkage: MakeLinkage) -> None:
    sizes = (
        FileSize(party=CHILD_WELFARE, least=5, most=8),
        FileSize(party=SCHOOL, least=1, most=9),
    )
    counted = Recipient(party="research-office", mode="count", space="shared")
    linkage = make_linkage(recipients=(counted,), files=sizes)
    for n_records, code in ((4, "too-few-records"), (9, "too-many-records")):
        made = linkage.container(random_people(linkage.rng, n_records), CHILD_WELFARE)
        answer = linkage.open(made, CHILD_WELFARE)
        assert refused(answer) == (409, code)
        assert answer.json()["clause"] == "files"
    for n_records in (5, 8):
        made = linkage.container(random_people(linkage.rng, n_records), CHILD_WELFARE)
        assert linkage.open(made, CHILD_WELFARE).status_code == 201
    answer = linkage.open(made, "research-office")
    assert refused(answer) == (409, "not-a-provider")
    assert answer.json()["clause"] == "providers"


def test_a_part_that_is_not_what_it_should_be_is_refused_and_not_stored(
    linkage: Linkage, made: Container
) -> None:
    upload, first = begin(linkage, made), made.parts[0]
    wrong: list[tuple[int, bytes, dict[str, str], int, str]] = [
        (3, b"", {}, 404, "unknown-part"),
        (2**31 - 1, b"", {}, 404, "unknown-part"),
        (0, b"short", {}, 422, "part-length"),
        (0, first, {"content-digest": content_digest(b"other")}, 422, "part-digest"),
        (0, first, {"content-digest": "md5=:AAAA:"}, 422, "part-digest"),
        (0, first, {"content-type": "text/plain"}, 415, "media-type"),
        (0, first, {"content-encoding": "gzip"}, 415, "media-type"),
        (0, bytes(4 * 1024 * 1024 + 1), {}, 413, "body-too-large"),
    ]
    for number, part, headers, status, code in wrong:
        answer = linkage.put(upload, number, part, CHILD_WELFARE, **headers)
        assert refused(answer) == (status, code), (number, headers)
    assert linkage.get(f"/v1/uploads/{upload}/parts").json()["stored"] == []


def test_a_part_is_stored_once_and_other_bytes_for_it_are_refused(
    linkage: Linkage, made: Container
) -> None:
    upload = begin(linkage, made)
    first = linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    again = linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert linkage.get(f"/v1/uploads/{upload}/parts").json()["stored"] == [0]
    other = bytes(len(made.parts[0]))
    assert refused(linkage.put(upload, 0, other, CHILD_WELFARE)) == (409, "part-differs")
    # A digest alone does not pass for the bytes.
    digest = {"content-digest": content_digest(made.parts[0])}
    answer = linkage.put(upload, 0, other, CHILD_WELFARE, **digest)
    assert refused(answer) == (422, "part-digest")


def test_a_commit_gives_a_receipt_that_the_log_key_verifies_and_it_alone_from_then_on(
    linkage: Linkage, made: Container
) -> None:
    upload = linkage.send(made, CHILD_WELFARE)
    path = f"/v1/uploads/{upload}/receipt"
    assert refused(linkage.get(path)) == (409, "upload-not-committed")
    manifest = linkage.manifest(made, CHILD_WELFARE)
    answer = linkage.commit(upload, manifest, CHILD_WELFARE)
    receipt = Receipt.from_json(answer.json())
    entry, _ = verify_receipt(receipt, [linkage.broker.log.key], KINDS)
    assert entry.kind == "upload-received"
    assert entry.body.manifest_sha256 == manifest.digest()
    assert entry.body.root == made.header.root
    assert entry.body.signature.person == linkage.person(CHILD_WELFARE).id
    assert entry.actor.party == CHILD_WELFARE
    linkage.upload(random_people(linkage.rng, 10), SCHOOL)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).json() == answer.json()
    assert linkage.get(path).json() == answer.json()
    assert linkage.log_kinds().count("upload-received") == 2
    other = linkage.manifest(made, CHILD_WELFARE, as_of="2026-08-30", partner_root=None)
    assert refused(linkage.commit(upload, other, CHILD_WELFARE)) == (409, "upload-closed")


def test_parts_come_in_any_order_and_a_commit_with_one_missing_can_be_made_good(
    linkage: Linkage, made: Container
) -> None:
    upload = begin(linkage, made)
    for number in (2, 0):
        assert linkage.put(upload, number, made.parts[number], CHILD_WELFARE).status_code == 200
    manifest = linkage.manifest(made, CHILD_WELFARE)
    answer = linkage.commit(upload, manifest, CHILD_WELFARE)
    assert refused(answer) == (409, "parts-missing")
    # Whatever the manifest is: else the log would have an entry of each that a person makes up.
    forged = linkage.signed_manifest(manifest, CHILD_WELFARE).to_json()
    forged["signatures"][0]["signature"] = "A" * 86 + "=="
    answer = linkage.post_as(f"/v1/uploads/{upload}/commit", CHILD_WELFARE, forged)
    assert refused(answer) == (409, "parts-missing")
    assert "upload-rejected" not in linkage.log_kinds()
    linkage.put(upload, 1, made.parts[1], CHILD_WELFARE)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


def test_a_manifest_that_does_not_fit_is_refused_logged_by_its_rule_and_changes_nothing(
    linkage: Linkage, made: Container
) -> None:
    differing: tuple[dict[str, Any], ...] = (
        *({"project": "another"}, {"party": SCHOOL}, {"partner": "another"}, {"round": 2}),
        *({"container_sha256": "0" * 64}, {"container_bytes": 7}, {"records": 7}, {"rows": 7}),
    )
    changes: list[tuple[dict[str, Any], str]] = [
        ({"agreement": "0" * 64}, "other-agreement"),
        ({"epoch": 2}, "other-epoch"),
        ({"profile": "0" * 64}, "other-profile"),
        ({"key_id": "0" * 16}, "other-key"),
        ({"population": "others"}, "other-population"),
        *((change, "manifest-differs") for change in differing),
        ({"as_of": "2026-09-03"}, "as-of-date"),
        ({"partner_root": "0" * 64}, "partner-root"),
    ]
    upload = linkage.send(made, CHILD_WELFARE)
    before = linkage.get(f"/v1/uploads/{upload}").json()
    for change, code in changes:
        manifest = linkage.manifest(made, CHILD_WELFARE, **change)
        answer = linkage.commit(upload, manifest, CHILD_WELFARE)
        assert 400 <= answer.status_code < 500
        assert code_of(answer) == code, change
        entry = linkage.log_entries()[-1]
        assert (entry["kind"], entry["outcome"]) == ("upload-rejected", "refused")
        assert (entry["object"], entry["body"]) == (upload, {"rule": code}), change
    assert linkage.get(f"/v1/uploads/{upload}").json() == before
    manifest = linkage.manifest(made, CHILD_WELFARE)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


def test_a_privacy_audit_counts_up_to_a_quarter_more_or_less_or_the_command_is_told(
    linkage: Linkage,
) -> None:
    made = crowd(linkage, CHILD_WELFARE)
    audit = linkage.manifest(made, CHILD_WELFARE).privacy_audit
    assert audit is not None
    beyond = audit.figures[0].model_copy(update={"mean": "0.1001"})
    upload = linkage.send(made, CHILD_WELFARE)
    wrong: list[tuple[dict[str, Any] | None, str]] = [
        (None, "states no privacy audit"),
        ({"scope": "quick"}, "quick"),
        ({"structure": 1}, "structure"),
        ({"figures": (beyond, *audit.figures[1:])}, "more than the agreement allows"),
        ({"profile": "0" * 64}, "another encoding profile"),
        ({"side": "larger"}, "other file"),
        ({"records": 399}, "more than a quarter"),
        ({"records": 667}, "more than a quarter"),
    ]
    for change, word in wrong:
        stated = None if change is None else audit.model_copy(update=change)
        manifest = linkage.manifest(made, CHILD_WELFARE, privacy_audit=stated)
        answer = linkage.commit(upload, manifest, CHILD_WELFARE)
        assert refused(answer) == (409, "privacy-audit"), change
        assert word in answer.json()["detail"], change
        assert "blindlink privacy-audit --side smaller" in answer.json()["hint"]
        assert linkage.log_entries()[-1]["body"] == {"rule": "privacy-audit"}
    for party, n_records in ((CHILD_WELFARE, 400), (SCHOOL, 666)):
        made = crowd(linkage, party)
        audit = linkage.manifest(made, party).privacy_audit
        assert audit is not None
        stated = audit.model_copy(update={"records": n_records})
        assert commit_all(linkage, made, party, privacy_audit=stated).status_code == 200
        received = [one for one in linkage.log_entries() if one["kind"] == "upload-received"]
        assert received[-1]["body"]["privacy_audit"] == stated.model_dump(mode="json")


def test_a_manifest_is_signed_by_the_person_who_commits_it(
    linkage: Linkage, made: Container
) -> None:
    upload = linkage.send(made, CHILD_WELFARE)
    manifest = linkage.manifest(made, CHILD_WELFARE)
    own = linkage.signature("manifest", manifest, CHILD_WELFARE)
    forged = [
        [own.model_copy(update={"signature": "A" * 86 + "=="})],
        [own.model_copy(update={"key": "0" * 64})],
        [own.model_copy(update={"person": "per-" + "0" * 32})],
        [linkage.signature("manifest", manifest, SCHOOL)],
        [linkage.signature("approval", manifest, CHILD_WELFARE)],
        [own, own],
    ]
    for number, signatures in enumerate(forged):
        signed = SignedManifest(manifest=manifest, signatures=tuple(signatures))
        answer = linkage.post_as(f"/v1/uploads/{upload}/commit", CHILD_WELFARE, signed.to_json())
        assert refused(answer) == (422, "manifest-signature"), number
    assert linkage.log_entries()[-1]["body"] == {"rule": "manifest-signature"}
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


def test_the_first_committed_upload_fixes_the_key_id_of_its_epoch_for_good(
    linkage: Linkage, made: Container
) -> None:
    people = random_people(linkage.rng, 10)
    rejected = commit_all(linkage, made, root="0" * 64)
    assert refused(rejected) == (422, "container-root")
    # What was rejected has fixed nothing.
    other = linkage.container(people, SCHOOL, key_id="f" * 16)
    upload = linkage.send(other, SCHOOL)
    assert commit_all(linkage, made).status_code == 200
    late = linkage.commit(upload, linkage.manifest(other, SCHOOL), SCHOOL)
    for answer in (late, linkage.open(longer(other), SCHOOL, key_id="f" * 16)):
        assert refused(answer) == (409, "other-key")
    # Nor does its destruction set it free, nor another epoch.
    linkage.founded.clock.move(days=31)
    linkage.work()
    linkage.open_round()
    later = linkage.container(people, SCHOOL)
    assert code_of(linkage.open(later, SCHOOL, key_id="e" * 16)) == "other-key"
    assert linkage.open(later, SCHOOL, key_id=KEY_ID).status_code == 201


def test_an_epoch_does_not_take_the_key_id_of_another(linkage: Linkage, made: Container) -> None:
    assert commit_all(linkage, made).status_code == 200
    amend(linkage, epoch=2)
    other = linkage.container(random_people(linkage.rng, 10), SCHOOL, epoch=2)
    assert refused(linkage.open(other, SCHOOL)) == (409, "other-key")
    assert linkage.open(other, SCHOOL, key_id="f" * 16).status_code == 201


def test_an_upload_is_seen_by_its_agency_and_the_projects_watchers_and_is_absent_to_others(
    linkage: Linkage, made: Container
) -> None:
    begun = begin(linkage, made)
    assert linkage.put(begun, 0, made.parts[0], SCHOOL).status_code == 404
    n_entries = len(linkage.log_kinds())
    assert linkage.commit(begun, linkage.manifest(made, SCHOOL), SCHOOL).status_code == 404
    assert len(linkage.log_kinds()) == n_entries
    upload = commit_all(linkage, made).json()["subject"]
    linkage.upload(random_people(linkage.rng, 10), SCHOOL)
    listed = f"/v1/projects/{PROJECT}/uploads"
    own = linkage.get(listed).json()["uploads"]
    assert [one["party"] for one in own] == [CHILD_WELFARE]
    for party, role in ((AUDITOR, "auditor"), ("operator", "operator")):
        seen = linkage.get(listed, party, role).json()["uploads"]
        assert sorted(one["party"] for one in seen) == [CHILD_WELFARE, SCHOOL]
        assert linkage.get(f"/v1/uploads/{upload}", party, role).status_code == 200


def test_a_commit_whose_signed_request_states_another_upload_or_place_is_not_checked(
    linkage: Linkage, made: Container
) -> None:
    upload = linkage.send(made, CHILD_WELFARE)
    signed = linkage.signed_manifest(linkage.manifest(made, CHILD_WELFARE), CHILD_WELFARE)
    path = f"/v1/uploads/{upload}/commit"
    elsewhere: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"states": "0" * 64}, (400, "request-unsigned")),
        ({"log": None}, (400, "request-unsigned")),
        ({"project": "research"}, (400, "request-unsigned")),
        ({"agreement": "0" * 64}, (409, "request-agreement")),
    ]
    for said, refusal in elsewhere:
        place = {name: one for name, one in said.items() if name != "states"}
        where = replace(place_of(linkage.broker, path), **place)
        states = said.get("states", body_digest(UploadReceived.of(signed)))
        asked = {HEADER: linkage.person(CHILD_WELFARE).sign(f"POST {path}", states, where)}
        headers = linkage.as_party(CHILD_WELFARE) | asked
        answer = linkage.client.post(path, json=signed.to_json(), headers=headers)
        assert refused(answer) == refusal, said
        assert linkage.get(f"/v1/uploads/{upload}").json()["state"] == "open", said


def test_a_commit_that_waited_for_longer_than_the_log_takes_is_asked_for_anew(
    linkage: Linkage, made: Container
) -> None:
    for hours, state in ((49, "open"), (47, "committed")):
        upload, checks, n_free = linkage.send(made, CHILD_WELFARE), linkage.broker.checks, 0
        while checks.acquire(blocking=False):
            n_free += 1
        asked = linkage.ask_commit(upload, linkage.manifest(made, CHILD_WELFARE), CHILD_WELFARE)
        assert asked.status_code == 202
        checks.release(n_free)
        linkage.founded.clock.move(hours=hours)
        check_waiting(linkage.broker)
        view = linkage.get(f"/v1/uploads/{upload}").json()
        assert view["state"] == state, hours
        if state == "open":
            assert view["refusal"]["type"].endswith(":upload-closed")


def test_who_commits_a_file_does_not_approve_its_release(make_linkage: MakeLinkage) -> None:
    rule = ApprovalRule(
        runs="standing", parties=(CHILD_WELFARE,), asker_suffices=True, releases=True
    )
    linkage = make_linkage(approvals=rule)
    opener = EnrolledPerson.confirmed(linkage.founded, linkage.client, CHILD_WELFARE, "analyst")
    linkage.list_also(opener.identity)
    linkage.open_round()
    left, right = two_files(linkage.rng, 20, 12, 0)
    linkage.upload(right, SCHOOL)
    made = linkage.container(left, CHILD_WELFARE)
    headers = {"authorization": f"Bearer {opener.token(is_bound=False)}"}
    path = f"/v1/projects/{PROJECT}/uploads"
    opened = linkage.client.post(path, json=made.request(), headers=headers)
    assert opened.status_code == 201, opened.text
    assert commit_all(linkage, made).status_code == 200
    linkage.work()
    run, now = linkage.run(), linkage.founded.clock()
    approval = sign(
        linkage.person(CHILD_WELFARE).identity,
        linkage.agreement,
        "run-approval",
        now,
        approval="apv-" + "1" * 32,
        step="release",
        run=run["run"],
        specification_sha256=run["specification_sha256"],
        expires=utc_text(now + timedelta(days=5)),
        before=word_of(linkage.broker, CHILD_WELFARE, PROJECT),
    )
    path = f"/v1/runs/{run['run']}/approvals"
    answer = linkage.post_as(path, CHILD_WELFARE, approval.to_json())
    assert refused(answer) == (409, "uploader-approves")
