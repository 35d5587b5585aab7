"""The first page answers what needs attention: the operator all of it, auditors that of their projects."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from rigs.late import move_to, upload
from rigs.linkage import AUDITOR, CHILD_WELFARE, POLICY, PROJECT, SCHOOL, Linkage, MakeLinkage
from rigs.shown_pages import words
from rigs.signed import Accord

from app.blobs import FileBlobs
from app.deadlines.service import all_overdue
from app.runs.lease import claim_run
from app.security.actor import Actor
from app.web.needs import needs_seen, overdue_needs
from app.worker.sweeper import Sweeper
from schemas.linkage.run import LinkRate

OPERATOR = ("operator", "operator")
STRANGER = "other-auditor"


def needs(visitor: Any, party: str = AUDITOR, role: str = "auditor") -> list[dict[str, Any]]:
    return list(visitor.get("/projects.json", party, role).json()["needs"])


def test_where_nothing_needs_anybody_that_is_what_it_says_until_sign_ins_are_refused(
    linkage: Linkage, visitor: Any
) -> None:
    for party, role in ((AUDITOR, "auditor"), OPERATOR):
        assert "Nothing needs anybody." in words(visitor.get("/projects", party, role))
        assert needs(visitor, party, role) == []
    assert visitor.get("/projects.json").json()["overdue"] == []
    assert "Nothing needs anybody." in words(visitor.get(f"/projects/{PROJECT}"))
    # Sign ins that were refused are told by whom they named.
    person = linkage.person(CHILD_WELFARE)
    for claim in ("of nobody", f"{person.claim()}x", f"{person.claim()}x"):
        assert person.ask_token(claim).status_code == 401
    linkage.founded.clock.move(hours=1)
    Sweeper(linkage.broker).sweep()
    since = "since 2026-08-25"
    assert sorted(need["sentence"] for need in needs(visitor, *OPERATOR)) == [
        f"Sign-ins refused that named nobody who is known {since}: 1 times.",
        f"Sign-ins refused to {CHILD_WELFARE} {since}: 2 times.",
    ]


def test_a_late_upload_is_listed_with_who_has_it_in_hand(
    make_linkage: MakeLinkage, visit_as_auditor: Any
) -> None:
    linkage = make_linkage(frequency="weekly", due="sunday 22:00")
    move_to(linkage, "2026-09-06", "20:00:00")
    linkage.open_round()
    upload(linkage, CHILD_WELFARE)
    move_to(linkage, "2026-09-06", "23:30:00")
    for path in ("/projects", f"/projects/{PROJECT}"):
        page = visit_as_auditor(linkage, path).text
        late = f"{SCHOOL} has not uploaded for round 1, which was due by 2026-09-06 22:00 UTC."
        assert f'<a href="/projects/{PROJECT}/rounds/1">{late}</a>' in page
        assert f"<td>{SCHOOL} (analyst)</td>" in page
        assert "overdue for 1 h 30 min" in page
    (told,) = visit_as_auditor(linkage, "/projects.json").json()["overdue"]
    assert (told["project"], told["what"], told["party"]) == (PROJECT, "upload", SCHOOL)


def test_what_several_owe_alike_is_one_row(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(frequency="weekly", due="sunday 22:00")
    linkage.offer_all()
    move_to(linkage, "2026-09-06", "22:00:30")
    with linkage.broker.database.read() as session:
        now = linkage.founded.clock()
        (need,) = overdue_needs(all_overdue(session, linkage.broker, now))
    assert need.owners == (f"{CHILD_WELFARE} (analyst)", f"{SCHOOL} (analyst)")
    assert need.seconds(now) == 30


def test_the_brokers_own_keys_and_its_disk_are_for_whoever_runs_it(
    linkage: Linkage, visitor: Any
) -> None:
    full = FileBlobs(linkage.broker.settings.blob_dir, reserve_percent=101)
    broker = replace(linkage.broker, blobs=full)
    operator = linkage.founded.operator
    person = linkage.person(AUDITOR, "auditor").id
    auditor = Actor(AUDITOR, person, "auditor", "tok-1", "req-1", clock=operator.clock)
    with broker.database.read() as session:
        now = linkage.founded.clock()
        (need,) = needs_seen(session, broker, operator, now, [], fault=None)
        assert needs_seen(session, broker, auditor, now, [], fault=None) == []
    assert need.sentence.startswith("The broker's disk is nearly full")
    shown = words(visitor.get("/projects", *OPERATOR))
    assert "% free" in shown
    assert "under way, 0 waiting for a worker" in shown
    for hidden in ("% free", "waiting for a worker"):
        assert hidden not in words(visitor.get("/projects"))
    # The brokers own keys are for the operator.
    old = linkage.founded.clock().timestamp() - 400 * 86_400
    os.utime(linkage.broker.settings.ring_file, (old, old))
    assert "The key ring" in visitor.get("/projects", *OPERATOR).text
    assert "The key ring" not in visitor.get("/projects", AUDITOR, "auditor").text


def test_a_run_that_no_worker_takes_is_broken_until_one_does(
    uploaded: Linkage, visitor: Any
) -> None:
    run = uploaded.run_id()
    assert needs(visitor) == []
    uploaded.founded.clock.move(minutes=2)
    (need,) = needs(visitor)
    assert (need["state"], need["page"], need["owners"]) == (
        "broken", f"/runs/{run}", ["operator (operator)"]
    )  # fmt: skip
    assert "waits for a worker, and none is alive" in need["sentence"]
    with uploaded.broker.database.write() as session:
        assert claim_run(session, lease_ms=60_000) is not None
    assert needs(visitor) == []
    with uploaded.broker.database.write() as session:
        session.connection().exec_driver_sql("UPDATE run SET lease_until_ms = 0")
    assert [one["state"] for one in needs(visitor)] == ["broken"]


def test_a_run_that_failed_and_what_was_refused_come_in_this_order(
    make_linkage: MakeLinkage, visitor_of: Any
) -> None:
    policy = POLICY.model_copy(update={"link_rate": LinkRate(least="0.9", most="1")})
    linkage = make_linkage(policy=policy)
    other = policy.model_copy(update={"auto": "0.9"}).to_json()
    linkage.upload_both()
    linkage.work()
    for _ in range(3):
        assert linkage.ask(policy=other).status_code == 409
    linkage.founded.clock.move(hours=1)
    Sweeper(linkage.broker).sweep()
    visitor = visitor_of(linkage)
    failed, refused = needs(visitor)
    assert (failed["state"], refused["state"]) == ("failed", "refused")
    assert failed["owners"] == [f"{SCHOOL} (analyst)", f"{CHILD_WELFARE} (analyst)"]
    assert refused["sentence"] == (
        f"Refused to {CHILD_WELFARE} since 2026-08-25: 3 times (other-policy)."
    )
    assert visitor.get(refused["page"]).text.count('<tr class="entry">') == 1
    linkage.founded.enrol(STRANGER)
    assert needs(visitor, STRANGER, "auditor") == []
    linkage.founded.clock.move(days=9)
    linkage.sign_in_anew()
    visitor.cookies.clear()
    assert "refused" not in [one["state"] for one in needs(visitor)]


def test_approvals_and_signatures_that_wait_are_listed_with_who_may_give_them(
    accord: Accord, signed_visitor: Any
) -> None:
    accord.propose()
    (need,) = needs(signed_visitor)
    assert need["sentence"] == "Agreement 1 waits for signatures."
    assert f"{SCHOOL} (steward)" in need["owners"]
    assert need["page"] == f"/projects/{PROJECT}/agreements"


def test_a_run_that_waits_for_an_approval_and_a_suspension_need_somebody(
    awaiting: Accord, signed_visitor: Any
) -> None:
    run = awaiting.run()["run"]
    (waiting,) = needs(signed_visitor)
    assert (waiting["state"], waiting["page"]) == ("waiting", f"/runs/{run}")
    assert "waits for approval" in waiting["sentence"]
    assert all(owner.endswith("(approver)") for owner in waiting["owners"])
    assert awaiting.notice("kim", "suspend").status_code == 200
    stopped = needs(signed_visitor)[0]
    assert (stopped["state"], stopped["owners"]) == ("failed", [f"{SCHOOL} (steward)"])


def test_a_project_opens_with_its_last_round_and_what_changed(
    make_linkage: MakeLinkage, visit_as_auditor: Any
) -> None:
    linkage = make_linkage()
    assert "No round was opened yet." in words(visit_as_auditor(linkage, f"/projects/{PROJECT}"))
    for n_common in (12, 15):
        linkage.upload_both(n_common=n_common)
        linkage.work()
    for path in ("/projects", f"/projects/{PROJECT}"):
        shown = words(visit_as_auditor(linkage, path))
        assert "75.0%" in shown, path
        assert "15.0 points more than in round 1" in shown, path
    text = visit_as_auditor(linkage, f"/projects/{PROJECT}").text
    assert text.index("Last round") < text.index('<details class="terms">')
    assert text.count('<details class="terms">') == 1
