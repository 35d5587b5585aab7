"""An upload from opening to receipt, over HTTP; test_databases.py has what runs on both databases."""

from __future__ import annotations

import pytest
from oracles.containers import random_rows
from oracles.linkage_rig import (
    AUDITOR,
    BITS,
    CHILD_WELFARE,
    KEY_ID,
    PROJECT,
    SCHOOL,
    Linkage,
    MakeLinkage,
    content_digest,
)

from schemas.matchlog.proof import verify_receipt
from schemas.problem import MEDIA_TYPE
from schemas.upload import Receipt


@pytest.fixture
def rows(linkage: Linkage) -> list:
    return random_rows(linkage.rng, 30, bits=BITS, most_variants=3)


@pytest.fixture
def content(linkage: Linkage, rows: list) -> bytes:
    return linkage.container(rows, CHILD_WELFARE)


def code_of(answer) -> str:
    assert answer.headers["content-type"] == MEDIA_TYPE
    return str(answer.json()["type"]).rsplit(":", 1)[1]


def commit_all(linkage: Linkage, rows: list, content: bytes, **changes):
    manifest = linkage.manifest(rows, content, CHILD_WELFARE, **changes)
    return linkage.commit(linkage.send(content, CHILD_WELFARE), manifest, CHILD_WELFARE)


def test_an_opened_upload_says_how_many_parts_it_takes(linkage: Linkage, content: bytes) -> None:
    answer = linkage.open(content, CHILD_WELFARE)
    assert answer.status_code == 201
    view = answer.json()
    assert (view["state"], view["parts"], view["records"]) == ("open", 1, None)


def test_opening_the_same_container_again_resumes_the_upload(
    linkage: Linkage, content: bytes
) -> None:
    first = linkage.open(content, CHILD_WELFARE).json()
    assert linkage.open(content, CHILD_WELFARE).json() == first


def test_opening_another_container_ends_the_open_upload(linkage: Linkage, content: bytes) -> None:
    first = linkage.open(content, CHILD_WELFARE).json()["upload"]
    second = linkage.open(content + b"x", CHILD_WELFARE).json()["upload"]
    assert linkage.get(f"/v1/uploads/{first}").json()["state"] == "expired"
    assert linkage.get(f"/v1/uploads/{second}").json()["state"] == "open"
    assert code_of(linkage.put(first, 0, content, CHILD_WELFARE)) == "upload-closed"


def test_another_party_may_have_an_open_upload_too(linkage: Linkage, content: bytes) -> None:
    first = linkage.open(content, CHILD_WELFARE).json()["upload"]
    second = linkage.open(content, SCHOOL).json()["upload"]
    assert first != second
    assert linkage.get(f"/v1/uploads/{first}").json()["state"] == "open"


def test_the_same_request_under_one_idempotency_key_gives_the_same_upload(
    linkage: Linkage, content: bytes
) -> None:
    first = linkage.open(content, CHILD_WELFARE, key="k1").json()
    linkage.open(content + b"x", CHILD_WELFARE, key="k2")
    again = linkage.open(content, CHILD_WELFARE, key="k1").json()
    assert again["upload"] == first["upload"]


def test_an_idempotency_key_with_another_request_is_refused(
    linkage: Linkage, content: bytes
) -> None:
    linkage.open(content, CHILD_WELFARE, key="k1")
    answer = linkage.open(content + b"x", CHILD_WELFARE, key="k1")
    assert (answer.status_code, code_of(answer)) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"epoch": 2}, 409, "other-epoch"),
        ({"profile": "0" * 64}, 409, "other-profile"),
        ({"container_bytes": 2**50}, 409, "too-many-records"),
        ({"container_bytes": 2**51}, 422, "invalid-document"),
        ({"extra": 1}, 422, "invalid-document"),
    ],
)
def test_what_the_terms_do_not_allow_is_refused_before_it_is_sent(
    linkage: Linkage, content: bytes, change: dict, status: int, code: str
) -> None:
    answer = linkage.open(content, CHILD_WELFARE, **change)
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_a_party_that_only_receives_may_not_upload(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(providers=(SCHOOL,), recipients=_count_for(CHILD_WELFARE))
    answer = linkage.open(b"x" * 100, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "not-a-provider")
    assert answer.json()["clause"] == "providers"


def _count_for(party: str) -> tuple:
    from schemas.run import Recipient

    return (Recipient(party=party, mode="count", space="shared"),)


def test_nothing_is_opened_outside_the_dates_of_the_terms(linkage: Linkage, content: bytes) -> None:
    linkage.founded.clock.move(days=600)
    answer = linkage.open(content, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "not-in-force")
    assert answer.json()["clause"] == "end"


def test_sending_a_part_again_changes_nothing(linkage: Linkage, content: bytes) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    first = linkage.put(upload, 0, content, CHILD_WELFARE)
    again = linkage.put(upload, 0, content, CHILD_WELFARE)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert linkage.get(f"/v1/uploads/{upload}/parts").json()["stored"] == [0]


def test_other_bytes_for_a_stored_part_are_refused(linkage: Linkage, content: bytes) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    linkage.put(upload, 0, content, CHILD_WELFARE)
    other = bytes(len(content))
    answer = linkage.put(upload, 0, other, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "part-differs")


def test_a_digest_alone_does_not_pass_for_the_bytes_of_a_stored_part(
    linkage: Linkage, content: bytes
) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    linkage.put(upload, 0, content, CHILD_WELFARE)
    answer = linkage.put(
        upload, 0, bytes(len(content)), CHILD_WELFARE, **{"content-digest": content_digest(content)}
    )
    assert (answer.status_code, code_of(answer)) == (422, "part-digest")


@pytest.mark.parametrize(
    ("number", "part", "headers", "status", "code"),
    [
        (1, b"", {}, 404, "unknown-part"),
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
    content: bytes,
    number: int,
    part: bytes | None,
    headers: dict,
    status: int,
    code: str,
) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    answer = linkage.put(
        upload, number, content if part is None else part, CHILD_WELFARE, **headers
    )
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert linkage.get(f"/v1/uploads/{upload}/parts").json()["stored"] == []


def test_a_part_longer_than_any_part_is_cut_off(linkage: Linkage, content: bytes) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    answer = linkage.put(upload, 0, bytes(4 * 1024 * 1024 + 1), CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (413, "body-too-large")


def test_an_upload_in_several_parts_may_be_sent_in_any_order(linkage: Linkage) -> None:
    rows = random_rows(linkage.rng, 130_000, bits=BITS)
    content = linkage.container(rows, CHILD_WELFARE)
    view = linkage.open(content, CHILD_WELFARE).json()
    step = view["part_bytes"]
    assert view["parts"] == 2
    for number in (1, 0):
        part = content[number * step : (number + 1) * step]
        assert linkage.put(view["upload"], number, part, CHILD_WELFARE).status_code == 200
    manifest = linkage.manifest(rows, content, CHILD_WELFARE)
    assert linkage.commit(view["upload"], manifest, CHILD_WELFARE).status_code == 200


def test_a_commit_gives_a_receipt_that_the_log_key_verifies(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    answer = commit_all(linkage, rows, content)
    receipt = Receipt.from_json(answer.json())
    entry, _ = verify_receipt(receipt, [linkage.broker.log.key])
    manifest = linkage.manifest(rows, content, CHILD_WELFARE)
    assert entry.kind == "upload-received"
    assert entry.body.manifest_sha256 == manifest.digest()
    assert entry.actor.party == CHILD_WELFARE


def test_committing_again_gives_the_same_receipt_and_no_second_entry(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    first = commit_all(linkage, rows, content)
    upload = first.json()["subject"]
    linkage.upload(rows, SCHOOL)
    manifest = linkage.manifest(rows, content, CHILD_WELFARE)
    again = linkage.commit(upload, manifest, CHILD_WELFARE)
    assert again.json() == first.json()
    assert linkage.get(f"/v1/uploads/{upload}/receipt").json() == first.json()
    assert linkage.log_kinds().count("upload-received") == 2


def test_a_committed_upload_takes_no_other_manifest(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    upload = commit_all(linkage, rows, content).json()["subject"]
    other = linkage.manifest(rows, content, CHILD_WELFARE, as_of="2026-08-30")
    answer = linkage.commit(upload, other, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "upload-closed")


def test_a_commit_with_a_part_missing_is_refused_and_can_be_made_good(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    manifest = linkage.manifest(rows, content, CHILD_WELFARE)
    answer = linkage.commit(upload, manifest, CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (409, "parts-missing")
    linkage.put(upload, 0, content, CHILD_WELFARE)
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
        ({"records": 7}, "count-differs"),
        ({"encodings": 7}, "count-differs"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_logged_by_its_rule_and_changes_nothing(
    linkage: Linkage, rows: list, content: bytes, change: dict, code: str
) -> None:
    upload = linkage.send(content, CHILD_WELFARE)
    before = linkage.get(f"/v1/uploads/{upload}").json()
    answer = linkage.commit(
        upload, linkage.manifest(rows, content, CHILD_WELFARE, **change), CHILD_WELFARE
    )
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
    manifest = linkage.manifest(rows, content, CHILD_WELFARE)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"min_records": 31}, "too-few-records"),
        ({"max_records": 29, "min_records": 1}, "too-many-records"),
        ({"max_variants": 2}, "too-many-variants"),
    ],
)
def test_an_upload_of_another_size_than_agreed_is_refused(
    make_linkage: MakeLinkage, terms: dict, code: str
) -> None:
    linkage = make_linkage(**terms)
    rows = random_rows(linkage.rng, 30, bits=BITS, most_variants=3)
    answer = commit_all(linkage, rows, linkage.container(rows, CHILD_WELFARE))
    assert (answer.status_code, code_of(answer)) == (409, code)
    assert answer.json()["clause"] == code.replace("too-few", "min").replace("too-many", "max")


def test_a_spoilt_container_is_refused_and_logged(linkage: Linkage, rows: list) -> None:
    rows = [*rows[:1], rows[0], *rows[1:]]
    answer = commit_all(linkage, rows, linkage.container(rows, CHILD_WELFARE))
    assert (answer.status_code, code_of(answer)) == (422, "duplicate-record")
    assert linkage.log_entries()[-1]["body"] == {"rule": "duplicate-record"}


def test_a_signature_that_nobody_can_check_is_not_taken(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    upload = linkage.send(content, CHILD_WELFARE)
    manifest = linkage.manifest(rows, content, CHILD_WELFARE).to_json()
    signature = {
        "party": CHILD_WELFARE,
        "person": "per-" + "0" * 32,
        "key": "0" * 64,
        "signature": "A" * 88,
    }
    answer = linkage.client.post(
        f"/v1/uploads/{upload}/commit",
        json={"manifest": manifest, "signatures": [signature]},
        headers=linkage.as_party(CHILD_WELFARE),
    )
    assert (answer.status_code, code_of(answer)) == (422, "signature-not-taken")


def test_the_first_committed_upload_fixes_the_key_id_of_the_epoch(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    assert commit_all(linkage, rows, content).status_code == 200
    other = linkage.container(rows, SCHOOL, key_id="f" * 16)
    answer = linkage.open(other, SCHOOL, key_id="f" * 16)
    assert (answer.status_code, code_of(answer)) == (409, "other-key")


def test_of_two_first_uploads_under_two_key_ids_only_one_is_committed(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    other = linkage.container(rows, SCHOOL, key_id="f" * 16)
    view = linkage.open(other, SCHOOL, key_id="f" * 16).json()
    linkage.put(view["upload"], 0, other, SCHOOL)
    assert commit_all(linkage, rows, content).status_code == 200
    manifest = linkage.manifest(rows, other, SCHOOL, key_id="f" * 16)
    answer = linkage.commit(view["upload"], manifest, SCHOOL)
    assert (answer.status_code, code_of(answer)) == (409, "other-key")


def test_a_rejected_upload_does_not_fix_the_key_id(linkage: Linkage, rows: list) -> None:
    spoilt = [rows[0], *rows]
    content = linkage.container(spoilt, CHILD_WELFARE)
    assert commit_all(linkage, spoilt, content).status_code == 422
    other = linkage.container(rows, SCHOOL, key_id="f" * 16)
    assert linkage.open(other, SCHOOL, key_id="f" * 16).status_code == 201


def test_an_upload_that_is_not_committed_within_a_day_takes_nothing_more(
    linkage: Linkage, content: bytes
) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    linkage.founded.clock.move(hours=24)
    assert code_of(linkage.put(upload, 0, content, CHILD_WELFARE)) == "upload-closed"
    assert linkage.open(content, CHILD_WELFARE).json()["upload"] != upload


def test_there_is_no_receipt_before_the_commit(linkage: Linkage, content: bytes) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    answer = linkage.get(f"/v1/uploads/{upload}/receipt")
    assert (answer.status_code, code_of(answer)) == (409, "upload-not-committed")


PATHS = ["", "/parts", "/receipt"]


@pytest.mark.parametrize("path", PATHS)
def test_another_agencys_upload_answers_like_one_that_does_not_exist(
    linkage: Linkage, rows: list, content: bytes, path: str
) -> None:
    upload = commit_all(linkage, rows, content).json()["subject"]
    foreign = linkage.get(f"/v1/uploads/{upload}{path}", SCHOOL)
    absent = linkage.get(f"/v1/uploads/upl-{'0' * 32}{path}", SCHOOL)
    assert foreign.status_code == absent.status_code == 404
    assert _but_request(foreign) == _but_request(absent)


def test_another_agency_can_neither_send_to_nor_commit_an_upload(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    assert linkage.put(upload, 0, content, SCHOOL).status_code == 404
    manifest = linkage.manifest(rows, content, SCHOOL)
    n_entries = len(linkage.log_kinds())
    assert linkage.commit(upload, manifest, SCHOOL).status_code == 404
    assert len(linkage.log_kinds()) == n_entries


def test_an_agency_lists_its_own_uploads_and_the_watchers_all(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    commit_all(linkage, rows, content)
    linkage.upload(rows, SCHOOL)
    path = f"/v1/projects/{PROJECT}/uploads"
    own = linkage.get(path).json()["uploads"]
    assert [upload["party"] for upload in own] == [CHILD_WELFARE]
    for party, role in ((AUDITOR, "auditor"), ("operator", "operator")):
        seen = linkage.get(path, party, role).json()["uploads"]
        assert sorted(upload["party"] for upload in seen) == [CHILD_WELFARE, SCHOOL]


def test_an_auditor_of_another_project_sees_nothing(linkage: Linkage, content: bytes) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    linkage.founded.enrol("another-auditor")
    for path in (f"/v1/projects/{PROJECT}/uploads", f"/v1/uploads/{upload}"):
        assert linkage.get(path, "another-auditor", "auditor").status_code == 404


@pytest.mark.parametrize("role", ["auditor", "operator"])
def test_watchers_can_look_at_an_upload_but_not_into_it(
    linkage: Linkage, content: bytes, role: str
) -> None:
    upload = linkage.open(content, CHILD_WELFARE).json()["upload"]
    party = AUDITOR if role == "auditor" else "operator"
    assert linkage.get(f"/v1/uploads/{upload}", party, role).status_code == 200
    assert linkage.get(f"/v1/uploads/{upload}/parts", party, role).status_code == 403


def test_the_key_id_stays_fixed_when_the_upload_that_fixed_it_is_destroyed(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    commit_all(linkage, rows, content)
    linkage.founded.clock.move(days=31)
    linkage.work()
    answer = linkage.open(content, SCHOOL, key_id="e" * 16)
    assert code_of(answer) == "other-key"
    assert linkage.open(content, SCHOOL, key_id=KEY_ID).status_code == 201


def _but_request(answer) -> dict:
    return {name: value for name, value in answer.json().items() if name != "request"}


def test_the_list_of_uploads_names_the_agencies_that_a_run_waits_for(
    linkage: Linkage, rows: list, content: bytes
) -> None:
    def waiting_for(party: str = CHILD_WELFARE, role: str = "agency") -> list[str]:
        listed = linkage.get(f"/v1/projects/{PROJECT}/uploads", party, role).json()
        return list(listed["waiting_for"])

    assert waiting_for() == [CHILD_WELFARE, SCHOOL]
    upload = linkage.send(content, CHILD_WELFARE)
    assert waiting_for() == [CHILD_WELFARE, SCHOOL]
    linkage.commit(upload, linkage.manifest(rows, content, CHILD_WELFARE), CHILD_WELFARE)
    assert waiting_for() == waiting_for(SCHOOL) == waiting_for(AUDITOR, "auditor") == [SCHOOL]
    linkage.upload(rows, SCHOOL)
    assert waiting_for() == []
    linkage.founded.clock.move(days=linkage.terms.keep_encodings_days)
    assert waiting_for() == [CHILD_WELFARE, SCHOOL]
