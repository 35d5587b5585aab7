"""What the agreement wants approved waits: runs before they start, releases before they are handed out."""

from __future__ import annotations

from typing import Any

import pytest
from rigs.answers import refusal
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL
from rigs.signed import Accord
from samples.round_files import random_people

from app.runs import standing_approvals as approvals_in_advance
from app.worker.sweeper import Sweeper
from schemas.agreement.negotiation import PendingApprovals, RunApprovals, StandingList


def rule(**changes: Any) -> dict[str, Any]:
    return {
        "runs": "standing",
        "parties": [CHILD_WELFARE, SCHOOL],
        "asker_suffices": False,
        "releases": False,
        **changes,
    }


def asked(accord: Accord) -> dict[str, Any]:
    """Let both parties upload for the next round, and return its run."""
    accord.upload_both()
    return accord.run()


def state(accord: Accord, run: dict[str, Any]) -> str:
    return str(accord.get(f"/v1/runs/{run['run']}").json()["state"])


def pending(accord: Accord) -> list[tuple[str, str, tuple[str, ...]]]:
    body = accord.get(f"/v1/projects/{PROJECT}/pending-approvals").json()
    return [(one.run, one.step, one.missing) for one in PendingApprovals.from_json(body).pending]


def standing(accord: Accord) -> StandingList:
    return StandingList.from_json(accord.get(accord.about("standing-approvals")).json())


def test_a_run_waits_until_every_party_has_approved_it(awaiting: Accord) -> None:
    run = awaiting.run()
    assert run["state"] == "awaiting"
    awaiting.work()
    assert state(awaiting, run) == "awaiting"
    assert pending(awaiting) == [(run["run"], "run", (CHILD_WELFARE, SCHOOL))]
    view = RunApprovals.from_json(awaiting.approve("ann", run).json())
    assert (view.missing, view.missing_for_release) == ((SCHOOL,), None)
    awaiting.work()
    assert state(awaiting, run) == "awaiting"
    assert RunApprovals.from_json(awaiting.approve("lee", run).json()).missing == ()
    assert state(awaiting, run) == "queued"
    awaiting.work()
    assert state(awaiting, run) == "succeeded"
    assert pending(awaiting) == []


def test_an_approval_is_of_one_run_by_its_specification_once_and_in_time(awaiting: Accord) -> None:
    run = awaiting.run()
    approval = awaiting.approval("ann", run)
    path = f"/v1/runs/{run['run']}/approvals"
    for fields in (
        {"specification_sha256": "0" * 64},
        {"expires": "2026-09-01T06:00:00Z"},
        {"expires": "2026-10-02T06:00:00Z"},
        {"at": "2026-09-01T06:10:00Z"},
    ):
        assert refusal(awaiting.approve("ann", run, **fields)) == (422, "statement-refused")
    elsewhere = awaiting.approval("ann", {**run, "run": "run-" + "0" * 32})
    assert refusal(awaiting.post(path, "ann", elsewhere)) == (422, "statement-refused")
    forged = awaiting.signed(
        "ann",
        "run-approval",
        by="bob",
        **{
            name: value
            for name, value in approval.statement.to_json().items()
            if name in ("approval", "step", "run", "specification_sha256", "expires")
        },
    )
    assert refusal(awaiting.post(path, "ann", forged)) == (422, "statement-refused")
    assert refusal(awaiting.post(path, "lee", approval)) == (422, "statement-refused")
    assert refusal(awaiting.approve("bob", run)) == (403, "wrong-duty")
    assert refusal(awaiting.approve("ann", run, "release")) == (409, "out-of-place")
    first = awaiting.post(path, "ann", approval)
    kinds = awaiting.log_kinds()
    assert awaiting.post(path, "ann", approval).json() == first.json()
    assert refusal(awaiting.approve("ann", run)) == (409, "out-of-place")
    again = awaiting.approve("lee", run, approval=approval.statement.approval)
    assert refusal(again) == (409, "out-of-place")
    assert awaiting.log_kinds() == kinds


def test_a_party_that_the_agreement_does_not_ask_cannot_approve(accord: Accord) -> None:
    accord.agree(accord.first(approvals=rule(parties=[SCHOOL], asker_suffices=True)))
    run = asked(accord)
    assert refusal(accord.approve("ann", run)) == (409, "out-of-place")
    accord.approve("kim", run)
    assert state(accord, run) == "queued"


def test_a_standing_approval_lets_runs_start_until_they_are_used_up(agreed: Accord) -> None:
    for name in ("ann", "lee"):
        assert agreed.stand(name, runs=2).status_code == 200
    for n_used in (1, 2):
        run = asked(agreed)
        assert run["state"] == "queued"
        agreed.work()
        assert [one.used for one in standing(agreed).approvals] == [n_used, n_used]
    run = asked(agreed)
    assert run["state"] == "awaiting"
    agreed.approve("ann", run)
    assert agreed.stand("kim", runs=1).status_code == 200
    assert state(agreed, run) == "queued"


def test_a_run_that_fails_or_is_cancelled_gives_the_use_back(agreed: Accord) -> None:
    for name in ("ann", "lee"):
        agreed.stand(name, runs=1)
    run = asked(agreed)
    headers = agreed.as_person("bob")
    agreed.client.post(f"/v1/runs/{run['run']}/cancel", headers=headers)
    assert [one.used for one in standing(agreed).approvals] == [0, 0]
    assert asked(agreed)["state"] == "queued"


def test_a_standing_approval_is_of_one_policy_and_ends_with_its_day(agreed: Accord) -> None:
    agreed.stand("ann", policy_sha256="0" * 64)
    agreed.stand("lee", until="2026-09-01")
    assert pending_parties(agreed) == (CHILD_WELFARE,)
    agreed.sleep(days=1)
    assert pending_parties(agreed) == (CHILD_WELFARE, SCHOOL)
    assert refusal(agreed.stand("lee", until="2026-09-01")) == (422, "statement-refused")


def pending_parties(accord: Accord) -> tuple[str, ...]:
    run = asked(accord)
    return next(missing for found, _, missing in pending(accord) if found == run["run"])


def test_a_standing_approval_that_is_taken_back_ends_the_runs_it_stood_for(agreed: Accord) -> None:
    for name in ("ann", "lee"):
        agreed.stand(name)
    run = asked(agreed)
    (mine,) = [one for one in standing(agreed).approvals if one.signed.statement.party == SCHOOL]
    approval = mine.signed.statement.approval  # type: ignore[union-attr]
    assert refusal(agreed.take_back("ann", approval)) == (404, "not-found")
    assert agreed.take_back("lee", approval).status_code == 200
    assert state(agreed, run) == "cancelled"
    assert refusal(agreed.take_back("kim", approval)) == (409, "out-of-place")
    assert asked(agreed)["state"] == "awaiting"


def test_a_standing_approval_like_one_that_no_run_has_used_is_refused_and_not_logged(
    agreed: Accord,
) -> None:
    for name in ("ann", "kim"):
        assert agreed.stand(name, runs=2).status_code == 200
    n_entries = len(agreed.log_entries())
    assert refusal(agreed.stand("ann", runs=2)) == (409, "out-of-place")
    assert len(agreed.log_entries()) == n_entries
    assert len(standing(agreed).approvals) == 2
    assert asked(agreed)["state"] == "queued"
    assert agreed.stand("ann", runs=2).status_code == 200


def test_a_standing_approval_that_was_taken_back_can_be_given_again(agreed: Accord) -> None:
    agreed.stand("ann")
    (mine,) = standing(agreed).approvals
    agreed.take_back("ann", mine.signed.statement.approval)  # type: ignore[union-attr]
    assert agreed.stand("ann").status_code == 200


def test_a_party_gives_so_many_standing_approvals_in_a_month(
    accord: Accord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals_in_advance, "MAX_RECENT", 3)
    accord.agree()
    for runs in (1, 2, 3):
        assert accord.stand("ann", runs=runs).status_code == 200
    (*_, mine) = standing(accord).approvals
    accord.take_back("ann", mine.signed.statement.approval)  # type: ignore[union-attr]
    n_entries = len(accord.log_entries())
    assert refusal(accord.stand("ann", runs=4)) == (409, "too-many-approvals")
    assert len(accord.log_entries()) == n_entries
    assert accord.stand("kim").status_code == 200
    accord.sleep(days=31)
    assert accord.stand("ann", runs=4).status_code == 200


def test_where_each_run_is_approved_there_is_nothing_in_advance(accord: Accord) -> None:
    accord.agree(accord.first(approvals=rule(runs="each")))
    assert refusal(accord.stand("ann")) == (409, "out-of-place")


def released(accord: Accord) -> tuple[dict[str, Any], str]:
    accord.agree(accord.first(approvals=rule(releases=True)))
    run = asked(accord)
    for name in ("ann", "lee"):
        accord.approve(name, run)
    accord.work()
    releases = accord.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    return run, f"/v1/releases/{releases[0]['release']}/file"


def test_nothing_is_handed_out_before_the_release_is_approved(accord: Accord) -> None:
    run, file = released(accord)
    refused = accord.get(file)
    assert (*refusal(refused), refused.json()["clause"]) == (409, "not-approved", "approvals")
    assert pending(accord) == [(run["run"], "release", (CHILD_WELFARE, SCHOOL))]
    accord.approve("ann", run, "release")
    assert refusal(accord.get(file)) == (409, "not-approved")
    assert accord.approve("lee", run, "release").status_code == 200
    assert accord.get(file).status_code == 200
    assert pending(accord) == []


def test_who_uploaded_does_not_approve_the_release(accord: Accord) -> None:
    run, file = released(accord)
    accord.approve("ann", run, "release")
    assert refusal(accord.approve("kim", run, "release")) == (409, "uploader-approves")
    assert refusal(accord.get(file)) == (409, "not-approved")


def test_an_approval_of_a_release_that_expires_before_the_others_come_is_given_anew(
    accord: Accord,
) -> None:
    run, file = released(accord)
    accord.approve("ann", run, "release", expires="2026-09-03T06:00:00Z")
    assert pending(accord) == [(run["run"], "release", (SCHOOL,))]
    accord.sleep(days=3)
    assert pending(accord) == [(run["run"], "release", (CHILD_WELFARE, SCHOOL))]
    view = RunApprovals.from_json(accord.approve("lee", run, "release").json())
    assert view.missing_for_release == (CHILD_WELFARE,)
    assert refusal(accord.get(file)) == (409, "not-approved")
    again = accord.approve("ann", run, "release", expires="2026-09-07T06:00:00Z")
    assert again.status_code == 200, again.text
    assert accord.get(file).status_code == 200
    accord.sleep(days=7)
    assert accord.get(file).status_code == 200


def test_a_run_that_waits_in_vain_is_cancelled(accord: Accord) -> None:
    # The round stays open for longer than a run may wait.
    accord.agree(
        accord.first(
            schedule={"frequency": "on-request", "due": None, "round_days": 60, "note": None}
        )
    )
    run = asked(accord)
    accord.sleep(days=29)
    Sweeper(accord.broker).sweep()
    assert state(accord, run) == "awaiting"
    accord.sleep(days=1)
    Sweeper(accord.broker).sweep()
    assert state(accord, run) == "cancelled"


def test_a_run_cannot_be_approved_under_another_agreement_than_it_was_asked_for(
    awaiting: Accord,
) -> None:
    run = awaiting.run()
    awaiting.agree(awaiting.amended(end="2027-01-31"))
    assert refusal(awaiting.approve("ann", run)) == (409, "not-in-force")
    Sweeper(awaiting.broker).sweep()
    assert state(awaiting, run) == "cancelled"


@pytest.mark.parametrize("act", ["suspend", "withdraw"])
def test_a_run_that_waits_does_not_start_once_a_party_has_halted_the_linkage(
    awaiting: Accord, act: str
) -> None:
    run = awaiting.run()
    for name in ("ann", "lee"):
        awaiting.approve(name, run)
    awaiting.notice("kim", act)
    awaiting.work()
    view = awaiting.get(f"/v1/runs/{run['run']}").json()
    assert (view["state"], view["failure"]) == ("failed", "not-in-force")


def test_no_more_rounds_than_agreed_and_corrections_count_too(accord: Accord) -> None:
    limits = accord.agreement.to_json()["limits"] | {"budget": {"rounds": 2, "days": 7}}
    accord.agree(accord.first(limits=limits))
    accord.upload_both()
    accord.offer_all()
    assert accord.correct(1).status_code == 201
    refused = accord.correct(2)
    assert (*refusal(refused), refused.json()["clause"]) == (409, "round-budget", "round-budget")
    accord.sleep(days=7)
    Sweeper(accord.broker).sweep()
    accord.upload_both()
    assert accord.round()["round"] == 3


def test_a_run_chooses_a_policy_within_the_range_that_is_agreed(accord: Accord) -> None:
    reach = {"auto_from": "0.95", "auto_to": "0.995", "review_from": "0.5", "review_to": "0.5"}
    accord.agree(accord.first(policy_range=reach))
    accord.upload_both()
    accord.client.post(f"/v1/runs/{accord.run_id()}/cancel", headers=accord.as_person("kim"))
    policy = accord.agreement.to_json()["policy"]
    for other in ({"auto": "0.999"}, {"lead": 2}, {"twin_guard": True}):
        refused = accord.ask(policy=policy | other)
        assert (*refusal(refused), refused.json()["clause"]) == (
            409,
            "other-policy",
            "policy-range",
        )
    chosen = accord.ask(policy=policy | {"auto": "0.95"})
    assert chosen.json()["specification"]["policy"]["auto"] == "0.95"


def test_files_of_days_too_far_apart_or_too_long_ago_are_refused(accord: Accord) -> None:
    population = accord.agreement.to_json()["population"]
    population |= {"max_age_days": 7, "max_gap_days": 2}
    accord.agree(accord.first(population=population))
    accord.upload(random_people(accord.rng, 5), CHILD_WELFARE)
    accord.sleep(days=3)
    made = accord.container(random_people(accord.rng, 5), SCHOOL)
    upload = accord.send(made, SCHOOL)
    old = accord.manifest(made, SCHOOL, as_of="2026-08-27")
    assert refusal(accord.commit(upload, old, SCHOOL)) == (409, "as-of-too-old")
    refused = accord.commit(upload, accord.manifest(made, SCHOOL), SCHOOL)
    assert (*refusal(refused), refused.json()["clause"]) == (409, "as-of-gap", "as-of-max-gap-days")
    near = accord.manifest(made, SCHOOL, as_of="2026-09-02")
    assert accord.commit(upload, near, SCHOOL).status_code == 200


def test_a_run_does_not_start_on_an_approval_that_has_expired_meanwhile(awaiting: Accord) -> None:
    run = awaiting.run()
    awaiting.approve("ann", run, expires="2026-09-03T06:00:00Z")
    awaiting.sleep(days=1)
    Sweeper(awaiting.broker).sweep()
    assert state(awaiting, run) == "awaiting"
    awaiting.sleep(days=1)
    late = awaiting.approve("lee", run)
    assert (*refusal(late), "expired" in late.json()["detail"]) == (409, "out-of-place", True)
    assert awaiting.stand("kim").status_code == 200
    assert state(awaiting, run) == "awaiting"
    Sweeper(awaiting.broker).sweep()
    assert state(awaiting, run) == "cancelled"


def test_a_run_that_has_all_its_approvals_keeps_them(awaiting: Accord) -> None:
    run = awaiting.run()
    awaiting.approve("ann", run, expires="2026-09-03T06:00:00Z")
    awaiting.approve("lee", run)
    awaiting.sleep(days=3)
    Sweeper(awaiting.broker).sweep()
    assert state(awaiting, run) == "queued"
    awaiting.work()
    assert state(awaiting, run) == "succeeded"
