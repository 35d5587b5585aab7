"""What is overdue: each source on its own, from when on, in whose hands, and until it is done."""

from __future__ import annotations

import os
from typing import Any

from rigs.destroying import statement
from rigs.late import amend, approve, kinds, move_to, overdue, upload, witness
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage
from rigs.reviewing import MakeReviewing

from app.agreements.holds import lift_holds, set_hold
from app.deadlines.service import NO_PROJECT, overdue_in
from app.destruction.certification import finish
from app.destruction.service import Wanted, begin
from app.worker.sweeper import Sweeper
from schemas.agreement.clauses import ApprovalRule, Finality, RoundBudget
from schemas.linkage.run import Recipient

SUNDAY, NEXT_SUNDAY = "2026-09-06", "2026-09-13"
DUE = "2026-09-06T22:00:00Z"
# Someone who does not upload, and so may approve a release, too.
APPROVER = "university"
APPROVED: dict[str, Any] = {
    "approvals": ApprovalRule(runs="each", parties=(APPROVER,), asker_suffices=True, releases=True),
    "recipients": tuple(
        Recipient(party=party, mode=mode, space="shared")
        for party, mode in ((CHILD_WELFARE, "linked"), (SCHOOL, "linked"), (APPROVER, "count"))
    ),
}


def test_nothing_is_overdue_in_a_linkage_on_request(linkage: Linkage) -> None:
    linkage.founded.clock.move(days=13)
    assert overdue(linkage) == []


# Rounds.


def test_a_missed_sunday_is_in_the_hands_of_all_agencies_or_of_who_keeps_them_from_opening(
    weekly: Linkage,
) -> None:
    weekly.offer(CHILD_WELFARE)
    move_to(weekly, SUNDAY, "21:59:59")
    assert overdue(weekly) == []
    move_to(weekly, SUNDAY, "22:00:00")
    assert kinds(weekly) == [("round", SCHOOL)]
    weekly.offer(SCHOOL)
    assert overdue(weekly) == [
        ("round", "round-1", party, "analyst", DUE) for party in (CHILD_WELFARE, SCHOOL)
    ]


def test_a_late_round_is_done_when_it_opens_and_the_next_sunday_stays(weekly: Linkage) -> None:
    move_to(weekly, "2026-09-08", "09:00:00")
    weekly.open_round()
    assert overdue(weekly) == []
    weekly.founded.clock.move(days=3)
    Sweeper(weekly.broker).sweep()
    move_to(weekly, NEXT_SUNDAY, "22:00:00")
    assert {(one, since) for _, one, _, _, since in overdue(weekly)} == {
        ("round-2", "2026-09-13T22:00:00Z")
    }
    assert weekly.open_round()["round"] == 2


def test_without_a_moment_a_round_is_due_by_the_end_of_its_day(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(frequency="daily", round_days=1)
    move_to(linkage, "2026-09-02", "23:59:59")
    assert overdue(linkage) == []
    move_to(linkage, "2026-09-03", "00:00:00")
    assert kinds(linkage) == [("round", CHILD_WELFARE), ("round", SCHOOL)]


def test_what_the_budget_forbids_is_not_overdue(make_linkage: MakeLinkage) -> None:
    budget = RoundBudget(rounds=1, days=30)
    linkage = make_linkage(frequency="weekly", due="sunday 22:00", round_budget=budget)
    linkage.open_round()
    linkage.founded.clock.move(days=8)
    Sweeper(linkage.broker).sweep()
    assert "round" not in {what for what, _ in kinds(linkage)}


def test_nothing_is_due_in_a_linkage_that_is_over(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(frequency="weekly", due="sunday 22:00", end="2026-09-05")
    move_to(linkage, SUNDAY, "23:00:00")
    assert overdue(linkage) == []


# Uploads.


def test_an_upload_is_due_by_the_agreed_moment_and_done_when_it_is_there(weekly: Linkage) -> None:
    move_to(weekly, SUNDAY, "20:00:00")
    weekly.open_round()
    upload(weekly, CHILD_WELFARE)
    assert overdue(weekly) == []
    move_to(weekly, SUNDAY, "22:00:00")
    assert overdue(weekly) == [("upload", "round-1", SCHOOL, "analyst", DUE)]
    upload(weekly, SCHOOL)
    assert overdue(weekly) == []


def test_after_a_correction_there_is_a_day_for_both_files(weekly: Linkage) -> None:
    move_to(weekly, SUNDAY, "20:00:00")
    weekly.open_round()
    upload(weekly, CHILD_WELFARE)
    move_to(weekly, "2026-09-07", "09:00:00")
    weekly.correct(1)
    Sweeper(weekly.broker).sweep()
    assert overdue(weekly) == []
    weekly.founded.clock.move(days=1)
    assert overdue(weekly) == [
        ("upload", "round-2", party, "analyst", "2026-09-08T09:00:00Z")
        for party in (CHILD_WELFARE, SCHOOL)
    ]


# Clerical review.


def test_cards_and_then_decisions_are_awaited(make_reviewing: MakeReviewing) -> None:
    reviewing = make_reviewing()
    run = reviewing.hold_back(6)
    reviewing.founded.clock.move(hours=24, minutes=1)
    cards = ("review", run, SCHOOL, "analyst", "2026-09-02T06:00:00Z")
    assert cards in overdue(reviewing)
    reviewing.answer(run)
    assert "review" not in {what for what, _ in kinds(reviewing)}
    move_to(reviewing, "2026-09-12", "05:59:59")
    assert "review" not in {what for what, _ in kinds(reviewing)}
    move_to(reviewing, "2026-09-12", "06:00:00")
    undecided = ("review", run, CHILD_WELFARE, "reviewer", "2026-09-12T06:00:00Z")
    assert undecided in overdue(reviewing)
    verdicts = {one.reference: "reject" for one in reviewing.questions(run)}
    assert reviewing.decide(run, verdicts).json()["state"] == "ended"
    assert "review" not in {what for what, _ in kinds(reviewing)}


# Approvals and cosignatures.


def test_an_approval_is_overdue_a_day_after_it_was_asked_for(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(**APPROVED)
    linkage.upload_both()
    run = linkage.run_id()
    linkage.founded.clock.move(hours=23)
    assert overdue(linkage) == []
    linkage.founded.clock.move(hours=1)
    late = [("approval", run, APPROVER, "approver", "2026-09-02T06:00:00Z")]
    assert overdue(linkage) == late
    approve(linkage, APPROVER)
    assert overdue(linkage) == []
    linkage.work()
    linkage.founded.clock.move(days=1)
    assert overdue(linkage) == [(*late[0][:4], "2026-09-03T06:00:00Z")]
    approve(linkage, APPROVER, "release")
    assert overdue(linkage) == []


def test_a_release_that_is_gone_waits_for_nobody(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(**APPROVED, keep_links_days=10)
    linkage.upload_both()
    approve(linkage, APPROVER)
    linkage.work()
    linkage.founded.clock.move(days=11)
    assert ("approval", APPROVER) in kinds(linkage)
    Sweeper(linkage.broker).sweep()
    assert overdue(linkage) == []


def test_cosignatures_are_missed_until_enough_parties_have_given_them(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(finality=Finality(cosigners=2, delays_release=False))
    linkage.upload_both()
    linkage.work()
    run = linkage.run_id()
    linkage.founded.clock.move(days=1)
    since = "2026-09-02T06:00:00Z"
    assert overdue(linkage) == [
        ("cosignature", run, CHILD_WELFARE, "analyst", since),
        ("cosignature", run, SCHOOL, "analyst", since),
        ("cosignature", run, AUDITOR, "auditor", since),
    ]
    witness(linkage, AUDITOR, "auditor")
    assert kinds(linkage) == [("cosignature", CHILD_WELFARE), ("cosignature", SCHOOL)]
    witness(linkage, SCHOOL)
    assert overdue(linkage) == []


# Destruction.


def test_what_is_kept_too_long_is_the_operators(linkage: Linkage) -> None:
    linkage.open_round()
    upload(linkage, CHILD_WELFARE)
    witness(linkage, SCHOOL)
    linkage.founded.clock.move(days=30, minutes=59)
    assert "destruction" not in {what for what, _ in kinds(linkage)}
    linkage.founded.clock.move(minutes=1)
    late = ("destruction", "kept", "operator", "operator", "2026-10-01T07:00:00Z")
    assert late in overdue(linkage)
    Sweeper(linkage.broker).sweep()
    assert late not in overdue(linkage)


def test_what_a_legal_hold_keeps_is_not_overdue_nor_is_it_at_once_when_it_is_lifted(
    linkage: Linkage,
) -> None:
    linkage.open_round()
    upload(linkage, CHILD_WELFARE)
    broker, operator = linkage.broker, linkage.founded.operator
    with broker.database.write() as session:
        set_hold(session, broker, operator, PROJECT, "Case 26-17")
    linkage.founded.clock.move(days=40)
    assert "destruction" not in {what for what, _ in kinds(linkage)}
    with broker.database.write() as session:
        lift_holds(session, broker, operator, PROJECT)
    assert "destruction" not in {what for what, _ in kinds(linkage)}
    linkage.founded.clock.move(hours=1)
    assert ("destruction", "operator") in kinds(linkage)


def test_a_project_that_was_to_be_gone_is_overdue(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(end="2026-09-10", destroy_by="2026-09-12")
    linkage.open_round()
    upload(linkage, CHILD_WELFARE)
    move_to(linkage, "2026-09-13", "00:59:59")
    assert overdue(linkage) == []
    move_to(linkage, "2026-09-13", "01:00:00")
    assert kinds(linkage) == [("destruction", "operator")]
    Sweeper(linkage.broker).sweep()
    assert overdue(linkage) == []


def test_a_destruction_without_a_certificate_is_the_operators(linkage: Linkage) -> None:
    linkage.open_round()
    upload(linkage, CHILD_WELFARE)
    with linkage.broker.database.write() as session:
        certificate = begin(session, linkage.broker, Wanted(PROJECT, "project")).id
    linkage.founded.clock.move(hours=1)
    since = "2026-09-01T07:00:00Z"
    assert overdue(linkage) == [("certificate", certificate, "operator", "operator", since)]
    finish(linkage.broker, certificate)
    assert overdue(linkage) == []


def test_own_copies_are_to_be_stated_as_deleted_within_two_weeks(released: Linkage) -> None:
    for release in released.get(f"/v1/projects/{PROJECT}/releases", SCHOOL).json()["releases"]:
        released.get(f"/v1/releases/{release['release']}/file", SCHOOL)
    answer = released.client.post(
        f"/v1/projects/{PROJECT}/destruction", headers=released.as_party("operator", "operator")
    )
    certificate = answer.json()["certificate"]
    released.founded.clock.move(days=14)
    late = [one for one in overdue(released) if one[0] == "destruction"]
    since = "2026-09-15T06:00:00Z"
    assert late == [
        ("destruction", certificate, party, "analyst", since) for party in (CHILD_WELFARE, SCHOOL)
    ]
    owed = released.get(f"/v1/destructions/{certificate}").json()["certificate"]["outstanding"]
    for party in (CHILD_WELFARE, SCHOOL):
        person = released.person(party)
        stated = statement(person, none_left=[one["what"] for one in owed if one["party"] == party])
        path = f"/v1/projects/{PROJECT}/destruction-statements"
        assert person.call("POST", path, json=stated.to_json()).status_code == 200
    assert "destruction" not in {what for what, _ in kinds(released)}


# Agreement, keys, and the log.


def test_an_agreement_that_ends_in_30_days_waits_for_stewards(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(end="2026-10-31")
    move_to(linkage, "2026-09-30", "23:59:59")
    assert "agreement" not in {what for what, _ in kinds(linkage)}
    move_to(linkage, "2026-10-01", "00:00:00")
    late = [one for one in overdue(linkage) if one[0] == "agreement"]
    assert late == [
        ("agreement", "agreement", party, "steward", "2026-10-01T00:00:00Z")
        for party in (CHILD_WELFARE, SCHOOL)
    ]
    amend(linkage, end="2027-10-31")
    assert "agreement" not in {what for what, _ in kinds(linkage)}


def test_an_agreement_for_a_few_weeks_is_not_about_to_end_from_its_first_day(
    make_linkage: MakeLinkage,
) -> None:
    linkage = make_linkage(end="2026-09-20")
    linkage.founded.clock.move(days=13)
    assert overdue(linkage) == []


def test_a_secret_is_to_be_replaced_after_a_year(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(end="2028-12-31")
    move_to(linkage, "2027-10-01", "00:00:00")
    late = [one for one in overdue(linkage) if one[1] == "secret-1"]
    assert late == [
        ("key", "secret-1", party, "analyst", "2027-10-01T00:00:00Z")
        for party in (CHILD_WELFARE, SCHOOL)
    ]
    amend(linkage, epoch=2)
    assert "secret-1" not in {one for _, one, _, _, _ in overdue(linkage)}


def test_the_key_ring_is_to_be_replaced_after_a_year_and_is_of_no_project(linkage: Linkage) -> None:
    def of_the_broker() -> list[Any]:
        with linkage.broker.database.read() as session:
            return overdue_in(session, linkage.broker, NO_PROJECT, linkage.founded.clock())

    made = linkage.founded.clock().timestamp()
    ring = linkage.broker.settings.ring_file
    os.utime(ring, (made, made))
    linkage.founded.clock.move(days=394)
    assert of_the_broker() == []
    linkage.founded.clock.move(days=1)
    (late,) = of_the_broker()
    assert (late.object, late.party, late.duty) == ("key-ring", "operator", "operator")
    assert "key-ring" not in {one for _, one, _, _, _ in overdue(linkage)}
    os.utime(ring, (made + 86_400, made + 86_400))
    assert of_the_broker() == []


def test_a_log_that_nobody_witnesses_is_in_the_hands_of_the_agencies(linkage: Linkage) -> None:
    linkage.founded.clock.move(days=13, hours=23)
    assert overdue(linkage) == []
    linkage.founded.clock.move(hours=1)
    late = ("witness", "log", CHILD_WELFARE, "analyst", "2026-09-15T06:00:00Z")
    assert late in overdue(linkage)
    witness(linkage, AUDITOR, "auditor")
    assert "witness" not in {what for what, _ in kinds(linkage)}
    # With nothing new in the project there is nothing to witness.
    linkage.founded.clock.move(days=100)
    assert "witness" not in {what for what, _ in kinds(linkage)}


# Who is told.


def test_an_agency_is_told_what_it_owes_and_what_all_wait_for(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(end="2026-10-31")
    move_to(linkage, "2026-10-05", "00:00:00")
    linkage.open_round()
    upload(linkage, CHILD_WELFARE)
    linkage.founded.clock.move(days=1)
    own = {(what, party) for what, _, party, _, _ in overdue(linkage, CHILD_WELFARE, "agency")}
    assert own == {("agreement", CHILD_WELFARE), ("witness", CHILD_WELFARE), ("upload", SCHOOL)}
    all_of_it = own | {("agreement", SCHOOL), ("witness", SCHOOL)}
    for party, role in (("operator", "operator"), (AUDITOR, "auditor")):
        told = {(what, who) for what, _, who, _, _ in overdue(linkage, party, role)}  # type: ignore[arg-type]
        assert told == all_of_it
