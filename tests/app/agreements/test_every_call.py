"""Each call that moves anything is held to what was signed, at every moment of an agreement's life."""

from __future__ import annotations

from collections.abc import Callable

from httpx2 import Response
from rigs.enrolled import revoke
from rigs.hooked_database import hooked_after_sweep
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL
from rigs.refused_calls import refusal
from rigs.signed import STEWARDS, Accord
from rigs.signed_scene import Scene, busy_scene, idle_scene

from app.worker.loop import Worker


def calls(scene: Scene) -> dict[str, Callable[[], Response]]:
    """Every call that moves something, each as it would be taken under an agreement in force."""
    accord, holders = scene.accord, scene.holders
    manifest = scene.manifest()
    return {
        "nonces": lambda: accord.offer(CHILD_WELFARE, 1, first=scene.next_nonce),
        "round": lambda: accord.ask_round(CHILD_WELFARE),
        "open": lambda: accord.open(scene.made, CHILD_WELFARE),
        "part": lambda: accord.put(scene.upload, 2, scene.made.parts[2], CHILD_WELFARE),
        "commit": lambda: accord.commit(scene.upload, manifest, CHILD_WELFARE),
        "run": lambda: accord.ask(round=2),
        "claims fetched": lambda: accord.get_claims(CHILD_WELFARE, SCHOOL, 1),
        "approval": lambda: accord.approve("ann", scene.newest_run()),
        "standing": lambda: accord.stand("ann"),
        "file": lambda: accord.get(f"/v1/releases/{scene.release}/file"),
        "openings": lambda: accord.get(f"/v1/releases/{scene.release}/openings"),
        "share": lambda: accord.post(
            accord.about("shares"), "bob", holders.share(CHILD_WELFARE, SCHOOL)
        ),
        "share fetched": lambda: accord.get(f"/v1/shares/{scene.share}"),
        "confirmation": lambda: accord.post(
            accord.about("confirmations"), "bob", holders.confirmation(CHILD_WELFARE)
        ),
    }


def check_that_each_is_refused(scene: Scene, clause: str) -> None:
    kinds = scene.accord.log_kinds()
    for name, call in calls(scene).items():
        assert refusal(call()) == (409, "not-in-force", clause), name
    # Only that a release was asked for in vain is a matter of the register of disclosures.
    assert set(scene.accord.log_kinds()[len(kinds) :]) == {"release-fetched"}


def test_each_call_is_refused_once_a_party_withdraws(accord: Accord) -> None:
    scene = busy_scene(accord)
    accord.notice("sue", "withdraw")
    check_that_each_is_refused(scene, "withdrawal")


def test_each_call_is_refused_after_the_last_day(accord: Accord) -> None:
    scene = busy_scene(accord, start="2026-09-01", end="2026-09-01")
    # An upload that was begun may still be committed.
    accord.sleep(hours=19)
    check_that_each_is_refused(scene, "end")


def test_each_call_is_refused_while_a_party_halts_the_linkage_and_taken_again_afterwards(
    accord: Accord,
) -> None:
    scene = busy_scene(accord)
    accord.notice("kim", "suspend")
    check_that_each_is_refused(scene, "suspension")
    accord.sleep(seconds=1)
    accord.notice("kim", "resume")
    for name, call in calls(scene).items():
        assert call().status_code < 300, name


ABOUT_THE_PROJECT = ("nonces", "round", "open", "run", "standing", "share", "confirmation")


def test_nothing_begins_before_every_party_has_signed(accord: Accord) -> None:
    accord.propose(accord.first(start="2026-09-02"))
    for name in STEWARDS:
        check_that_nothing_begins(accord, "signatures")
        accord.consent(name)
    check_that_nothing_begins(accord, "start")


def check_that_nothing_begins(accord: Accord, clause: str) -> None:
    scene = idle_scene(accord)
    for name, call in calls(scene).items():
        about_none = (404, "not-found", None)
        # Of a round nothing is said before there are terms; later, that there is none.
        is_refused = name in ABOUT_THE_PROJECT or (name, clause) == ("claims fetched", "signatures")
        expected = (409, "not-in-force", clause) if is_refused else about_none
        assert refusal(call()) == expected, name


def test_a_run_that_is_under_way_hands_nothing_out_once_a_party_has_halted_the_linkage(
    accord: Accord,
) -> None:
    accord.agree()
    accord.upload_both()
    for act, event in (("suspend", "agreement-suspended"), ("withdraw", "agreement-withdrawn")):
        n_before, run = len(accord.log_kinds()), accord.run()
        for name in ("ann", "lee"):
            accord.approve(name, run)

        def halt(number: int, moment: str, act: str = act) -> None:
            # Once it has begun to compare.
            if (number, moment) == (2, "after"):
                accord.notice("kim", act)

        Worker(hooked_after_sweep(accord.broker, halt)).work(until_idle=True)
        view = accord.get(f"/v1/runs/{run['run']}").json()
        assert (view["state"], view["failure"]) == ("failed", "not-in-force"), act
        assert accord.get(f"/v1/projects/{PROJECT}/releases").json()["releases"] == []
        kinds = accord.log_kinds()[n_before:]
        assert kinds.index("run-started") < kinds.index(event) < kinds.index("run-failed")
        assert "release-prepared" not in kinds
        if act == "suspend":
            accord.sleep(seconds=1)
            accord.notice("kim", "resume")
            accord.sleep(seconds=1)
            assert accord.ask().status_code == 202


def test_a_run_that_failed_is_asked_for_again_in_its_round(accord: Accord) -> None:
    limits = accord.agreement.to_json()["limits"] | {"budget": {"rounds": 1, "days": 7}}
    accord.agree(accord.first(limits=limits))
    for name in ("ann", "lee"):
        accord.stand(name)
    accord.upload_both()
    first = accord.run()
    accord.notice("kim", "suspend")
    accord.work()
    assert accord.get(f"/v1/runs/{first['run']}").json()["state"] == "failed"
    accord.sleep(seconds=1)
    accord.notice("kim", "resume")
    second = accord.ask()
    assert second.status_code == 202, second.text
    accord.work()
    accord.exchange_claims()
    accord.offer_all()
    assert refusal(accord.ask_round()) == (409, "round-budget", "round-budget")


def test_who_is_not_named_moves_nothing(accord: Accord) -> None:
    scene = busy_scene(accord)
    accord.founded.enrol("friend")
    headers = accord.as_party("friend")
    for path, body in (
        ("uploads", scene.made.request()),
        ("runs", {"round": 1, "partner": SCHOOL}),
        ("shares", scene.holders.share(CHILD_WELFARE, SCHOOL).to_json()),
    ):
        answer = accord.client.post(accord.about(path), json=body, headers=headers)
        assert refusal(answer) == (404, "not-found", None), path
    taken = calls(scene)
    revoke(accord.founded, accord.persons["bob"].id)
    by_ann = {"approval", "standing"}
    for name, call in taken.items():
        assert (call().status_code == 401) == (name not in by_ann), name
