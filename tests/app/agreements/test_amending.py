"""An amendment changes what is allowed from then on; only other encodings make all records be encoded anew."""

from __future__ import annotations

from typing import Any

from rigs.holders import Holders
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, profile_of
from rigs.refused_calls import refusal
from rigs.signed import USUAL, Accord
from samples.round_files import random_people

from app.worker.sweeper import Sweeper
from encoding.secret.agreement import Contribution
from schemas.linkage.profile import EncodingProfile


def limits(accord: Accord, **changes: Any) -> dict[str, Any]:
    return {"limits": {**accord.agreement.to_json()["limits"], **changes}}


def test_what_was_uploaded_before_is_linked_under_the_amendment(accord: Accord) -> None:
    accord.agree()
    accord.upload_both()
    first = accord.run()
    policy = accord.agreement.to_json()["policy"]
    changes: dict[str, Any] = {
        "end": "2027-12-31",
        "policy": policy | {"auto": "0.98"},
        "retention": accord.agreement.to_json()["retention"] | {"keep_links_days": 60},
        "schedule": {"frequency": "monthly", "due": None, "round_days": 7, "note": None},
    }
    accord.agree(accord.amended(**changes))
    # The run was asked for under the agreement before.
    Sweeper(accord.broker).sweep()
    assert accord.get(f"/v1/runs/{first['run']}").json()["state"] == "cancelled"
    assert accord.ask().status_code == 202
    run = accord.run()
    assert run["specification"]["uploads"] == first["specification"]["uploads"]
    for name in ("ann", "lee"):
        accord.approve(name, run)
    accord.work()
    assert accord.get(f"/v1/runs/{run['run']}").json()["state"] == "succeeded"


def test_another_profile_needs_everything_encoded_anew(accord: Accord) -> None:
    accord.agree()
    accord.upload_both()
    old, stale = accord.profile, accord.terms
    accord.profile = other_profile()
    accord.agree(accord.amended(profile=accord.profile.digest(), epoch=2))
    Sweeper(accord.broker).sweep()
    assert refusal(accord.ask()) == (409, "uploads-missing", None)
    accord.offer_all()
    assert accord.correct(1).status_code == 201
    made = accord.container(random_people(accord.rng, 5), CHILD_WELFARE, key_id="f" * 16)
    epoch = accord.open(made, CHILD_WELFARE, epoch=stale.epoch)
    assert refusal(epoch) == (409, "other-epoch", "epoch")
    profile = accord.open(made, CHILD_WELFARE, profile=old.digest())
    assert refusal(profile) == (409, "other-profile", "profile")
    assert accord.open(made, CHILD_WELFARE).status_code == 201


def other_profile() -> EncodingProfile:
    return profile_of().model_copy(update={"name": "another"})


def test_what_was_uploaded_before_must_fit_the_amendments_limits_and_population(
    accord: Accord,
) -> None:
    accord.agree()
    accord.upload_both(n_records=20)
    for least, most, code in ((21, 1000, "too-few-records"), (1, 19, "too-many-records")):
        files = accord.agreement.to_json()["limits"]["files"]
        files[0] |= {"least": least, "most": most}
        accord.agree(accord.amended(**limits(accord, files=files)))
        Sweeper(accord.broker).sweep()
        assert refusal(accord.ask()) == (409, code, "files")
        accord.upload_both(n_records=least if least > 1 else most)
        assert accord.run()["state"] == "awaiting"
    population = accord.agreement.to_json()["population"] | {"code": "in-care"}
    accord.agree(accord.amended(population=population))
    Sweeper(accord.broker).sweep()
    assert refusal(accord.ask()) == (409, "other-population", "population")


def test_a_recipient_that_is_not_named_any_more_gets_nothing_that_was_made_for_it(
    accord: Accord,
) -> None:
    accord.agree()
    accord.upload_both()
    run = accord.run()
    for name in ("ann", "lee"):
        accord.approve(name, run)
    accord.work()
    (release,) = accord.get(f"/v1/projects/{PROJECT}/releases", SCHOOL).json()["releases"]
    file = f"/v1/releases/{release['release']}/file"
    raw = accord.agreement.to_json()
    counted = [
        one | {"mode": "count"} if one["party"] == SCHOOL else one for one in raw["recipients"]
    ]
    giving = [one for one in raw["directions"] if one["receiver"] != SCHOOL]
    unnamed = [one for one in raw["recipients"] if one["party"] != SCHOOL]
    for changes in ({"recipients": counted}, {"recipients": unnamed, "directions": giving}):
        accord.agree(accord.amended(**changes))
        assert refusal(accord.get(file, SCHOOL)) == (409, "not-a-recipient", "recipients"), changes


def test_each_epochs_secret_is_shared_while_the_amendment_waits_for_its_day(accord: Accord) -> None:
    accord.agree()
    profile = other_profile()
    waiting = {"profile": profile.digest(), "epoch": 2, "start": "2026-09-08"}
    accord.profile = profile
    accord.agree(accord.amended(**waiting))
    for epoch, status in ((1, 201), (2, 201), (3, 422)):
        holders = holders_of(accord, epoch)
        answer = accord.post(accord.about("shares"), "kim", holders.share(SCHOOL, CHILD_WELFARE))
        assert answer.status_code == status, (epoch, answer.text)
    accord.sleep(days=7)
    stale = holders_of(accord, 1).share(SCHOOL, CHILD_WELFARE)
    assert accord.post(accord.about("shares"), "kim", stale).status_code == 422


def holders_of(accord: Accord, epoch: int) -> Holders:
    people = {party: accord.persons[USUAL[party]].identity for party in (CHILD_WELFARE, SCHOOL)}
    return Holders(PROJECT, epoch, people, {party: Contribution.draw() for party in people})


def test_a_new_holder_shares_from_the_first_day_of_the_amendment_on(accord: Accord) -> None:
    alone = {
        "parties": [as_recipient(one) for one in accord.agreement.to_json()["parties"]],
        "directions": [
            one for one in accord.agreement.to_json()["directions"] if one["giver"] == CHILD_WELFARE
        ],
        "recipients": [
            one | {"mode": "count"} if one["party"] == SCHOOL else one
            for one in accord.agreement.to_json()["recipients"]
        ],
        "approvals": accord.agreement.to_json()["approvals"],
        "limits": without_size(accord.agreement.to_json()["limits"], SCHOOL),
    }
    both = {name: accord.agreement.to_json()[name] for name in alone}
    accord.agree(accord.first(**alone))
    accord.agree(accord.amended(**both, epoch=2, start="2026-09-08"))
    share = holders_of(accord, 2).share(SCHOOL, CHILD_WELFARE)
    early = accord.post(accord.about("shares"), "kim", share)
    assert refusal(early) == (409, "not-in-force", "start")
    accord.sleep(days=7)
    assert accord.post(accord.about("shares"), "kim", share).status_code == 201


def without_size(limits: Any, party: str) -> dict[str, Any]:
    return {**limits, "files": [one for one in limits["files"] if one["party"] != party]}


def as_recipient(party: dict[str, Any]) -> dict[str, Any]:
    is_school = party["name"] == SCHOOL
    return party | {"kind": "recipient", "holder": None} if is_school else party


def test_a_party_that_is_left_out_sees_nothing_from_the_first_day_of_the_amendment(
    accord: Accord,
) -> None:
    """Whether or not the sweeper came: the worker may be busy for hours."""
    accord.agree()
    accord.upload_both()
    run = accord.run()
    for name in ("ann", "lee"):
        assert accord.approve(name, run).status_code == 200
    accord.work()
    left = [one for one in accord.agreement.to_json()["parties"] if one["name"] != AUDITOR]
    assert accord.propose(accord.amended(parties=left, start=accord.day(2))).status_code == 201
    for name in ("ann", "eve", "kim"):
        assert accord.consent(name).status_code == 200
    asked = [
        accord.about("runs"),
        f"/v1/log/bundle?project={PROJECT}",
        accord.about("identities"),
        accord.about("uploads"),
        f"/v1/projects/{PROJECT}",
        f"/v1/runs/{run['run']}/match-record?first=1&limit=5",
    ]

    def check(status: int) -> None:
        for path in asked:
            assert accord.get(path, AUDITOR, "auditor").status_code == status, path
        listed = accord.get("/v1/projects", AUDITOR, "auditor").json()["projects"]
        assert len(listed) == (status == 200)
        # The others go on.
        assert accord.get(accord.about("runs")).status_code == 200
        assert accord.get(accord.about("identities")).status_code == 200

    accord.sleep(days=1)
    Sweeper(accord.broker).sweep()
    check(200)
    accord.sleep(days=1)
    check(404)
    Sweeper(accord.broker).sweep()
    check(404)


def test_what_is_done_before_the_amendment_starts_is_logged_under_the_one_that_binds(
    accord: Accord,
) -> None:
    """The auditor's verifier, which reads the log after each test, takes nothing else."""
    accord.agree()
    accord.upload_both()
    bound = accord.get(f"/v1/projects/{PROJECT}").json()["agreement"]
    start = accord.day(2)
    accord.agree(accord.amended(start=start))
    run = accord.run_id()
    headers = accord.as_person("ann")
    assert accord.client.post(f"/v1/runs/{run}/cancel", headers=headers).status_code == 200
    cancelled = accord.log_entries()[-1]
    assert (cancelled["kind"], cancelled["agreement"]) == ("run-cancelled", bound)
