"""Destruction on each kind of database: asked for at once by two, fallen due, held up, and of one record."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from rigs.agreed import sign_roster
from rigs.destroying import (
    certificate_file,
    checked,
    countersignature,
    destroy,
    destructions,
    send,
    statement,
)
from rigs.enrolled import EnrolledPerson
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage, either_database
from rigs.meanwhile import Meanwhile
from sqlalchemy.orm import Session

from app.agreements.holds import lift_holds, set_hold
from app.destruction import expiry, participation, service, withdrawal
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


@pytest.mark.parametrize("how", ["asked", "by age"])
def test_a_hold_waits_for_what_has_looked_at_the_holds(
    linked: Linkage, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = linked.broker

    def hold() -> None:
        with broker.database.write() as session:
            set_hold(session, broker, linked.founded.operator, PROJECT, "Case 26-17")

    meanwhile = Meanwhile(hold)
    if how == "asked":
        monkeypatch.setattr(service, "refuse_held", meanwhile.after(service.refuse_held))
        assert destroy(linked).status_code == 200
    else:
        linked.founded.clock.move(days=200)
        monkeypatch.setattr(expiry, "is_held", meanwhile.after(expiry.is_held))
        Sweeper(broker).sweep()
    meanwhile.end()
    assert linked.log_kinds().index("legal-hold-set") > linked.log_kinds().index(
        "destruction-begun"
    )
    linked.check_log()


def test_a_hold_that_comes_before_the_sweep_has_the_project_keeps_it(
    linked: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, look = linked.broker, expiry.held_projects
    linked.founded.clock.move(days=200)
    before = {*broker.keystore.object_ids()}

    def then_hold(session: Session, now: datetime) -> frozenset[str]:
        found = look(session, now)
        with broker.database.write() as other:
            set_hold(other, broker, linked.founded.operator, PROJECT, "Case 26-17")
        return found

    monkeypatch.setattr(expiry, "held_projects", then_hold)
    Sweeper(broker).sweep()
    assert {*broker.keystore.object_ids()} == before
    linked.check_log()


def test_a_run_is_asked_for_before_a_withdrawal_or_waits_for_it(
    uploaded: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the log says that it was asked for before, and goes on all the same."""
    assert uploaded.post_as(f"/v1/runs/{uploaded.run_id()}/cancel").status_code == 200
    number = uploaded.round()["round"]
    uploaded.as_party(SCHOOL)
    meanwhile = Meanwhile(lambda: uploaded.ask(SCHOOL, round=number))
    monkeypatch.setattr(withdrawal, "cancel_runs", meanwhile.after(withdrawal.cancel_runs))
    path = f"/v1/projects/{PROJECT}/withdrawals"
    said = {"handle": "ab" * 16, "salt": "cd" * 32}
    answer = uploaded.client.post(path, json=said, headers=uploaded.as_party(CHILD_WELFARE))
    assert answer.status_code == 200, answer.text
    meanwhile.end()
    assert uploaded.log_kinds()[-3:] == ["record-withdrawn", "run-asked", "standing-used"]
    uploaded.work()
    assert uploaded.run()["state"] == "succeeded"
    uploaded.check_log()


@pytest.mark.parametrize("what", ["withdrawal", "counter-signature"])
def test_an_amendment_waits_for_what_has_looked_at_the_agreement_that_binds(
    linked: Linkage, what: str, ann: EnrolledPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the log says under which agreement it was done after it has said that another one binds."""
    broker = linked.broker
    steward = linked.person(SCHOOL).identity
    analyst = EnrolledPerson.confirmed(linked.founded, linked.client, SCHOOL, "analyst")

    def amend() -> None:
        sign_roster(broker, PROJECT, steward, joining=[analyst.identity.public], leaving=())

    meanwhile = Meanwhile(amend)
    if what == "withdrawal":
        monkeypatch.setattr(withdrawal, "project_for", meanwhile.after(withdrawal.project_for))
        path = f"/v1/projects/{PROJECT}/withdrawals"
        said = {"handle": "ab" * 16, "salt": "cd" * 32}
        answer = linked.client.post(path, json=said, headers=linked.as_party(CHILD_WELFARE))
    else:
        file = certificate_file(linked, destroy(linked).json()["certificate"])
        look = participation.binding_terms
        monkeypatch.setattr(participation, "binding_terms", meanwhile.after(look))
        path = f"destructions/{file.certificate.certificate}/countersignatures"
        answer = send(ann, path, countersignature(ann, file))
    assert answer.status_code == 200, answer.text
    meanwhile.end()
    kinds = linked.log_kinds()
    kind = "record-withdrawn" if what == "withdrawal" else "destruction-countersigned"
    assert "agreement-in-force" in kinds[kinds.index(kind) :]
    linked.check_log()


@pytest.mark.parametrize("what", ["counter-signature", "statement"])
def test_what_comes_twice_at_once_is_taken_once(
    linked: Linkage, what: str, ann: EnrolledPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate_file(linked, destroy(linked).json()["certificate"])
    if what == "statement":
        path, signed = f"projects/{PROJECT}/destruction-statements", statement(ann)
        look, kind = "find_statement", "destruction-stated"
    else:
        path = f"destructions/{file.certificate.certificate}/countersignatures"
        signed = countersignature(ann, file)
        look, kind = "find_signature", "destruction-countersigned"
    answers = []
    meanwhile = Meanwhile(lambda: answers.append(send(ann, path, signed)))
    found = getattr(participation.repository, look)
    monkeypatch.setattr(participation.repository, look, meanwhile.after(found))
    answers.append(send(ann, path, signed))
    meanwhile.end()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert linked.log_kinds().count(kind) == 1


def test_a_release_that_is_fetched_while_its_round_is_corrected_is_gone(
    released: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = released.get(f"/v1/projects/{PROJECT}/releases", SCHOOL).json()["releases"]
    path, answers = f"/v1/releases/{found[0]['release']}/file", []
    released.offer_all()
    released.as_party(CHILD_WELFARE)
    meanwhile = Meanwhile(lambda: answers.append(released.get(path, SCHOOL)))
    append = released.broker.log.append
    monkeypatch.setattr(released.broker.log, "append", meanwhile.after(append))
    assert released.correct(1).status_code == 201
    meanwhile.end()
    assert [answer.status_code for answer in answers] == [410]
    released.check_log()
