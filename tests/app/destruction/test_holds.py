"""Legal holds: who sets and lifts them, and that nothing is destroyed in between."""

from __future__ import annotations

import pytest
from rigs.answers import code_of, refusal
from rigs.destroying import destroy, destructions, hold_notice, keys, send, statement
from rigs.enrolled import EnrolledPerson
from rigs.late import amend
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage
from samples.round_files import two_files

from app.agreements import holds
from app.agreements.holds import lift_holds, set_hold
from app.destruction.certification import finish
from app.destruction.service import Wanted, begin
from app.errors import HOLD_REFUSED, LEGAL_HOLD, STATEMENT_REFUSED
from app.uploads import service
from app.worker.sweeper import Sweeper
from schemas.api.logged_requests import hold_digest
from schemas.signing.signed_request import HEADER
from tests.samples.refusals import raises

PATH = f"projects/{PROJECT}/legal-holds"


def operator_hold(linkage: Linkage) -> None:
    with linkage.broker.database.write() as session:
        set_hold(session, linkage.broker, linkage.founded.operator, PROJECT, "Case 26-17")


def operator_lift(linkage: Linkage) -> None:
    with linkage.broker.database.write() as session:
        lift_holds(session, linkage.broker, linkage.founded.operator, PROJECT)


def test_under_a_hold_nothing_expires_and_nothing_is_destroyed_until_it_is_lifted(
    linked: Linkage,
) -> None:
    operator_hold(linked)
    linked.founded.clock.move(days=200)
    before = keys(linked)
    Sweeper(linked.broker).sweep()
    refused = destroy(linked)
    assert refusal(refused) == (409, LEGAL_HOLD.code)
    assert refused.json()["clause"] == "legal-hold"
    assert keys(linked) == before
    # When it is lifted what is overdue goes.
    operator_lift(linked)
    Sweeper(linked.broker).sweep()
    assert keys(linked) == []
    assert [found["reason"] for found in destructions(linked)] == ["retention"]


def test_claims_that_others_replace_are_kept_under_a_hold(linked: Linkage) -> None:
    assert linked.put_claims(CHILD_WELFARE, SCHOOL, b"first").status_code == 200
    operator_hold(linked)
    before = keys(linked)
    assert linked.put_claims(CHILD_WELFARE, SCHOOL, b"second").status_code == 200
    Sweeper(linked.broker).sweep()
    assert set(before) < set(keys(linked))
    operator_lift(linked)
    Sweeper(linked.broker).sweep()
    (first,) = set(before) - set(keys(linked))
    assert first.startswith("msg-")
    assert linked.get_claims(SCHOOL, CHILD_WELFARE).content == b"second"


@pytest.mark.parametrize("how", ["by age", "by another one", "by the round's end"])
def test_an_upload_that_never_came_whole_is_kept_under_a_hold(linkage: Linkage, how: str) -> None:
    linkage.open_round()
    left, _ = two_files(linkage.rng, 20, 12, 0)
    upload = linkage.send(linkage.container(left, CHILD_WELFARE), CHILD_WELFARE)
    operator_hold(linkage)
    if how == "by another one":
        other = linkage.send(linkage.container(left[:-1], CHILD_WELFARE), CHILD_WELFARE)
        assert linkage.get(f"/v1/uploads/{other}").json()["state"] == "open"
    linkage.founded.clock.move(hours=25 if how != "by the round's end" else 24 * 60)
    Sweeper(linkage.broker).sweep()
    assert upload in keys(linkage)
    operator_lift(linkage)
    Sweeper(linkage.broker).sweep()
    assert keys(linkage) == []
    assert linkage.get(f"/v1/uploads/{upload}").json()["state"] == "expired"


def test_under_a_hold_a_party_replaces_so_many_uploads_of_a_round(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_REPLACED", 2)
    linkage.open_round()
    operator_hold(linkage)
    left, _ = two_files(linkage.rng, 20, 12, 0)
    made = [linkage.container(left[n:], CHILD_WELFARE) for n in range(4)]
    opened = [linkage.send(one, CHILD_WELFARE) for one in made[:3]]
    Sweeper(linkage.broker).sweep()
    refused = linkage.open(made[3], CHILD_WELFARE)
    assert refusal(refused) == (409, "too-many-uploads")
    assert sorted(keys(linkage)) == sorted(opened)
    # The open one is resumed, and committed; the partner has uploads of its own.
    assert linkage.open(made[2], CHILD_WELFARE).json()["upload"] == opened[2]
    linkage.send(linkage.container(left, SCHOOL), SCHOOL)
    operator_lift(linkage)
    Sweeper(linkage.broker).sweep()
    assert linkage.open(made[3], CHILD_WELFARE).status_code == 201


def test_what_was_replaced_goes_with_the_project(linked: Linkage) -> None:
    linked.put_claims(CHILD_WELFARE, SCHOOL, b"first")
    operator_hold(linked)
    linked.put_claims(CHILD_WELFARE, SCHOOL, b"second")
    operator_lift(linked)
    with linked.broker.database.write() as session:
        destruction = begin(session, linked.broker, Wanted(PROJECT, "project")).id
    assert finish(linked.broker, destruction)
    assert keys(linked) == []


def test_the_agreed_day_waits_for_a_hold(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(end="2026-09-10", destroy_by="2026-09-10")
    linkage.upload_both()
    operator_hold(linkage)
    linkage.founded.clock.move(days=20)
    Sweeper(linkage.broker).sweep()
    assert len(keys(linkage)) == 2
    operator_lift(linkage)
    Sweeper(linkage.broker).sweep()
    assert keys(linkage) == []


def test_terms_with_a_hold_keep_everything(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(has_legal_hold=True)
    linkage.upload_both()
    linkage.founded.clock.move(days=200)
    Sweeper(linkage.broker).sweep()
    assert len(keys(linkage)) == 2
    assert code_of(destroy(linkage)) == LEGAL_HOLD.code
    assert linkage.get(f"/v1/{PATH}").json() == {"is_held": True, "holds": []}


def test_a_steward_sets_and_lifts_a_hold_by_signature(linked: Linkage, ann: EnrolledPerson) -> None:
    answer = send(ann, PATH, hold_notice(ann, "set", "Order of 1 September"))
    assert answer.status_code == 200, answer.text
    (hold,) = answer.json()["holds"]
    assert (hold["party"], hold["order"]) == (CHILD_WELFARE, "Order of 1 September")
    assert destroy(linked).status_code == 409
    linked.founded.clock.move(hours=1)
    lifted = send(ann, PATH, hold_notice(ann, "lift")).json()
    assert (lifted["is_held"], lifted["holds"][0]["lifted"] is None) == (False, False)
    assert destroy(linked).status_code == 200
    assert "legal-hold-lifted" in linked.log_kinds()


def test_the_same_notice_again_changes_nothing(linked: Linkage, ann: EnrolledPerson) -> None:
    notice = hold_notice(ann, "set")
    first = send(ann, PATH, notice).json()
    assert send(ann, PATH, notice).json() == first
    linked.founded.clock.move(hours=1)
    send(ann, PATH, hold_notice(ann, "lift"))
    again = send(ann, PATH, notice).json()
    assert again["is_held"] is False


def test_a_hold_is_lifted_by_who_set_it_alone(linked: Linkage, ann: EnrolledPerson) -> None:
    operator_hold(linked)
    assert code_of(send(ann, PATH, hold_notice(ann, "lift"))) == HOLD_REFUSED.code
    send(ann, PATH, hold_notice(ann, "set"))
    operator_lift(linked)
    assert linked.get(f"/v1/{PATH}").json()["is_held"] is True
    with raises(HOLD_REFUSED):
        operator_lift(linked)


def test_no_hold_is_lifted_by_a_request_that_was_signed_before_it_was_set(
    linked: Linkage, ann: EnrolledPerson
) -> None:
    assert send(ann, PATH, hold_notice(ann, "set")).status_code == 200
    linked.founded.clock.move(minutes=1)
    lift = hold_notice(ann, "lift")
    states = hold_digest("lift", "", lift.digest())
    linked.founded.clock.move(seconds=-61)
    early = ann.sign(f"POST /v1/{PATH}", states)
    linked.founded.clock.move(seconds=61)
    headers = {**linked.as_party(CHILD_WELFARE), HEADER: early}
    answer = linked.client.post(f"/v1/{PATH}", json=lift.to_json(), headers=headers)
    assert code_of(answer) == HOLD_REFUSED.code
    assert send(ann, PATH, lift).json()["is_held"] is False


def test_a_notice_counts_only_by_the_one_who_sends_it(
    linked: Linkage, ann: EnrolledPerson, kim: EnrolledPerson
) -> None:
    other = EnrolledPerson.confirmed(linked.founded, linked.client, CHILD_WELFARE, "steward")
    assert code_of(send(ann, PATH, hold_notice(other, "set"))) == STATEMENT_REFUSED.code
    assert code_of(send(kim, PATH, hold_notice(ann, "set"))) == STATEMENT_REFUSED.code
    forged = hold_notice(ann, "set").model_copy(
        update={"signature": hold_notice(ann, "lift").signature}
    )
    assert code_of(send(ann, PATH, forged)) == STATEMENT_REFUSED.code
    assert code_of(send(ann, PATH, statement(ann))) == HOLD_REFUSED.code
    assert linked.get(f"/v1/{PATH}").json()["is_held"] is False


def test_a_party_sets_so_many_holds_a_day_and_no_more(
    linked: Linkage, ann: EnrolledPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "MAX_HOLDS_A_DAY", 2)
    for order in ("first", "second"):
        assert send(ann, PATH, hold_notice(ann, "set", order)).status_code == 200
    assert code_of(send(ann, PATH, hold_notice(ann, "set", "third"))) == HOLD_REFUSED.code
    operator_hold(linked)
    assert send(ann, PATH, hold_notice(ann, "lift")).status_code == 200
    linked.founded.clock.move(days=1)
    assert send(ann, PATH, hold_notice(ann, "set", "third")).status_code == 200


def leave(linked: Linkage, name: str) -> None:
    """Let all parties sign an agreement that names this one no more."""
    parties = linked.agreement.to_json()["parties"]
    amend(linked, parties=[one for one in parties if one["name"] != name])
    Sweeper(linked.broker).sweep()


def test_a_party_that_has_left_lifts_its_own_hold_and_sees_no_other(linked: Linkage) -> None:
    sue = linked.person(AUDITOR, "auditor")
    assert send(sue, PATH, hold_notice(sue, "set")).status_code == 200
    leave(linked, AUDITOR)
    operator_hold(linked)
    assert linked.get(f"/v1/projects/{PROJECT}", AUDITOR, "auditor").status_code == 404
    (own,) = linked.get(f"/v1/{PATH}", AUDITOR, "auditor").json()["holds"]
    assert (own["party"], own["lifted"]) == (AUDITOR, None)
    linked.founded.clock.move(minutes=1)
    assert send(sue, PATH, hold_notice(sue, "set", "Another")).status_code == 404
    lifted = send(sue, PATH, hold_notice(sue, "lift"))
    assert lifted.status_code == 200, lifted.text
    assert [one["lifted"] is None for one in lifted.json()["holds"]] == [False]
    operator_lift(linked)
    assert destroy(linked).status_code == 200


def test_a_party_that_has_left_without_a_hold_sees_none_and_lifts_none(linked: Linkage) -> None:
    sue = linked.person(AUDITOR, "auditor")
    leave(linked, AUDITOR)
    operator_hold(linked)
    assert linked.get(f"/v1/{PATH}", AUDITOR, "auditor").status_code == 404
    assert send(sue, PATH, hold_notice(sue, "lift")).status_code == 404


def test_under_a_hold_no_run_takes_encodings_whose_time_is_over(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(keep_encodings_days=1)
    linkage.open_round()
    left, right = two_files(linkage.rng, 20, 12, 0)
    linkage.upload(left, CHILD_WELFARE)
    operator_hold(linkage)
    linkage.founded.clock.move(days=2)
    linkage.upload(right, SCHOOL)
    linkage.work()
    assert (linkage.run()["state"], linkage.run()["failure"]) == ("failed", "key-gone")
    assert len([name for name in keys(linkage) if name.startswith("upl-")]) == 2
