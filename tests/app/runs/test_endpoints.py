"""Runs that start by themselves, are asked for again, watched and cancelled, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from rigs.agreed import amend
from rigs.answers import code_of, refusal
from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    POLICY,
    PROJECT,
    SCHOOL,
    Linkage,
    MakeLinkage,
    two_files,
)
from samples.agreed import without
from samples.round_files import random_people

from app.runs import repository
from schemas.api.runs import RunView
from schemas.linkage.run import LinkRate, Recipient

HEALTH = "health-department"


def test_the_commit_that_completes_a_pair_asks_for_its_run_which_is_one_until_it_is_cancelled(
    uploaded: Linkage,
) -> None:
    linkage, run = uploaded, uploaded.run_id()
    view = RunView.from_json(linkage.run())
    assert (view.state, view.specification.round) == ("queued", 1)
    # The larger file comes first, and anyone who completed the pair asked.
    assert [upload.party for upload in view.specification.uploads] == [SCHOOL, CHILD_WELFARE]
    assert view.specification.asked_by == SCHOOL
    assert view.specification.agreement == linkage.agreement.digest()
    assert view.specification.digest() == view.specification_sha256
    received, asked, used = linkage.log_entries()[-3:]
    kinds = (received["kind"], asked["kind"], used["kind"])
    assert kinds == ("upload-received", "run-asked", "standing-used")
    assert asked["body"]["specification"] == view.specification.to_json()
    assert asked["actor"] == {**received["actor"], "signed": None}
    assert asked["request"] == received["request"]
    assert asked["actor"]["person"] == linkage.person(SCHOOL).id
    # Asking again while it waits gives the same run.
    first = linkage.ask().json()["run"]
    assert linkage.ask(SCHOOL).json()["run"] == first
    assert linkage.log_kinds().count("run-asked") == 1
    # Cancelling again changes nothing.
    cancel(linkage, run)
    assert cancel(linkage, run).status_code == 200
    assert linkage.log_kinds().count("run-cancelled") == 1
    # Another policy is asked for only within the agreed range.
    other = POLICY.model_copy(update={"auto": "0.9"}).to_json()
    answer = linkage.ask(policy=other)
    assert refusal(answer) == (409, "other-policy")
    assert answer.json()["clause"] == "policy-range"
    # A cancelled run is no longer the one under way.
    third = linkage.ask().json()["run"]
    assert third != first
    cancel(linkage, third)
    # The same idempotency key gives the same run even when it has ended.
    second = linkage.ask(key="k").json()["run"]
    cancel(linkage, second)
    again = linkage.ask(key="k").json()
    assert (again["run"], again["state"]) == (second, "cancelled")
    # An idempotency key with another request is refused.
    answer = linkage.ask(key="k", policy=POLICY.to_json())
    assert refusal(answer) == (422, "idempotency-key-reused")


def test_there_is_no_run_before_both_parties_have_uploaded(linkage: Linkage) -> None:
    linkage.upload(random_people(linkage.rng, 10), CHILD_WELFARE)
    assert linkage.round()["progress"][0]["run"] is None
    answer = linkage.ask()
    assert refusal(answer) == (409, "uploads-missing")
    # Said of both alike: it may be that neither has.
    assert answer.json()["title"] == "Both parties have to upload first"


def test_a_party_that_only_receives_may_neither_ask_nor_cancel(make_linkage: MakeLinkage) -> None:
    counting = "research-office"
    linkage = make_linkage(recipients=(Recipient(party=counting, mode="count", space="shared"),))
    linkage.upload_both()
    assert code_of(linkage.ask(counting)) == "not-a-provider"
    assert code_of(cancel(linkage, linkage.run_id(), counting)) == "not-a-provider"


def cancel(linkage: Linkage, run: str, party: str = CHILD_WELFARE, role: str = "agency"):
    return linkage.client.post(f"/v1/runs/{run}/cancel", headers=linkage.as_party(party, role))


@pytest.mark.parametrize(
    ("party", "role", "reason"),
    [(SCHOOL, "agency", "by-agency"), ("operator", "operator", "by-operator")],
)
def test_a_run_that_waits_can_be_cancelled_by_a_provider_and_by_the_operator(
    uploaded: Linkage, party: str, role: str, reason: str
) -> None:
    run = uploaded.ask().json()["run"]
    answer = cancel(uploaded, run, party, role)
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    entry = uploaded.log_entries()[-1]
    assert (entry["kind"], entry["body"]) == ("run-cancelled", {"reason": reason})
    uploaded.work()
    assert uploaded.get(f"/v1/runs/{run}").json()["state"] == "cancelled"


def test_the_third_of_three_cancels_no_run_of_the_others(make_linkage: MakeLinkage) -> None:
    parties = (CHILD_WELFARE, HEALTH, SCHOOL)
    linkage = make_linkage(
        providers=parties,
        recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in parties),
    )
    linkage.upload_both()
    run = linkage.run_id()
    answer = cancel(linkage, run, SCHOOL)
    assert refusal(answer) == (409, "other-pair")
    assert linkage.get(f"/v1/runs/{run}").json()["state"] == "queued"
    assert cancel(linkage, run, HEALTH).json()["state"] == "cancelled"


def test_who_is_left_out_from_midnight_on_cancels_nothing_after_it(
    make_linkage: MakeLinkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is held to the terms that it names, not to those of when the request came."""
    linkage = make_linkage(providers=(CHILD_WELFARE, HEALTH, SCHOOL))
    linkage.upload_both()
    run = linkage.run_id()
    left = without(linkage.agreement, HEALTH) | {"start": "2026-09-02"}
    known = [linkage.person(party).identity for party in (CHILD_WELFARE, SCHOOL)]
    known += [linkage.person("operator", "operator").identity]
    known += [linkage.person(AUDITOR, "auditor").identity]
    amend(linkage.broker, linkage.agreement, linkage.profile, known, **left)
    clock, look = linkage.founded.clock, repository.get_run
    clock.now = clock.now.replace(hour=23, minute=59, second=59)
    linkage.sign_in_anew()

    def wait(*args: Any, lock: bool = False) -> Any:
        clock.move(seconds=1 if lock else 0)
        return look(*args, lock=lock)

    monkeypatch.setattr(repository, "get_run", wait)
    assert code_of(cancel(linkage, run, HEALTH)) == "not-a-provider"


def counts(linkage: Linkage, run: str, party: str, role: str) -> dict:
    return linkage.get(f"/v1/runs/{run}", party, role).json()["counts"]


def test_counts_below_the_floor_are_shown_only_to_those_who_receive_the_matches(
    linkage: Linkage,
) -> None:
    linkage.upload_both(20, 2)
    run = linkage.run_id()
    linkage.work()
    hidden = dict.fromkeys(
        (*NAMES, "expected_false", "rejected_before", "expected_missed", "concordance")
    )
    for party, role in ((AUDITOR, "auditor"), ("operator", "operator")):
        assert counts(linkage, run, party, role) == hidden
    own = counts(linkage, run, CHILD_WELFARE, "agency")
    assert own["expected_false"] is not None
    told = {name: own[name] for name in ("expected_false", "concordance")}
    assert own == hidden | {"auto_pairs": 2, **told}
    assert all(one["apart"] is one["missing"] is None for one in own["concordance"])
    finished = next(entry for entry in linkage.log_entries() if entry["kind"] == "run-finished")
    assert {finished["body"][name] for name in LOGGED} == {None}


def test_a_run_that_has_succeeded_is_not_cancelled_and_its_counts_tell_nothing_that_is_hidden(
    released: Linkage,
) -> None:
    linkage, run = released, released.run_id()
    for party, role in ((CHILD_WELFARE, "agency"), (AUDITOR, "auditor"), ("operator", "operator")):
        seen = counts(linkage, run, party, role)
        assert [seen[name] for name in NAMES] == [None, 12, None]
    finished = next(entry for entry in linkage.log_entries() if entry["kind"] == "run-finished")
    assert finished["body"]["auto_pairs"] == 12
    # How many links are expected to be wrong is said in hundredths.
    seen = linkage.run(AUDITOR, "auditor")["counts"]
    # Twelve links, each of at least 0.99.
    assert 0 <= seen["expected_false"] <= 12
    (finished,) = [one for one in linkage.log_entries() if one["kind"] == "run-finished"]
    for name in ("expected_false", "concordance"):
        assert finished["body"][name] == seen[name]
    # A run that has ended cannot be cancelled.
    answer = cancel(linkage, run)
    assert refusal(answer) == (409, "run-over")
    # Anyone who asks after it has succeeded gets the same run.
    for party in (CHILD_WELFARE, SCHOOL):
        view = linkage.ask(party).json()
        assert (view["run"], view["state"]) == (run, "succeeded")
    assert linkage.log_kinds().count("run-asked") == 1
    # A run of a round that is over is not made again.
    linkage.exchange_claims()
    assert code_of(linkage.ask(round=1)) == "round-closed"
    assert code_of(linkage.ask(round=2)) == "not-found"
    assert code_of(linkage.ask(round=1, partner="nobody")) == "round-closed"


NAMES = ("candidate_pairs", "auto_pairs", "review_pairs")
LOGGED = ("auto_pairs", "expected_false", "concordance")
ONE_RECIPIENT = (Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),)


def told_to_provider(linkage: Linkage) -> set[tuple]:
    """Return what a provider without matches reads that a run's result may be seen in."""
    run = linkage.run_id()
    linkage.work()
    entries = [
        entry for entry in linkage.log_entries() if entry["object"] or "round" in entry["kind"]
    ]
    finished, *prepared = entries[-3:-1]
    assert [finished["kind"], *(e["kind"] for e in prepared)] == [
        "run-finished",
        "release-prepared",
    ]
    return {
        tuple(counts(linkage, run, SCHOOL, "agency").values()),
        tuple(finished["body"][name] for name in LOGGED),
        tuple(entry["body"]["matches"] for entry in prepared),
    }


def test_a_provider_without_matches_reads_the_same_whatever_was_linked(
    make_linkage: MakeLinkage,
) -> None:
    """It leaves out one record at a time: nothing that it reads tells whether that one is linked."""
    linkage = make_linkage(recipients=ONE_RECIPIENT)
    left, right = two_files(linkage.rng, 30, 12)
    seen = set()
    for n_left_out in (0, 1, 2, 16):
        linkage.open_round()
        linkage.upload(left, CHILD_WELFARE)
        linkage.upload(right[n_left_out:], SCHOOL)
        seen |= told_to_provider(linkage)
    assert seen == {(None,) * 7, (None,) * 3, (None,)}
    # Anyone who watches sees what it was.
    listed = linkage.get(f"/v1/projects/{PROJECT}/runs", AUDITOR, "auditor").json()["runs"]
    auto_pairs = {run["counts"]["auto_pairs"] for run in listed}
    assert auto_pairs == {12, 11, 10, None}


def test_pairs_that_are_held_back_are_counted_for_no_agency(linkage: Linkage) -> None:
    linkage.upload_both(20, 5, 8)
    run = linkage.run_id()
    linkage.work()
    assert counts(linkage, run, AUDITOR, "auditor")["review_pairs"] == 8
    for party in (CHILD_WELFARE, SCHOOL):
        seen = counts(linkage, run, party, "agency")
        assert (seen["review_pairs"], seen["candidate_pairs"]) == (None, None)
    finished = next(entry for entry in linkage.log_entries() if entry["kind"] == "run-finished")
    assert {"review_pairs", "candidate_pairs"}.isdisjoint(finished["body"])


def test_among_three_each_pair_is_linked_once_and_the_third_sees_no_count_of_it(
    make_linkage: MakeLinkage,
) -> None:
    third = "health-department"
    parties = (CHILD_WELFARE, third, SCHOOL)
    linkage = make_linkage(
        providers=parties,
        recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in parties),
    )
    people, _ = two_files(linkage.rng, 12, 12)
    linkage.upload_of_all_pairs(people)
    linkage.work()
    progress = linkage.round()["progress"]
    assert len({one["run"] for one in progress}) == 3
    for one in progress:
        pair = {one["larger"], one["smaller"]}
        for party in parties:
            expected = 12 if party in pair else None
            assert counts(linkage, one["run"], party, "agency")["auto_pairs"] == expected
    releases = linkage.get(f"/v1/projects/{PROJECT}/releases", third).json()["releases"]
    assert {one["partner"] for one in releases} == {CHILD_WELFARE, SCHOOL}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"max_pairs": 5}, "pair-cap"),
        ({"link_rate": LinkRate(least="0.9", most="1")}, "link-rate"),
        ({"link_rate": LinkRate(least="0", most="0.2")}, "link-rate"),
    ],
)
def test_a_run_that_finds_more_or_less_than_agreed_fails_and_releases_nothing(
    make_linkage: MakeLinkage, changes: dict, code: str
) -> None:
    linkage = make_linkage(policy=POLICY.model_copy(update=changes))
    linkage.upload_both(20, 12)
    linkage.work()
    view = linkage.run()
    assert (view["state"], view["failure"], view["counts"]) == ("failed", code, None)
    entry = linkage.log_entries()[-1]
    assert (entry["kind"], entry["outcome"]) == ("run-failed", "failed")
    assert entry["body"] == {"code": code, "attempt": 1}
    assert linkage.get(f"/v1/projects/{PROJECT}/releases").json()["releases"] == []


def test_runs_are_listed_newest_first(uploaded: Linkage) -> None:
    asked = [uploaded.run_id()]
    for _ in range(2):
        cancel(uploaded, asked[-1])
        uploaded.founded.clock.move(minutes=1)
        asked.append(uploaded.ask().json()["run"])
    listed = uploaded.get(f"/v1/projects/{PROJECT}/runs").json()["runs"]
    assert [run["run"] for run in listed] == asked[::-1]
