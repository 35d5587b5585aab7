"""Parties and sessions in the database, on both kinds."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.agencies import service
from app.agencies.errors import (
    PARTY_EXISTS,
    UNKNOWN_PARTY,
)
from app.errors import RefusedError
from app.security.errors import NotAuthenticatedError
from schemas.api import SessionLink
from schemas.matchlog.entry import parse_entry
from tests.samples.refusals import raises


def entries(founded: Any) -> list[Any]:
    from sqlalchemy import select

    from app.matchlog.models import LogLeaf

    with founded.broker.database.read() as session:
        raw = session.scalars(select(LogLeaf.entry).order_by(LogLeaf.seq)).all()
        return [parse_entry(entry) for entry in raw]


def operator_link(founded: Any) -> SessionLink:
    with founded.broker.database.write() as session:
        return service.new_operator_link(
            session, founded.broker.log, operator=founded.operator, now=founded.clock()
        )


def test_founding_enrols_the_operator_and_logs_it(founded: Any) -> None:
    kinds = [entry.kind for entry in entries(founded)]
    assert kinds == ["log-started", "party-enrolled", "role-changed"]
    assert entries(founded)[1].actor.party == "broker"


def test_the_operators_commands_act_as_the_person_of_the_founding(founded: Any) -> None:
    with founded.broker.database.read() as session:
        actor = service.operator_actor(session, "operator", founded.clock)
    assert (actor.party, actor.person, actor.role) == (
        "operator",
        founded.operator.person,
        "operator",
    )


def test_a_party_that_did_not_found_the_broker_has_no_commands(founded: Any) -> None:
    founded.enrol("county")
    with founded.broker.database.read() as session, raises(UNKNOWN_PARTY):
        service.operator_actor(session, "county", founded.clock)


def test_no_party_has_the_brokers_own_name(founded: Any) -> None:
    with raises(PARTY_EXISTS):
        founded.enrol("broker")


def test_a_party_is_enrolled_once_and_logged(founded: Any) -> None:
    founded.enrol("county")
    with raises(PARTY_EXISTS):
        founded.enrol("county")
    enrolled = [entry for entry in entries(founded) if entry.kind == "party-enrolled"]
    assert [entry.body.party for entry in enrolled] == ["operator", "county"]
    assert enrolled[1].actor.person == founded.operator.person


def test_a_refused_enrolment_leaves_the_log_as_it_was(founded: Any) -> None:
    founded.enrol("county")
    before = len(entries(founded))
    with raises(PARTY_EXISTS):
        founded.enrol("county")
    assert len(entries(founded)) == before


def test_a_session_code_opens_one_session_however_many_try_at_once(founded: Any) -> None:
    database, now = founded.broker.database, founded.clock()
    link = operator_link(founded)
    start = threading.Barrier(4)
    opened: list[str] = []
    refused: list[Exception] = []

    def try_to_open() -> None:
        start.wait()
        try:
            with database.write() as session:
                opened.append(service.open_session(session, link.code, now))
        except RefusedError as exc:
            refused.append(exc)

    threads = [threading.Thread(target=try_to_open) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(opened), len(refused)) == (1, 3)


def test_old_codes_and_sessions_are_swept_when_a_new_link_is_made(founded: Any) -> None:
    from sqlalchemy import func, select

    from app.agencies.models import PageSession, SessionCode

    database = founded.broker.database
    for _ in range(3):
        operator_link(founded)
        code = operator_link(founded).code
        with database.write() as session:
            service.open_session(session, code, founded.clock())
        founded.clock.move(hours=9)
    with database.read() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table))
            for table in (SessionCode, PageSession)
        ]
    assert counts == [1, 1]


def test_a_code_is_no_cookie(founded: Any) -> None:
    code = operator_link(founded).code
    with founded.broker.database.read() as session, pytest.raises(NotAuthenticatedError):
        service.actor_of_session(
            session, code, "req-" + "0" * 32, now=founded.clock(), clock=founded.clock
        )
