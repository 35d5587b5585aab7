"""Asking for a run, watching it and cancelling it, over HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest
from oracles.containers import random_rows
from oracles.linkage_rig import (
    AUDITOR,
    BITS,
    CHILD_WELFARE,
    PROJECT,
    SCHOOL,
    Linkage,
    MakeLinkage,
    one_bit_less,
    two_files,
)

from schemas.api import RunView
from schemas.problem import MEDIA_TYPE
from schemas.run import MatchingPolicy, Recipient


def code_of(answer) -> str:
    assert answer.headers["content-type"] == MEDIA_TYPE
    return str(answer.json()["type"]).rsplit(":", 1)[1]


def test_a_run_is_specified_by_the_newest_uploads_and_the_terms(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.founded.clock.move(hours=1)
    linkage.upload_both()
    answer = linkage.ask()
    assert answer.status_code == 202
    view = RunView.from_json(answer.json())
    newest = linkage.get(f"/v1/projects/{PROJECT}/uploads").json()["uploads"][0]["upload"]
    assert view.state == "queued"
    assert [upload.party for upload in view.specification.uploads] == [CHILD_WELFARE, SCHOOL]
    assert view.specification.uploads[0].upload == newest
    assert view.specification.agreement == linkage.terms.digest()
    assert view.specification.digest() == view.specification_sha256
    assert linkage.log_entries()[-1]["body"]["specification"] == view.specification.to_json()


def test_asking_again_while_it_waits_gives_the_same_run(linkage: Linkage) -> None:
    linkage.upload_both()
    first = linkage.ask().json()["run"]
    assert linkage.ask(SCHOOL).json()["run"] == first
    assert linkage.log_kinds().count("run-asked") == 1


def test_asking_again_after_a_new_upload_gives_another_run(linkage: Linkage) -> None:
    linkage.upload_both()
    first = linkage.ask().json()["run"]
    linkage.upload(random_rows(linkage.rng, 10, bits=BITS), SCHOOL)
    assert linkage.ask().json()["run"] != first


def test_whoever_asks_after_it_has_succeeded_gets_the_same_run(linkage: Linkage) -> None:
    linkage.upload_both()
    first = linkage.ask().json()["run"]
    linkage.work()
    for party in (CHILD_WELFARE, SCHOOL):
        view = linkage.ask(party).json()
        assert (view["run"], view["state"]) == (first, "succeeded")
    assert linkage.log_kinds().count("run-asked") == 1


def test_a_run_that_has_succeeded_is_made_again_on_demand(linkage: Linkage) -> None:
    linkage.upload_both()
    first = linkage.ask().json()["run"]
    linkage.work()
    second = linkage.ask(again=True).json()["run"]
    assert second != first
    assert linkage.ask(SCHOOL, again=True).json()["run"] == second
    linkage.work()
    assert linkage.ask().json()["run"] in {first, second}


def test_the_newest_of_runs_on_the_same_uploads_is_the_one(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.ask()
    linkage.work()
    linkage.founded.clock.move(minutes=1)
    second = linkage.ask(again=True).json()["run"]
    linkage.work()
    assert linkage.ask(SCHOOL).json()["run"] == second


def test_a_run_whose_releases_are_gone_is_made_again(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(keep_links_days=5)
    linkage.upload_both()
    first = linkage.ask().json()["run"]
    linkage.work()
    linkage.founded.clock.move(days=5)
    assert linkage.ask().json()["run"] != first


def test_a_run_that_has_failed_is_made_again(make_linkage: MakeLinkage) -> None:
    policy = MatchingPolicy(
        auto="0.80", review="0.70", margin="0", solver="one-to-one", max_pairs=5
    )
    linkage = make_linkage(policy=policy)
    linkage.upload_both(20, 6)
    first = linkage.ask().json()["run"]
    linkage.work()
    assert linkage.ask().json()["run"] != first


def test_the_same_idempotency_key_gives_the_same_run_even_when_it_has_ended(
    linkage: Linkage,
) -> None:
    linkage.upload_both()
    first = linkage.ask(key="k").json()["run"]
    linkage.work()
    again = linkage.ask(key="k").json()
    assert (again["run"], again["state"]) == (first, "succeeded")


def test_an_idempotency_key_with_another_request_is_refused(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.ask(key="k")
    answer = linkage.ask(key="k", purpose="school-support")
    assert (answer.status_code, code_of(answer)) == (422, "idempotency-key-reused")


def test_a_run_waits_for_every_provider_and_says_for_whom(linkage: Linkage) -> None:
    linkage.upload(random_rows(linkage.rng, 10, bits=BITS), CHILD_WELFARE)
    answer = linkage.ask()
    assert (answer.status_code, code_of(answer)) == (409, "uploads-missing")
    assert SCHOOL in answer.json()["detail"]
    assert CHILD_WELFARE not in answer.json()["detail"]


def test_an_upload_past_its_keeping_time_counts_as_gone(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.founded.clock.move(days=30)
    assert code_of(linkage.ask()) == "uploads-missing"


def test_another_purpose_than_the_terms_name_is_refused(linkage: Linkage) -> None:
    linkage.upload_both()
    answer = linkage.ask(purpose="research")
    assert (answer.status_code, code_of(answer)) == (409, "other-purpose")
    assert linkage.ask(purpose="school-support").status_code == 202


def test_a_party_that_only_receives_may_neither_ask_nor_cancel(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(
        providers=(SCHOOL,),
        recipients=(Recipient(party=CHILD_WELFARE, mode="count", space="shared"),),
    )
    linkage.upload(random_rows(linkage.rng, 10, bits=BITS), SCHOOL)
    assert code_of(linkage.ask(CHILD_WELFARE)) == "not-a-provider"
    run = linkage.ask(SCHOOL).json()["run"]
    answer = linkage.client.post(f"/v1/runs/{run}/cancel", headers=linkage.as_party(CHILD_WELFARE))
    assert code_of(answer) == "not-a-provider"


def test_nothing_runs_outside_the_dates_of_the_terms(linkage: Linkage) -> None:
    linkage.upload_both()
    linkage.founded.clock.move(days=600)
    answer = linkage.ask()
    assert (answer.status_code, code_of(answer)) == (409, "not-in-force")


def cancel(linkage: Linkage, run: str, party: str = CHILD_WELFARE, role: str = "agency"):
    return linkage.client.post(f"/v1/runs/{run}/cancel", headers=linkage.as_party(party, role))


@pytest.mark.parametrize(
    ("party", "role", "reason"),
    [(SCHOOL, "agency", "by-agency"), ("operator", "operator", "by-operator")],
)
def test_a_run_that_waits_can_be_cancelled_by_a_provider_and_by_the_operator(
    linkage: Linkage, party: str, role: str, reason: str
) -> None:
    linkage.upload_both()
    run = linkage.ask().json()["run"]
    answer = cancel(linkage, run, party, role)
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    entry = linkage.log_entries()[-1]
    assert (entry["kind"], entry["body"]) == ("run-cancelled", {"reason": reason})
    linkage.work()
    assert linkage.get(f"/v1/runs/{run}").json()["state"] == "cancelled"


def test_cancelling_again_changes_nothing(linkage: Linkage) -> None:
    linkage.upload_both()
    run = linkage.ask().json()["run"]
    cancel(linkage, run)
    assert cancel(linkage, run).status_code == 200
    assert linkage.log_kinds().count("run-cancelled") == 1


def test_a_run_that_has_ended_cannot_be_cancelled(linkage: Linkage) -> None:
    linkage.upload_both()
    run = linkage.ask().json()["run"]
    linkage.work()
    answer = cancel(linkage, run)
    assert (answer.status_code, code_of(answer)) == (409, "run-over")


def test_a_cancelled_run_is_no_longer_the_one_under_way(linkage: Linkage) -> None:
    linkage.upload_both()
    first = linkage.ask().json()["run"]
    cancel(linkage, first)
    assert linkage.ask().json()["run"] != first


def test_a_run_of_a_foreign_project_answers_like_one_that_does_not_exist(linkage: Linkage) -> None:
    linkage.upload_both()
    run = linkage.ask().json()["run"]
    linkage.founded.enrol("stranger")
    foreign = linkage.get(f"/v1/runs/{run}", "stranger")
    absent = linkage.get(f"/v1/runs/run-{'0' * 32}", "stranger")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() | {"request": ""} == absent.json() | {"request": ""}
    assert cancel(linkage, run, "stranger").status_code == 404


def counts(linkage: Linkage, run: str, party: str, role: str) -> dict:
    return linkage.get(f"/v1/runs/{run}", party, role).json()["counts"]


def test_counts_at_the_floor_are_shown_to_all(linkage: Linkage) -> None:
    linkage.upload_both(20, 3)
    run = linkage.ask().json()["run"]
    linkage.work()
    for party, role in ((CHILD_WELFARE, "agency"), (AUDITOR, "auditor"), ("operator", "operator")):
        assert counts(linkage, run, party, role)["groups"] == 3


def test_counts_below_the_floor_are_shown_only_to_those_who_receive_the_links(
    linkage: Linkage,
) -> None:
    linkage.upload_both(20, 2)
    run = linkage.ask().json()["run"]
    linkage.work()
    hidden = {"candidate_pairs": None, "auto_pairs": None, "review_pairs": None, "groups": None}
    for party, role in ((AUDITOR, "auditor"), ("operator", "operator")):
        assert counts(linkage, run, party, role) == hidden
    assert counts(linkage, run, CHILD_WELFARE, "agency") == hidden | {"auto_pairs": 2, "groups": 2}
    finished = next(entry for entry in linkage.log_entries() if entry["kind"] == "run-finished")
    assert {finished["body"][name] for name in hidden} == {None}


def test_a_hidden_count_cannot_be_computed_from_those_that_are_shown(linkage: Linkage) -> None:
    linkage.upload_both(20, 12)
    run = linkage.ask().json()["run"]
    linkage.work()
    for party, role in ((CHILD_WELFARE, "agency"), (AUDITOR, "auditor"), ("operator", "operator")):
        seen = counts(linkage, run, party, role)
        assert seen == {
            "candidate_pairs": None,
            "auto_pairs": 12,
            "review_pairs": None,
            "groups": 12,
        }
    finished = next(entry for entry in linkage.log_entries() if entry["kind"] == "run-finished")
    assert (finished["body"]["auto_pairs"], finished["body"]["candidate_pairs"]) == (12, None)


NAMES = ("candidate_pairs", "auto_pairs", "review_pairs", "groups")
ONE_RECIPIENT = (Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),)


def told_to_provider(linkage: Linkage) -> set[tuple]:
    """Return what a provider without links reads that a run's result may be seen in."""
    run = linkage.ask(SCHOOL, again=True).json()["run"]
    linkage.work()
    finished, *prepared = linkage.log_entries()[-2:]
    assert [finished["kind"], *(e["kind"] for e in prepared)] == [
        "run-finished",
        "release-prepared",
    ]
    return {
        tuple(counts(linkage, run, SCHOOL, "agency").values()),
        tuple(finished["body"][name] for name in NAMES),
        tuple(entry["body"]["links"] for entry in prepared),
    }


def test_a_provider_without_links_reads_the_same_whatever_was_linked(
    make_linkage: MakeLinkage,
) -> None:
    """It leaves out one record at a time: nothing that it reads tells whether that one is linked."""
    linkage = make_linkage(recipients=ONE_RECIPIENT)
    left, right = two_files(linkage.rng, 30, 12)
    linkage.upload(left, CHILD_WELFARE)
    linkage.upload(right, SCHOOL)
    seen = told_to_provider(linkage)
    for n_left_out in (1, 2, 16):
        linkage.upload(right[n_left_out:], SCHOOL)
        seen |= told_to_provider(linkage)
    assert seen == {(None,) * 4, (None,)}
    # Whoever watches sees what it was.
    listed = linkage.get(f"/v1/projects/{PROJECT}/runs", AUDITOR, "auditor").json()["runs"]
    auto_pairs = {run["counts"]["auto_pairs"] for run in listed}
    assert auto_pairs == {12, 11, 10, None}


def test_pairs_that_are_held_back_are_counted_for_no_agency(make_linkage: MakeLinkage) -> None:
    policy = MatchingPolicy(auto="1", review="0.70", margin="0", solver="one-to-one")
    linkage = make_linkage(policy=policy)
    left, right = two_files(linkage.rng, 20, 12)
    linkage.upload(left, CHILD_WELFARE)
    linkage.upload([replace(row, encoding=one_bit_less(row.encoding)) for row in right], SCHOOL)
    run = linkage.ask().json()["run"]
    linkage.work()
    assert counts(linkage, run, AUDITOR, "auditor")["review_pairs"] == 12
    for party in (CHILD_WELFARE, SCHOOL):
        seen = counts(linkage, run, party, "agency")
        assert (seen["review_pairs"], seen["candidate_pairs"]) == (None, None)
    finished = next(entry for entry in linkage.log_entries() if entry["kind"] == "run-finished")
    assert {finished["body"][name] for name in ("review_pairs", "candidate_pairs")} == {None}


def test_among_three_nobody_sees_a_total_below_the_floor(make_linkage: MakeLinkage) -> None:
    third = "health-department"
    recipients = tuple(
        Recipient(party=party, mode="linked", space="shared")
        for party in (CHILD_WELFARE, third, SCHOOL)
    )
    linkage = make_linkage(providers=(CHILD_WELFARE, third, SCHOOL), recipients=recipients)
    linkage.upload_both(20, 2)
    linkage.upload(random_rows(linkage.rng, 20, bits=BITS), third)
    run = linkage.ask().json()["run"]
    linkage.work()
    assert counts(linkage, run, third, "agency")["groups"] is None


def test_a_policy_that_finds_too_many_pairs_fails_the_run_with_its_rule(
    make_linkage: MakeLinkage,
) -> None:
    policy = MatchingPolicy(
        auto="0.80", review="0.70", margin="0", solver="one-to-one", max_pairs=5
    )
    linkage = make_linkage(policy=policy)
    linkage.upload_both(20, 6)
    run = linkage.ask().json()["run"]
    linkage.work()
    view = linkage.get(f"/v1/runs/{run}").json()
    assert (view["state"], view["failure"], view["counts"]) == ("failed", "pair-cap", None)
    entry = linkage.log_entries()[-1]
    assert (entry["kind"], entry["outcome"]) == ("run-failed", "failed")
    assert entry["body"] == {"code": "pair-cap", "attempt": 1}


def test_runs_are_listed_newest_first(linkage: Linkage) -> None:
    linkage.upload_both()
    asked = []
    for _ in range(3):
        asked.append(linkage.ask(again=True).json()["run"])
        linkage.work()
        linkage.founded.clock.move(minutes=1)
    listed = linkage.get(f"/v1/projects/{PROJECT}/runs").json()["runs"]
    assert [run["run"] for run in listed] == asked[::-1]
