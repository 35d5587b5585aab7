"""Destruction on request, by age and by the agreed day: what goes, what stays, what the certificate says."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from rigs.broker_twins import released_matches
from rigs.destroying import blobs, certificate_file, checked, destroy, destructions, keys, send
from rigs.enrolled import EnrolledPerson
from rigs.holders import Holders
from rigs.hooked_database import Crash, crash_at, hooked
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage
from samples.round_files import random_people

from app.destruction import service
from app.destruction.certification import finish
from app.destruction.service import Wanted, begin
from app.uploads.withdrawals import handle_digest, withdrawn_records
from app.worker.sweeper import Sweeper
from encoding.secret.agreement import Contribution
from schemas.documents.ids import Handle
from schemas.linkage.run import Recipient

PATH = f"/v1/projects/{PROJECT}/withdrawals"
SALT = "5a" * 32


def owed(found: dict) -> set[tuple[str, str]]:
    return {(one["party"], one["what"]) for one in found["outstanding"]}


def test_an_analyst_has_one_upload_destroyed_and_not_all_of_the_party(linked: Linkage) -> None:
    founded, client = linked.founded, linked.client
    analyst = EnrolledPerson.confirmed(founded, client, CHILD_WELFARE, "analyst")
    linked.list_also(analyst.identity)
    refused = analyst.call("POST", f"/v1/projects/{PROJECT}/destruction")
    assert (refused.status_code, refused.json()["type"][-10:]) == (403, "wrong-duty")
    listed = linked.get(f"/v1/projects/{PROJECT}/uploads").json()["uploads"]
    (upload,) = [one["upload"] for one in listed if one["party"] == CHILD_WELFARE]
    assert analyst.call("POST", f"/v1/uploads/{upload}/destruction").status_code == 200


def test_the_operator_destroys_all_of_a_project_and_the_certificate_and_the_log_prove_it(
    linked: Linkage,
) -> None:
    done = destroy(linked, party="operator", role="operator").json()
    assert keys(linked) == blobs(linked) == []
    check = checked(linked, done["certificate"])
    certificate = check.certificate
    kinds = sorted(one.kind for one in certificate.objects)
    assert kinds.count("upload") == kinds.count("release") == 2
    assert done["objects"] == len(certificate.objects)
    assert (certificate.scope, certificate.reason) == ("project", "asked")
    assert certificate.asked_by == linked.broker.settings.operator
    assert {one.what for one in certificate.remains} == {"key-copies", "match-log", "receipts"}
    assert (CHILD_WELFARE, "link-table") in owed(done)
    assert (SCHOOL, "handle-map") in owed(done)
    # The schools never fetched theirs.
    assert (SCHOOL, "link-table") not in owed(done)
    # Every object of a certificate has its log entry.
    entries = linked.log_entries()
    for one in certificate.objects:
        entry = entries[one.entry or 0]
        digests = {entry["body"].get(name) for name in ("container_sha256", "sha256", "root")}
        assert entry["kind"] == f"{one.kind}-destroyed"
        assert one.sha256 in digests


def test_an_agency_destroys_its_own_uploads_and_what_was_made_of_them_once(linked: Linkage) -> None:
    release = linked.get(f"/v1/projects/{PROJECT}/releases").json()["releases"][0]["release"]
    done = destroy(linked).json()
    check = checked(linked, done["certificate"])
    assert {one.party for one in check.certificate.objects if one.kind == "upload"} == {
        CHILD_WELFARE
    }
    assert len([one for one in check.certificate.objects if one.kind == "release"]) == 2
    remains = {one.what: one.count for one in check.certificate.remains}
    assert remains["other-uploads"] == 1
    left = linked.get(f"/v1/projects/{PROJECT}/uploads", SCHOOL).json()["uploads"]
    assert [one["state"] for one in left] == ["committed"]
    # What was destroyed is gone for its recipient.
    assert linked.get(f"/v1/releases/{release}/file").status_code == 410
    assert linked.get(f"/v1/releases/{release}/receipt").status_code == 200
    # Asking again gives the same certificate.
    assert destroy(linked).json() == done
    assert len(destructions(linked)) == 1
    # The file of a certificate is the same for all who may see it.
    path = f"/v1/destructions/{done['certificate']}"
    file = certificate_file(linked, done["certificate"]).to_json()
    assert linked.get(path, SCHOOL).json() == file
    assert linked.get(path, AUDITOR, "auditor").json() == file


def test_a_run_that_waits_is_cancelled(uploaded: Linkage) -> None:
    run = uploaded.run_id()
    destroy(uploaded)
    assert uploaded.get(f"/v1/runs/{run}").json()["state"] == "cancelled"
    assert [key for key in keys(uploaded) if key.startswith("run-")] == []


def test_a_project_that_holds_nothing_gets_its_certificate_too(linkage: Linkage) -> None:
    done = destroy(linkage, party="operator", role="operator").json()
    assert checked(linkage, done["certificate"]).certificate.objects == ()


def test_sealed_claims_go_with_the_project_or_with_a_party_of_theirs(released: Linkage) -> None:
    released.put_claims(SCHOOL, CHILD_WELFARE)
    done = destroy(released).json()
    kinds = [one.kind for one in checked(released, done["certificate"]).certificate.objects]
    assert kinds.count("claims") == 1
    assert [key for key in keys(released) if key.startswith("msg-")] == []
    assert released.get_claims(CHILD_WELFARE, SCHOOL, 1).status_code == 410


def test_others_uploads_and_projects_cannot_be_destroyed(linked: Linkage) -> None:
    newest = linked.get(f"/v1/projects/{PROJECT}/uploads").json()["uploads"][0]["upload"]
    before = keys(linked)
    assert destroy(linked, f"uploads/{newest}", SCHOOL).status_code == 404
    assert destroy(linked, f"uploads/upl-{'0' * 32}").status_code == 404
    assert destroy(linked, "projects/elsewhere").status_code == 404
    assert destroy(linked, party=AUDITOR, role="auditor").status_code == 403
    assert keys(linked) == before
    # One upload goes with what was made of it.
    done = destroy(linked, f"uploads/{newest}").json()
    objects = checked(linked, done["certificate"]).certificate.objects
    assert [one.object for one in objects if one.kind == "upload"] == [newest]
    assert len([one for one in objects if one.kind == "release"]) == 2


def test_what_falls_due_is_certified_by_itself(linked: Linkage) -> None:
    linked.founded.clock.move(days=30)
    Sweeper(linked.broker).sweep()
    (found,) = destructions(linked)
    assert (found["scope"], found["reason"], found["outstanding"]) == ("expired", "retention", [])
    certificate = checked(linked, found["certificate"]).certificate
    assert [one.kind for one in certificate.objects] == ["upload", "upload"]
    assert certificate.asked_by is None


def test_all_goes_on_the_day_after_the_agreed_one(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(end="2026-09-10", destroy_by="2026-09-10")
    linkage.upload_both()
    linkage.work()
    linkage.founded.clock.move(days=9)
    Sweeper(linkage.broker).sweep()
    assert destructions(linkage) == []
    linkage.founded.clock.move(days=1)
    Sweeper(linkage.broker).sweep()
    (found,) = destructions(linkage)
    assert (found["scope"], found["reason"]) == ("project", "destroy-by")
    assert keys(linkage) == blobs(linkage) == []
    Sweeper(linkage.broker).sweep()
    assert len(destructions(linkage)) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(6))
def test_a_destruction_that_is_killed_is_finished_by_the_next_sweep(
    linked: Linkage, number: int, moment: str
) -> None:
    with linked.broker.database.write() as session:
        begun = begin(session, linked.broker, Wanted(PROJECT, "project")).id
    try:
        finish(hooked(linked.broker, crash_at(number, moment)), begun)
    except Crash:
        Sweeper(linked.broker).sweep()
    assert checked(linked, begun).certificate.objects
    assert keys(linked) == blobs(linked) == []
    assert linked.log_kinds().count("destruction-certified") == 1


def test_there_is_no_certificate_before_all_is_gone(linked: Linkage) -> None:
    with linked.broker.database.write() as session:
        begun = begin(session, linked.broker, Wanted(PROJECT, "project")).id
    answer = linked.get(f"/v1/destructions/{begun}")
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:blindlink:problem:not-certified",
    )
    assert linked.get(f"/v1/destructions/crt-{'0' * 32}").status_code == 404


def test_an_upload_that_is_not_finished_goes_too(linked: Linkage) -> None:
    linked.exchange_claims()
    linked.open_round()
    theirs, mine = (
        linked.send(linked.container(random_people(linked.rng, 5), party), party)
        for party in (SCHOOL, CHILD_WELFARE)
    )
    destroy(linked)
    assert linked.get(f"/v1/uploads/{mine}").json()["state"] == "expired"
    assert linked.get(f"/v1/uploads/{theirs}", SCHOOL).json()["state"] == "open"
    assert mine not in keys(linked)
    destroy(linked, party="operator", role="operator")
    assert keys(linked) == blobs(linked) == []


def test_shares_of_the_secret_that_have_not_served_are_said_to_remain(
    linked: Linkage, ann: EnrolledPerson, kim: EnrolledPerson
) -> None:
    people = {CHILD_WELFARE: ann.identity, SCHOOL: kim.identity}
    contributions = {party: Contribution.draw() for party in people}
    share = Holders(PROJECT, 1, people, contributions).share(SCHOOL, CHILD_WELFARE)
    assert send(kim, f"projects/{PROJECT}/shares", share).status_code in (200, 201)
    done = destroy(linked, party="operator", role="operator").json()
    remains = checked(linked, done["certificate"]).certificate.remains
    assert [one.count for one in remains if one.what == "shares"] == [1]


def test_more_than_one_certificate_lists_goes_under_several(
    linked: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_OBJECTS", 2)
    done = destroy(linked, party="operator", role="operator").json()
    assert keys(linked) == blobs(linked) == []
    Sweeper(linked.broker).sweep()
    found = destructions(linked)
    assert sorted(one["scope"] for one in found) == ["expired", "expired", "project"]
    listed = [
        one.object
        for view in found
        for one in checked(linked, view["certificate"]).certificate.objects
    ]
    assert len(listed) == len(set(listed)) == 5
    assert done["objects"] == 2


def withdraw(
    linkage: Linkage, handle: bytes, party: str = CHILD_WELFARE, role: str = "agency"
) -> Any:
    headers = linkage.as_party(party, role)
    return linkage.client.post(PATH, json={"handle": handle.hex(), "salt": SALT}, headers=headers)


def linked_handles(linkage: Linkage, run: str) -> list[set[bytes]]:
    return [set(links) for links in released_matches(linkage.broker, run).values()]


def test_runs_of_other_agencies_go_on(make_linkage: MakeLinkage) -> None:
    health = "health-department"
    parties = (CHILD_WELFARE, health, SCHOOL)
    linkage = make_linkage(
        providers=parties,
        recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in parties),
    )
    left, _ = linkage.upload_both()
    path = f"/v1/runs/{linkage.run_id()}"
    assert withdraw(linkage, left.handles[0], SCHOOL).json()["runs_cancelled"] == 0
    assert linkage.get(path).json()["state"] == "queued"
    assert withdraw(linkage, left.handles[0]).json()["runs_cancelled"] == 1
    assert linkage.get(path).json()["state"] == "cancelled"


def test_only_providers_withdraw_records_which_take_part_in_no_later_run_and_only_a_commitment_is_told(
    uploaded: Linkage,
) -> None:
    linkage, first = uploaded, uploaded.run_id()
    one = linkage.containers[0].handles[0]
    assert withdraw(linkage, bytes(16), AUDITOR, "auditor").status_code == 403
    linkage.founded.enrol("newcomer")
    assert withdraw(linkage, bytes(16), "newcomer").status_code == 404
    # The log holds a commitment that the agency can open.
    taken = withdraw(linkage, one).json()
    assert taken["runs_cancelled"] == 1
    assert linkage.get(f"/v1/runs/{first}").json()["state"] == "cancelled"
    entry = linkage.log_entries()[taken["index"]]
    assert entry["kind"] == "record-withdrawn"
    expected = hashlib.sha256(bytes.fromhex(SALT) + one).hexdigest()
    assert entry["body"] == {"commitment": expected}
    assert one.hex() not in str(linkage.log_entries())
    # A withdrawn record is in no later run.
    assert withdraw(linkage, one, SCHOOL).status_code == 200
    second = linkage.ask().json()
    assert second["run"] != first
    linkage.work()
    later = linked_handles(linkage, second["run"])
    assert sorted(map(len, later)) == [11, 11]
    assert all(one not in handles for handles in later)
    # Whether there is such a record is not told.
    assert withdraw(linkage, bytes(16)).status_code == 200


@pytest.mark.parametrize("out", [set(), {0}, {2}, {0, 1, 2, 3}])
def test_withdrawn_records_are_found_over_the_pieces_of_a_table(out: set[int]) -> None:
    handles = np.random.default_rng(7).integers(0, 256, (4, 16), dtype=np.uint8)
    digests = frozenset(handle_digest(Handle(handles[n].tobytes())) for n in out)
    found = withdrawn_records([handles[:3], handles[3:]], digests)
    assert found.tolist() == sorted(out)
