"""Parties and sessions in the database, on both kinds."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from rigs.linkage import either_database

from app.agencies import service
from app.errors import PARTY_EXISTS, UNKNOWN_PARTY, NotAuthenticatedError, RefusedError
from schemas.api.bodies import SessionLink
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.kinds import KINDS
from tests.samples.refusals import raises

__all__ = ["either_database"]


def entries(founded: Any) -> list[Any]:
    from sqlalchemy import select

    from app.matchlog.models import LogLeaf

    with founded.broker.database.read() as session:
        raw = session.scalars(select(LogLeaf.entry).order_by(LogLeaf.seq)).all()
        return [parse_entry(entry, KINDS) for entry in raw]


def operator_link(founded: Any) -> SessionLink:
    with founded.broker.database.write() as session:
        return service.new_operator_link(
            session, founded.broker.log, operator=founded.operator, now=founded.clock()
        )


def test_founding_enrols_the_operator_who_alone_has_commands(founded: Any) -> None:
    kinds = [entry.kind for entry in entries(founded)]
    assert kinds == ["log-started", "party-enrolled", "role-changed"]
    assert entries(founded)[1].actor.party == "broker"
    with founded.broker.database.read() as session:
        actor = service.operator_actor(session, "operator", founded.clock)
    acting = (actor.party, actor.person, actor.role)
    assert acting == ("operator", founded.operator.person, "operator")
    founded.enrol("county")
    with founded.broker.database.read() as session, raises(UNKNOWN_PARTY):
        service.operator_actor(session, "county", founded.clock)


def test_a_party_is_enrolled_once_and_logged(founded: Any) -> None:
    founded.enrol("county")
    before = entries(founded)
    for name in ("county", "broker"):
        with raises(PARTY_EXISTS):
            founded.enrol(name)
    assert entries(founded) == before
    enrolled = [entry for entry in before if entry.kind == "party-enrolled"]
    assert [entry.body.party for entry in enrolled] == ["operator", "county"]
    assert enrolled[1].actor.person == founded.operator.person


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

    database, request = founded.broker.database, "req-" + "0" * 32
    for _ in range(3):
        operator_link(founded)
        code = operator_link(founded).code
        # A code is no cookie.
        with database.read() as session, pytest.raises(NotAuthenticatedError):
            service.actor_of_session(
                session, code, request, now=founded.clock(), clock=founded.clock
            )
        with database.write() as session:
            service.open_session(session, code, founded.clock())
        founded.clock.move(hours=9)
    with database.read() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table))
            for table in (SessionCode, PageSession)
        ]
    assert counts == [1, 1]
