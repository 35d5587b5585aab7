"""A correction: the next round takes the place of one, and what was uploaded for it goes."""

from __future__ import annotations

from typing import Any

from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from rigs.refused_calls import refused
from samples.round_files import random_people

from app.agreements.holds import set_hold


def releases(linkage: Linkage, party: str = CHILD_WELFARE) -> list[dict[str, Any]]:
    found = linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]
    return list(found)


def test_a_correction_destroys_both_containers_and_opens_the_next_round_once(
    linkage: Linkage,
) -> None:
    linkage.upload_both()
    run, first = linkage.run_id(), linkage.round(1)["pairs"][0]
    assert linkage.correct(2).status_code == 404
    answer = linkage.correct(1)
    assert answer.status_code == 201
    assert linkage.correct(1, SCHOOL).json() == answer.json()
    assert linkage.log_kinds().count("round-superseded") == 1
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
    # Both upload again, under new nonces.
    assert view["pairs"][0]["nonce_larger"] != first["nonce_larger"]
    linkage.upload_both()
    linkage.work()
    assert (linkage.round()["round"], linkage.run()["state"]) == (2, "succeeded")
    # Releases that no agency has fetched go with their round.
    (release,) = releases(linkage)
    linkage.put_claims(SCHOOL, CHILD_WELFARE)
    assert linkage.correct(2).status_code == 201
    answer = linkage.get(f"/v1/releases/{release['release']}/file")
    assert refused(answer) == (410, "release-destroyed")
    assert refused(linkage.get_claims(CHILD_WELFARE, SCHOOL, 2)) == (410, "claims-gone")
    assert linkage.log_kinds().count("match-record-destroyed") == 1
    assert linkage.correct(1).json()["round"] == 3


def test_a_round_of_which_a_release_was_fetched_or_that_is_closed_is_not_corrected(
    linkage: Linkage,
) -> None:
    linkage.upload_both()
    linkage.work()
    (release,) = releases(linkage)
    assert linkage.get(f"/v1/releases/{release['release']}/file").status_code == 200
    assert refused(linkage.correct(1, SCHOOL)) == (409, "releases-fetched")
    assert linkage.round()["state"] == "open"
    linkage.exchange_claims()
    assert refused(linkage.correct(1)) == (409, "round-closed")


def test_without_fresh_nonces_of_all_its_parties_or_under_a_legal_hold_no_round_is_corrected(
    linkage: Linkage,
) -> None:
    linkage.offer(CHILD_WELFARE, 1)
    linkage.offer(SCHOOL, 2)
    linkage.ask_round()
    linkage.upload(random_people(linkage.rng, 5), CHILD_WELFARE)
    answer = linkage.correct(1)
    assert refused(answer) == (409, "nonces-missing")
    assert answer.json()["detail"] == f"There is no unspent nonce of {CHILD_WELFARE}."
    assert linkage.round()["state"] == "open"
    linkage.offer(CHILD_WELFARE, 1)
    assert linkage.correct(1).status_code == 201
    linkage.offer_all()
    with linkage.broker.database.write() as session:
        set_hold(session, linkage.broker, linkage.founded.operator, PROJECT, "A court's order.")
    assert refused(linkage.correct(2)) == (409, "legal-hold")
    assert linkage.round()["state"] == "open"
