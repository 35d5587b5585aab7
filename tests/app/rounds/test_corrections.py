"""A correction: the next round takes the place of one, and what was uploaded for it goes."""

from __future__ import annotations

from typing import Any

from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from samples.round_files import random_people

from schemas.problem import MEDIA_TYPE


def code_of(answer: Any) -> str:
    assert answer.headers["content-type"] == MEDIA_TYPE
    return str(answer.json()["type"]).rsplit(":", 1)[1]


def releases(linkage: Linkage, party: str = CHILD_WELFARE) -> list[dict[str, Any]]:
    found = linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]
    return list(found)


def test_a_correction_destroys_both_containers_and_opens_the_next_round(linkage: Linkage) -> None:
    linkage.upload_both()
    run = linkage.run_id()
    answer = linkage.correct(1)
    assert answer.status_code == 201
    view = answer.json()
    assert (view["round"], view["state"]) == (2, "open")
    assert view["progress"][0]["root_larger"] is None
    before = linkage.round(1)
    assert (before["state"], before["superseded_by"], before["closing"]) == ("superseded", 2, None)
    assert linkage.get(f"/v1/runs/{run}").json()["state"] == "cancelled"
    uploads = linkage.get(f"/v1/projects/{PROJECT}/uploads").json()["uploads"]
    assert [upload["state"] for upload in uploads] == ["destroyed"]
    reasons = [
        e["body"]["reason"] for e in linkage.log_entries() if e["kind"] == "upload-destroyed"
    ]
    assert reasons == ["superseded"] * 2
    cancelled = [e["body"]["reason"] for e in linkage.log_entries() if e["kind"] == "run-cancelled"]
    assert cancelled == ["round-superseded"]
    linkage.work()
    names = linkage.broker.keystore.object_ids()
    assert not [name for name in names if name.startswith("upl-")]


def test_both_parties_upload_again_under_new_nonces(linkage: Linkage) -> None:
    linkage.upload_both()
    first = linkage.round(1)["pairs"][0]
    linkage.correct(1)
    second = linkage.round(2)["pairs"][0]
    assert first["nonce_larger"] != second["nonce_larger"]
    linkage.upload_both()
    linkage.work()
    assert (linkage.round()["round"], linkage.run()["state"]) == (2, "succeeded")


def test_two_corrections_at_once_are_one(linkage: Linkage) -> None:
    linkage.upload_both()
    first = linkage.correct(1)
    second = linkage.correct(1, SCHOOL)
    assert first.json() == second.json()
    assert linkage.log_kinds().count("round-superseded") == 1
    linkage.correct(2)
    assert linkage.correct(1).json()["round"] == 3


def test_releases_that_nobody_has_fetched_go_with_their_round(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.work()
    (release,) = releases(linkage)
    linkage.put_claims(SCHOOL, CHILD_WELFARE)
    assert linkage.correct(1).status_code == 201
    answer = linkage.get(f"/v1/releases/{release['release']}/file")
    assert (answer.status_code, code_of(answer)) == (410, "release-destroyed")
    answer = linkage.get_claims(CHILD_WELFARE, SCHOOL, 1)
    assert (answer.status_code, code_of(answer)) == (410, "claims-gone")
    assert linkage.log_kinds().count("match-record-destroyed") == 1


def test_a_round_of_which_a_release_was_fetched_is_not_corrected(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.work()
    (release,) = releases(linkage)
    assert linkage.get(f"/v1/releases/{release['release']}/file").status_code == 200
    answer = linkage.correct(1, SCHOOL)
    assert (answer.status_code, code_of(answer)) == (409, "releases-fetched")
    assert linkage.round()["state"] == "open"


def test_without_fresh_nonces_of_all_its_parties_a_round_is_not_corrected(
    linkage: Linkage,
) -> None:
    linkage.offer(CHILD_WELFARE, 1)
    linkage.offer(SCHOOL, 2)
    linkage.ask_round()
    linkage.upload(random_people(linkage.rng, 5), CHILD_WELFARE)
    answer = linkage.correct(1)
    assert (answer.status_code, code_of(answer)) == (409, "nonces-missing")
    assert answer.json()["detail"] == f"There is no unspent nonce of {CHILD_WELFARE}."
    assert linkage.round()["state"] == "open"
    linkage.offer(CHILD_WELFARE, 1)
    assert linkage.correct(1).status_code == 201


def test_a_round_that_is_closed_is_not_corrected(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.work()
    linkage.exchange_claims()
    answer = linkage.correct(1)
    assert (answer.status_code, code_of(answer)) == (409, "round-closed")


def test_nothing_is_corrected_while_a_legal_hold_stands(linkage: Linkage) -> None:
    from app.agreements.holds import set_hold

    linkage.upload_both()
    with linkage.broker.database.write() as session:
        set_hold(session, linkage.broker, linkage.founded.operator, PROJECT, "A court's order.")
    answer = linkage.correct(1)
    assert (answer.status_code, code_of(answer)) == (409, "legal-hold")
    assert linkage.round()["state"] == "open"


def test_a_stranger_corrects_nothing(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.founded.enrol("stranger")
    assert linkage.correct(1, "stranger").status_code == 404
    assert linkage.correct(2).status_code == 404
