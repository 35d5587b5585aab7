"""An upload from opening to receipt, over HTTP; test_databases.py has what runs on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
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
from samples.round_files import Container, Person, random_people, two_files

from app.runs.commits import check_waiting
from schemas.clauses import ApprovalRule, FileSize
from schemas.ids import utc_text
from schemas.logged_requests import body_digest
from schemas.matchlog.kinds import UploadReceived
from schemas.matchlog.proof import verify_receipt
from schemas.problem import MEDIA_TYPE
from schemas.signed_request import HEADER
from schemas.upload import Receipt, SignedManifest


@pytest.fixture
def people(linkage: Linkage) -> list[Person]:
    return random_people(linkage.rng, 10)


@pytest.fixture
def made(linkage: Linkage, people: list[Person]) -> Container:
    return linkage.container(people, CHILD_WELFARE)


@pytest.fixture
def crowd(linkage: Linkage) -> Container:
    """The smallest file that needs a privacy audit."""
    return linkage.container(random_people(linkage.rng, 500), CHILD_WELFARE)


def code_of(answer) -> str:
    assert answer.headers["content-type"] == MEDIA_TYPE
    return str(answer.json()["type"]).rsplit(":", 1)[1]


def commit_all(linkage: Linkage, made: Container, party: str = CHILD_WELFARE, **changes):
    manifest = linkage.manifest(made, party, **changes)
    return linkage.commit(linkage.send(made, party), manifest, party)


def test_an_opened_upload_says_how_many_parts_it_takes(linkage: Linkage, made: Container) -> None:
    answer = linkage.open(made, CHILD_WELFARE)
    assert answer.status_code == 201
    view = answer.json()
    assert (view["state"], view["parts"], view["records"]) == ("open", 3, 10)


def test_opening_the_same_container_again_resumes_the_upload(
    linkage: Linkage, made: Container
) -> None:
    first = linkage.open(made, CHILD_WELFARE).json()
    assert linkage.open(made, CHILD_WELFARE).json() == first


def test_opening_another_container_ends_the_open_upload(linkage: Linkage, made: Container) -> None:
    first = linkage.open(made, CHILD_WELFARE).json()["upload"]
    second = linkage.open(_longer(made), CHILD_WELFARE).json()["upload"]
    assert linkage.get(f"/v1/uploads/{first}").json()["state"] == "expired"
    assert linkage.get(f"/v1/uploads/{second}").json()["state"] == "open"
    assert code_of(linkage.put(first, 0, made.parts[0], CHILD_WELFARE)) == "upload-closed"


def test_another_party_may_have_an_open_upload_too(
    linkage: Linkage, made: Container, people: list[Person]
) -> None:
    first = linkage.open(made, CHILD_WELFARE).json()["upload"]
    second = linkage.open(linkage.container(people, SCHOOL), SCHOOL).json()["upload"]
    assert first != second
    assert linkage.get(f"/v1/uploads/{first}").json()["state"] == "open"


def test_the_same_request_under_one_idempotency_key_gives_the_same_upload(
    linkage: Linkage, made: Container
) -> None:
    first = linkage.open(made, CHILD_WELFARE, key="k1").json()
    linkage.open(_longer(made), CHILD_WELFARE, key="k2")
    again = linkage.open(made, CHILD_WELFARE, key="k1").json()
    assert again["upload"] == first["upload"]


def test_an_idempotency_key_with_another_request_is_refused(
    linkage: Linkage, made: Container
) -> None:
    linkage.open(made, CHILD_WELFARE, key="k1")
    answer = linkage.open(_longer(made), CHILD_WELFARE, key="k1")
    assert (answer.status_code, code_of(answer)) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
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
    ],
)
def test_what_the_terms_do_not_allow_is_refused_before_it_is_sent(
    linkage: Linkage, made: Container, change: dict, status: int, code: str
) -> None:
    answer = linkage.open(made, CHILD_WELFARE, **change)
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_a_party_that_only_receives_may_not_upload(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(recipients=_count_for("research-office"))
    made = linkage.container(random_people(linkage.rng, 3), CHILD_WELFARE)
    answer = linkage.open(made, "research-office")
    assert (answer.status_code, code_of(answer)) == (409, "not-a-provider")
    assert answer.json()["clause"] == "providers"


def _count_for(party: str) -> tuple:
    from schemas.run import Recipient

    return (Recipient(party=party, mode="count", space="shared"),)


def test_nothing_is_opened_outside_the_dates_of_the_terms(
    linkage: Linkage, made: Container
) -> None:
    linkage.founded.clock.move(days=600)
    answer = linkage.open(made, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "not-in-force")
    assert answer.json()["clause"] == "end"


def test_sending_a_part_again_changes_nothing(linkage: Linkage, made: Container) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    first = linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    again = linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert linkage.get(f"/v1/uploads/{upload}/parts").json()["stored"] == [0]


def test_other_bytes_for_a_stored_part_are_refused(linkage: Linkage, made: Container) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    other = bytes(len(made.parts[0]))
    answer = linkage.put(upload, 0, other, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "part-differs")


def test_a_digest_alone_does_not_pass_for_the_bytes_of_a_stored_part(
    linkage: Linkage, made: Container
) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    answer = linkage.put(
        upload,
        0,
        bytes(len(made.parts[0])),
        CHILD_WELFARE,
        **{"content-digest": content_digest(made.parts[0])},
    )
    assert (answer.status_code, code_of(answer)) == (422, "part-digest")


@pytest.mark.parametrize(
    ("number", "part", "headers", "status", "code"),
    [
        (3, b"", {}, 404, "unknown-part"),
        (2**31 - 1, b"", {}, 404, "unknown-part"),
        (0, b"short", {}, 422, "part-length"),
        (0, None, {"content-digest": content_digest(b"other")}, 422, "part-digest"),
        (0, None, {"content-digest": "md5=:AAAA:"}, 422, "part-digest"),
        (0, None, {"content-type": "text/plain"}, 415, "media-type"),
        (0, None, {"content-encoding": "gzip"}, 415, "media-type"),
    ],
)
def test_a_part_that_is_not_what_it_should_be_is_refused_and_not_stored(
    linkage: Linkage,
    made: Container,
    number: int,
    part: bytes | None,
    headers: dict,
    status: int,
    code: str,
) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    answer = linkage.put(
        upload, number, made.parts[0] if part is None else part, CHILD_WELFARE, **headers
    )
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert linkage.get(f"/v1/uploads/{upload}/parts").json()["stored"] == []


def test_a_part_longer_than_any_part_is_cut_off(linkage: Linkage, made: Container) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    answer = linkage.put(upload, 0, bytes(4 * 1024 * 1024 + 1), CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (413, "body-too-large")


def test_the_parts_of_an_upload_may_be_sent_in_any_order(linkage: Linkage, made: Container) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    for number in (2, 0, 1):
        answer = linkage.put(upload, number, made.parts[number], CHILD_WELFARE)
        assert answer.status_code == 200
    manifest = linkage.manifest(made, CHILD_WELFARE)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


def test_a_commit_gives_a_receipt_that_the_log_key_verifies(
    linkage: Linkage, people: list[Person], made: Container
) -> None:
    answer = commit_all(linkage, made)
    receipt = Receipt.from_json(answer.json())
    entry, _ = verify_receipt(receipt, [linkage.broker.log.key])
    manifest = linkage.manifest(made, CHILD_WELFARE)
    assert entry.kind == "upload-received"
    assert entry.body.manifest_sha256 == manifest.digest()
    assert entry.body.root == made.header.root
    assert entry.body.signature.person == linkage.person(CHILD_WELFARE).id
    assert entry.actor.party == CHILD_WELFARE


def test_committing_again_gives_the_same_receipt_and_no_second_entry(
    linkage: Linkage, people: list[Person], made: Container
) -> None:
    first = commit_all(linkage, made)
    upload = first.json()["subject"]
    linkage.upload(people, SCHOOL)
    manifest = linkage.manifest(made, CHILD_WELFARE, partner_root=None)
    again = linkage.commit(upload, manifest, CHILD_WELFARE)
    assert again.json() == first.json()
    assert linkage.get(f"/v1/uploads/{upload}/receipt").json() == first.json()
    assert linkage.log_kinds().count("upload-received") == 2


def test_a_committed_upload_takes_no_other_manifest(
    linkage: Linkage, people: list[Person], made: Container
) -> None:
    upload = commit_all(linkage, made).json()["subject"]
    other = linkage.manifest(made, CHILD_WELFARE, as_of="2026-08-30")
    answer = linkage.commit(upload, other, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "upload-closed")


def test_a_commit_with_a_part_missing_is_refused_and_can_be_made_good(
    linkage: Linkage, made: Container
) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    for number in (0, 1):
        linkage.put(upload, number, made.parts[number], CHILD_WELFARE)
    manifest = linkage.manifest(made, CHILD_WELFARE)
    answer = linkage.commit(upload, manifest, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "parts-missing")
    # Whatever the manifest is: else the log would have an entry of each that somebody makes up.
    forged = linkage.signed_manifest(manifest, CHILD_WELFARE).to_json()
    forged["signatures"][0]["signature"] = "A" * 86 + "=="
    answer = linkage.post_as(f"/v1/uploads/{upload}/commit", CHILD_WELFARE, forged)
    assert (answer.status_code, code_of(answer)) == (409, "parts-missing")
    assert "upload-rejected" not in linkage.log_kinds()
    linkage.put(upload, 2, made.parts[2], CHILD_WELFARE)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"agreement": "0" * 64}, "other-agreement"),
        ({"epoch": 2}, "other-epoch"),
        ({"profile": "0" * 64}, "other-profile"),
        ({"key_id": "0" * 16}, "other-key"),
        ({"population": "others"}, "other-population"),
        ({"project": "another"}, "manifest-differs"),
        ({"party": SCHOOL}, "manifest-differs"),
        ({"container_sha256": "0" * 64}, "manifest-differs"),
        ({"container_bytes": 7}, "manifest-differs"),
        ({"as_of": "2026-09-03"}, "as-of-date"),
        ({"records": 7}, "manifest-differs"),
        ({"rows": 7}, "manifest-differs"),
        ({"round": 2}, "manifest-differs"),
        ({"partner": "another"}, "manifest-differs"),
        ({"root": "0" * 64}, "container-root"),
        ({"partner_root": "0" * 64}, "partner-root"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_logged_by_its_rule_and_changes_nothing(
    linkage: Linkage, people: list[Person], made: Container, change: dict, code: str
) -> None:
    upload = linkage.send(made, CHILD_WELFARE)
    before = linkage.get(f"/v1/uploads/{upload}").json()
    answer = linkage.commit(upload, linkage.manifest(made, CHILD_WELFARE, **change), CHILD_WELFARE)
    assert 400 <= answer.status_code < 500
    assert code_of(answer) == code
    entry = linkage.log_entries()[-1]
    assert (entry["kind"], entry["outcome"], entry["object"]) == (
        "upload-rejected",
        "refused",
        upload,
    )
    assert entry["body"] == {"rule": code}
    assert linkage.get(f"/v1/uploads/{upload}").json() == before
    manifest = linkage.manifest(made, CHILD_WELFARE)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (None, "states no privacy audit"),
        ({"scope": "quick"}, "quick"),
        ({"passed": False}, "missed a goal"),
        ({"profile": "0" * 64}, "another encoding profile"),
        ({"side": "larger"}, "other file"),
        ({"records": 399}, "more than a quarter"),
        ({"records": 667}, "more than a quarter"),
    ],
)
def test_an_upload_whose_privacy_audit_does_not_count_is_refused_with_the_command_to_type(
    linkage: Linkage, crowd: Container, change: dict | None, word: str
) -> None:
    audit = linkage.manifest(crowd, CHILD_WELFARE).privacy_audit
    assert audit is not None
    stated = None if change is None else audit.model_copy(update=change)
    upload = linkage.send(crowd, CHILD_WELFARE)
    manifest = linkage.manifest(crowd, CHILD_WELFARE, privacy_audit=stated)
    answer = linkage.commit(upload, manifest, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "privacy-audit")
    assert word in answer.json()["detail"]
    assert "blindlink privacy-audit --side smaller" in answer.json()["hint"]
    assert linkage.log_entries()[-1]["body"] == {"rule": "privacy-audit"}


@pytest.mark.parametrize("records", [400, 666])
def test_a_privacy_audit_counts_up_to_a_quarter_more_or_less_and_stands_in_the_log(
    linkage: Linkage, crowd: Container, records: int
) -> None:
    audit = linkage.manifest(crowd, CHILD_WELFARE).privacy_audit
    assert audit is not None
    stated = audit.model_copy(update={"records": records})
    assert commit_all(linkage, crowd, privacy_audit=stated).status_code == 200
    assert linkage.log_entries()[-1]["body"]["privacy_audit"] == stated.model_dump(mode="json")


def test_an_upload_of_another_size_than_agreed_is_refused(make_linkage: MakeLinkage) -> None:
    sizes = (
        FileSize(party=CHILD_WELFARE, least=5, most=8),
        FileSize(party=SCHOOL, least=1, most=9),
    )
    linkage = make_linkage(files=sizes)
    for n_records, code in ((4, "too-few-records"), (9, "too-many-records")):
        made = linkage.container(random_people(linkage.rng, n_records), CHILD_WELFARE)
        answer = linkage.open(made, CHILD_WELFARE)
        assert (answer.status_code, code_of(answer)) == (409, code)
        assert answer.json()["clause"] == "files"


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
    for signatures in forged:
        signed = SignedManifest(manifest=manifest, signatures=tuple(signatures))
        answer = linkage.post_as(f"/v1/uploads/{upload}/commit", CHILD_WELFARE, signed.to_json())
        assert (answer.status_code, code_of(answer)) == (422, "manifest-signature")
    assert linkage.log_entries()[-1]["body"] == {"rule": "manifest-signature"}
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


def test_the_first_committed_upload_fixes_the_key_id_of_the_epoch(
    linkage: Linkage, people: list[Person], made: Container
) -> None:
    assert commit_all(linkage, made).status_code == 200
    other = linkage.container(people, SCHOOL, key_id="f" * 16)
    answer = linkage.open(other, SCHOOL, key_id="f" * 16)
    assert (answer.status_code, code_of(answer)) == (409, "other-key")


def test_an_epoch_does_not_take_the_key_id_of_another(
    linkage: Linkage, people: list[Person], made: Container
) -> None:
    assert commit_all(linkage, made).status_code == 200
    amend(linkage, epoch=2)
    other = linkage.container(people, SCHOOL, epoch=2)
    answer = linkage.open(other, SCHOOL)
    assert (answer.status_code, code_of(answer)) == (409, "other-key")
    assert linkage.open(other, SCHOOL, key_id="f" * 16).status_code == 201


def test_of_two_first_uploads_under_two_key_ids_only_one_is_committed(
    linkage: Linkage, people: list[Person], made: Container
) -> None:
    other = linkage.container(people, SCHOOL, key_id="f" * 16)
    upload = linkage.send(other, SCHOOL)
    assert commit_all(linkage, made).status_code == 200
    answer = linkage.commit(upload, linkage.manifest(other, SCHOOL), SCHOOL)
    assert (answer.status_code, code_of(answer)) == (409, "other-key")


def test_a_rejected_upload_does_not_fix_the_key_id(
    linkage: Linkage, people: list[Person], made: Container
) -> None:
    assert commit_all(linkage, made, root="0" * 64).status_code == 422
    other = linkage.container(people, SCHOOL, key_id="f" * 16)
    assert linkage.open(other, SCHOOL).status_code == 201


def test_an_upload_that_is_not_committed_within_a_day_takes_nothing_more(
    linkage: Linkage, made: Container
) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    linkage.founded.clock.move(hours=24)
    assert code_of(linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)) == "upload-closed"
    assert linkage.open(made, CHILD_WELFARE).json()["upload"] != upload


def test_there_is_no_receipt_before_the_commit(linkage: Linkage, made: Container) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    answer = linkage.get(f"/v1/uploads/{upload}/receipt")
    assert (answer.status_code, code_of(answer)) == (409, "upload-not-committed")


PATHS = ["", "/parts", "/receipt"]


@pytest.mark.parametrize("path", PATHS)
def test_another_agencys_upload_answers_like_one_that_does_not_exist(
    linkage: Linkage, people: list[Person], made: Container, path: str
) -> None:
    upload = commit_all(linkage, made).json()["subject"]
    foreign = linkage.get(f"/v1/uploads/{upload}{path}", SCHOOL)
    absent = linkage.get(f"/v1/uploads/upl-{'0' * 32}{path}", SCHOOL)
    assert foreign.status_code == absent.status_code == 404
    assert _but_request(foreign) == _but_request(absent)


def test_another_agency_can_neither_send_to_nor_commit_an_upload(
    linkage: Linkage, made: Container
) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    assert linkage.put(upload, 0, made.parts[0], SCHOOL).status_code == 404
    manifest = linkage.manifest(made, SCHOOL)
    n_entries = len(linkage.log_kinds())
    assert linkage.commit(upload, manifest, SCHOOL).status_code == 404
    assert len(linkage.log_kinds()) == n_entries


def test_an_agency_lists_its_own_uploads_and_the_watchers_all(
    linkage: Linkage, people: list[Person], made: Container
) -> None:
    commit_all(linkage, made)
    linkage.upload(people, SCHOOL)
    path = f"/v1/projects/{PROJECT}/uploads"
    own = linkage.get(path).json()["uploads"]
    assert [upload["party"] for upload in own] == [CHILD_WELFARE]
    for party, role in ((AUDITOR, "auditor"), ("operator", "operator")):
        seen = linkage.get(path, party, role).json()["uploads"]
        assert sorted(upload["party"] for upload in seen) == [CHILD_WELFARE, SCHOOL]


def test_an_auditor_of_another_project_sees_nothing(linkage: Linkage, made: Container) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    linkage.founded.enrol("another-auditor")
    for path in (f"/v1/projects/{PROJECT}/uploads", f"/v1/uploads/{upload}"):
        assert linkage.get(path, "another-auditor", "auditor").status_code == 404


@pytest.mark.parametrize("role", ["auditor", "operator"])
def test_watchers_can_look_at_an_upload_but_not_into_it(
    linkage: Linkage, made: Container, role: str
) -> None:
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    party = AUDITOR if role == "auditor" else "operator"
    assert linkage.get(f"/v1/uploads/{upload}", party, role).status_code == 200
    assert linkage.get(f"/v1/uploads/{upload}/parts", party, role).status_code == 403


def test_the_key_id_stays_fixed_when_the_upload_that_fixed_it_is_destroyed(
    linkage: Linkage, people: list[Person], made: Container
) -> None:
    commit_all(linkage, made)
    linkage.founded.clock.move(days=31)
    linkage.work()
    linkage.open_round()
    other = linkage.container(people, SCHOOL)
    answer = linkage.open(other, SCHOOL, key_id="e" * 16)
    assert code_of(answer) == "other-key"
    assert linkage.open(other, SCHOOL, key_id=KEY_ID).status_code == 201


def _but_request(answer) -> dict:
    return {name: value for name, value in answer.json().items() if name != "request"}


def _longer(made: Container) -> Container:
    """Return another container of the same people, as if its head had another byte."""
    return replace(made, parts=(made.parts[0] + b" ", *made.parts[1:]))


@pytest.mark.parametrize(
    ("elsewhere", "refusal"),
    [
        ({"states": "0" * 64}, (400, "request-unsigned")),
        ({"log": None}, (400, "request-unsigned")),
        ({"project": "research"}, (400, "request-unsigned")),
        ({"agreement": "0" * 64}, (409, "request-agreement")),
    ],
)
def test_a_commit_whose_signed_request_states_another_upload_or_place_is_not_checked(
    linkage: Linkage, made: Container, elsewhere: dict, refusal: tuple[int, str]
) -> None:
    upload = linkage.send(made, CHILD_WELFARE)
    signed = linkage.signed_manifest(linkage.manifest(made, CHILD_WELFARE), CHILD_WELFARE)
    path = f"/v1/uploads/{upload}/commit"
    place = {name: said for name, said in elsewhere.items() if name != "states"}
    where = replace(place_of(linkage.broker, path), **place)
    states = elsewhere.get("states", body_digest(UploadReceived.of(signed)))
    asked = {HEADER: linkage.person(CHILD_WELFARE).sign(f"POST {path}", states, where)}
    headers = linkage.as_party(CHILD_WELFARE) | asked
    answer = linkage.client.post(path, json=signed.to_json(), headers=headers)
    assert (answer.status_code, code_of(answer)) == refusal
    assert linkage.get(f"/v1/uploads/{upload}").json()["state"] == "open"


@pytest.mark.parametrize(("hours", "state"), [(47, "committed"), (49, "open")])
def test_a_commit_that_waited_for_longer_than_the_log_takes_is_asked_for_anew(
    linkage: Linkage, made: Container, hours: int, state: str
) -> None:
    upload = linkage.send(made, CHILD_WELFARE)
    checks = linkage.broker.checks
    n_free = 0
    while checks.acquire(blocking=False):
        n_free += 1
    asked = linkage.ask_commit(upload, linkage.manifest(made, CHILD_WELFARE), CHILD_WELFARE)
    assert asked.status_code == 202
    checks.release(n_free)
    linkage.founded.clock.move(hours=hours)
    check_waiting(linkage.broker)
    view = linkage.get(f"/v1/uploads/{upload}").json()
    assert view["state"] == state
    if state == "open":
        assert view["refusal"]["type"].endswith(":upload-closed")
        answer = commit_all(linkage, made)
        assert answer.status_code == 200, answer.text


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
    assert (answer.status_code, code_of(answer)) == (409, "uploader-approves")
