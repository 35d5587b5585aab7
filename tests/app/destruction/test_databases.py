"""Destruction on each kind of database: asked for at once by two, fallen due, held up, and of one record."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from rigs.destroying import checked, destroy, destructions
from rigs.linkage import CHILD_WELFARE, PROJECT, Linkage, either_database

from app.agreements.holds import lift_holds, set_hold
from app.destruction.certification import finish
from app.destruction.service import Wanted, begin
from app.worker.sweeper import Sweeper

__all__ = ["either_database"]


def test_two_who_ask_at_once_get_one_certificate(linked: Linkage) -> None:
    broker, together = linked.broker, threading.Barrier(2)

    def ask(_: int) -> str:
        together.wait()
        with broker.database.write() as session:
            return begin(session, broker, Wanted(PROJECT, "project")).id

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))
    assert first == second
    assert finish(broker, first)
    assert len(checked(linked, first).certificate.objects) == 5
    assert list(broker.keystore.object_ids()) == []


def test_two_sweepers_at_once_certify_once(linked: Linkage) -> None:
    linked.founded.clock.move(days=30)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: Sweeper(linked.broker).sweep(), range(2)))
    Sweeper(linked.broker).sweep()
    listed = [
        one.object
        for view in destructions(linked)
        for one in checked(linked, view["certificate"]).certificate.objects
    ]
    assert len(listed) == len(set(listed)) == 2


def test_a_hold_keeps_and_a_withdrawn_record_is_left_out(linked: Linkage) -> None:
    with linked.broker.database.write() as session:
        set_hold(session, linked.broker, linked.founded.operator, PROJECT, "Case 26-17")
    linked.founded.clock.move(days=200)
    Sweeper(linked.broker).sweep()
    assert destroy(linked).status_code == 409
    handle = "ab" * 16
    path = f"/v1/projects/{PROJECT}/withdrawals"
    headers = linked.as_party(CHILD_WELFARE)
    for _ in range(2):
        taken = linked.client.post(
            path, json={"handle": handle, "salt": "cd" * 32}, headers=headers
        )
        assert taken.status_code == 200, taken.text
    with linked.broker.database.write() as session:
        lift_holds(session, linked.broker, linked.founded.operator, PROJECT)
    Sweeper(linked.broker).sweep()
    assert list(linked.broker.keystore.object_ids()) == []
    assert [view["reason"] for view in destructions(linked)] == ["retention"]
