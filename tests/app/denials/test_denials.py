"""What the terms refused is in the match log by party, reason and hour, however often it was asked for."""

from __future__ import annotations

from typing import Any

from rigs.delivering import Delivering
from rigs.enrolled import EnrolledPerson
from rigs.linkage import CHILD_WELFARE, POLICY, PROJECT, SCHOOL, Linkage
from rigs.reviewing import Reviewing
from rigs.signed import Accord
from rigs.signed_scene import idle_scene
from samples.round_files import random_people

from app.denials.service import COMMIT, FETCHES
from app.security.policy import POLICY as ROUTES
from app.worker.sweeper import Sweeper

# The agreement leaves no range to choose from.
OTHER = POLICY.model_copy(update={"auto": "0.9"}).to_json()
WANTED = {"round": 1, "partner": SCHOOL}


def summed_up(linkage: Linkage, **time: float) -> list[dict[str, Any]]:
    """Let time pass and the sweeper come; the bodies of all summaries."""
    linkage.founded.clock.move(**time)
    Sweeper(linkage.broker).sweep()
    found = [e for e in linkage.log_entries() if e["kind"] == "request-refused"]
    assert all(
        (e["project"], e["outcome"], e["actor"]["party"]) == (PROJECT, "refused", "broker")
        for e in found
    )
    return [entry["body"] for entry in found]


def refused(
    party: str, why: str, clause: str | None, count: int, hour: str = "06"
) -> dict[str, Any]:
    return {
        "party": party,
        "why": why,
        "clause": clause,
        "count": count,
        "hour": f"2026-09-01T{hour}:00:00Z",
    }


def test_refusals_are_summed_up_by_party_and_reason_once_the_hour_is_over(linkage: Linkage) -> None:
    assert {*FETCHES, COMMIT} <= ROUTES.keys()
    # What is no matter of the terms is not counted.
    linkage.founded.enrol("stranger")
    assert linkage.ask().status_code == 409
    assert linkage.ask("stranger").status_code == 404
    assert linkage.get(f"/v1/projects/{PROJECT}/runs?x=1").status_code == 422
    assert linkage.client.get("/v1/projects").status_code == 401
    # Nor what has an entry of its own.
    made = linkage.container(random_people(linkage.rng, 3), CHILD_WELFARE)
    manifest = linkage.manifest(made, CHILD_WELFARE, population="others")
    answer = linkage.commit(linkage.send(made, CHILD_WELFARE), manifest, CHILD_WELFARE)
    assert answer.json()["clause"] == "population"
    assert "upload-rejected" in linkage.log_kinds()
    for _ in range(3):
        assert linkage.ask(policy=OTHER).status_code == 409
    made = linkage.container(random_people(linkage.rng, 3), SCHOOL)
    assert linkage.open(made, SCHOOL, epoch=7).status_code == 409
    assert summed_up(linkage, minutes=59) == []
    expected = [
        refused(CHILD_WELFARE, "other-policy", "policy-range", 3),
        refused(SCHOOL, "other-epoch", "epoch", 1),
    ]
    assert summed_up(linkage, minutes=2) == expected
    assert summed_up(linkage, hours=5) == expected


def test_who_lacks_a_duty_and_who_comes_at_the_wrong_time_are_counted(accord: Accord) -> None:
    headers = accord.as_person("ann")
    early = accord.client.post(accord.about("runs"), json=WANTED, headers=headers)
    assert early.status_code == 409
    # Who only looks is refused, but has asked for nothing.
    assert accord.get(f"/v1/projects/{PROJECT}").status_code == 409
    accord.agree()
    by_steward = accord.client.post(accord.about("runs"), json=WANTED, headers=headers)
    assert by_steward.status_code == 403
    share = idle_scene(accord).holders.share(SCHOOL, CHILD_WELFARE)
    sent = accord.post(accord.about("shares"), "kim", share).json()["share"]
    accord.upload_both()
    run = accord.run()
    accord.notice("kim", "suspend")
    assert accord.approve("ann", run).status_code == 409
    for _ in range(2):
        assert accord.get(f"/v1/shares/{sent}").status_code == 409
    assert summed_up(accord, hours=1) == [
        refused(CHILD_WELFARE, "not-in-force", "signatures", 1),
        refused(CHILD_WELFARE, "not-in-force", "suspension", 3),
        refused(CHILD_WELFARE, "wrong-duty", None, 1),
    ]


def test_files_of_a_review_that_are_asked_for_in_vain_are_counted(reviewing: Reviewing) -> None:
    run = reviewing.hold_back(6)
    for path, party in (("questions", SCHOOL), ("cards", SCHOOL), ("asked", CHILD_WELFARE)):
        assert reviewing.get(f"/v1/reviews/{run}/{path}", party).status_code == 409
    assert summed_up(reviewing, hours=1) == [
        refused(CHILD_WELFARE, "not-of-review", "review", 1),
        refused(SCHOOL, "not-of-review", "review", 2),
    ]


def test_a_delivery_that_is_asked_for_in_vain_is_counted(delivering: Delivering) -> None:
    delivery = delivering.deliver()
    reviewer = EnrolledPerson.confirmed(
        delivering.founded, delivering.client, CHILD_WELFARE, "reviewer"
    )
    delivering.list_also(reviewer.identity)
    path, body = f"/v1/deliveries/{delivery}", {"sha256": "0" * 64, "fault": None}
    answers = [
        reviewer.call("GET", f"{path}/file"),
        reviewer.call("POST", f"{path}/opening", json=body),
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert summed_up(delivering, hours=1) == [refused(CHILD_WELFARE, "wrong-duty", None, 2)]


def test_where_nothing_can_be_counted_the_answer_is_the_same(linkage: Linkage) -> None:
    from sqlalchemy import text

    first = linkage.ask(policy=OTHER).json()
    with linkage.broker.database.write() as session:
        session.execute(text("DROP TABLE refused_requests"))
    second = linkage.ask(policy=OTHER)
    assert second.status_code == 409
    assert {**second.json(), "request": ""} == {**first, "request": ""}
    linkage.is_log_spoilt = True
