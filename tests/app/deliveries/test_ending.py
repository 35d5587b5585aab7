"""Deliveries end: at their time, with the project, with a party; never under a hold; with certificates."""

from __future__ import annotations

from rigs.delivering import Delivering
from rigs.destroying import certificate_file, checked, destroy, destructions, hold_notice, send
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL

from app.deliveries.arrivals import Incoming
from app.worker.sweeper import ORPHAN_AGE_S, Sweeper
from schemas.documents.canonical import canonical_bytes
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.reports.certificate_log import left_objects, unlogged_objects
from schemas.rounds.destruction import Certificate


def left(delivering: Delivering) -> list[str]:
    return [one for one in delivering.broker.keystore.object_ids() if one.startswith("dlv-")]


def reasons(delivering: Delivering) -> list[str]:
    return [one["body"]["reason"] for one in delivering.said("destroyed")]


def test_one_that_nobody_fetched_expires_and_one_that_was_fetched_is_over(
    delivering: Delivering,
) -> None:
    fetched = delivering.deliver(b"to child welfare")
    delivering.deliver(b"to the school", sender=CHILD_WELFARE, recipient=SCHOOL)
    delivering.fetch(fetched)
    delivering.founded.clock.move(days=89)
    delivering.sweep()
    assert len(left(delivering)) == 2
    delivering.founded.clock.move(days=1)
    delivering.sweep()
    assert left(delivering) == []
    assert sorted(reasons(delivering)) == ["expired", "retention"]
    (certificate,) = [
        one["certificate"]
        for one in destructions(delivering)
        if any(
            listed.kind == "delivery"
            for listed in certificate_file(delivering, one["certificate"]).certificate.objects
        )
    ]
    assert checked(delivering, certificate)
    listed = certificate_file(delivering, certificate).certificate
    entries = [parse_entry(canonical_bytes(one), KINDS) for one in delivering.log_entries()]
    assert unlogged_objects(listed, entries) == ()
    raw = listed.to_json()
    ended = [one for one in raw["objects"] if one["kind"] == "delivery"]
    for one in ended:
        one["party"] = AUDITOR
    wrong = unlogged_objects(Certificate.from_json(raw), entries)
    assert wrong == tuple(one["object"] for one in ended)
    others = [one for one in entries if one.kind != "delivery-destroyed"]
    assert len(unlogged_objects(listed, others)) == 2


def test_it_goes_with_the_project(delivering: Delivering) -> None:
    delivering.deliver()
    answer = destroy(delivering, party="operator", role="operator")
    assert answer.status_code == 200, answer.text
    assert left(delivering) == []
    assert reasons(delivering) == ["asked"]
    listed = certificate_file(delivering, answer.json()["certificate"]).certificate
    entries = [parse_entry(canonical_bytes(one), KINDS) for one in delivering.log_entries()]
    assert left_objects(listed, len(entries), entries) == ()
    (ended,) = [one for one in entries if one.kind == "delivery-destroyed"]
    others = [one for one in entries if one is not ended]
    assert left_objects(listed, len(entries), others) == (ended.object,)


def test_it_goes_with_its_sender_and_with_its_recipient(delivering: Delivering) -> None:
    delivering.deliver()
    delivering.deliver(sender=CHILD_WELFARE, recipient=SCHOOL)
    destroy(delivering, party=SCHOOL)
    assert left(delivering) == []


def test_under_a_hold_nothing_goes_even_when_it_was_replaced(delivering: Delivering) -> None:
    first = delivering.deliver(b"1")
    notice = hold_notice(delivering.person(CHILD_WELFARE), "set")
    assert send(delivering.person(CHILD_WELFARE), f"projects/{PROJECT}/legal-holds", notice)
    second = delivering.deliver(b"2", 2)
    delivering.founded.clock.move(days=100)
    delivering.sweep()
    assert sorted(left(delivering)) == sorted([first, second])
    assert delivering.fetch(first).status_code == 410
    notice = hold_notice(delivering.person(CHILD_WELFARE), "lift")
    send(delivering.person(CHILD_WELFARE), f"projects/{PROJECT}/legal-holds", notice)
    delivering.sweep()
    assert left(delivering) == []
    assert sorted(reasons(delivering)) == ["expired", "replaced"]


def test_what_a_crash_left_without_a_row_is_swept(delivering: Delivering) -> None:
    incoming = Incoming(delivering.broker, 100)
    incoming.add(b"half")
    incoming.finish()
    assert left(delivering) == [incoming.sealed.id]
    now = [0.0]
    sweeper = Sweeper(delivering.broker, clock_s=lambda: now[0])
    sweeper.sweep()
    now[0] += ORPHAN_AGE_S
    sweeper.sweep()
    assert left(delivering) == []
