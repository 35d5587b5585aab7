"""Parties, tokens and sessions in the database, on both kinds."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from app.agencies import service
from app.agencies.errors import (
    PartyExistsError,
    SessionCodeError,
    UnknownPartyError,
    UnknownTokenError,
)
from app.security.errors import NotAuthenticatedError
from schemas.matchlog.entry import parse_entry


def entries(founded: Any) -> list[Any]:
    from sqlalchemy import select

    from app.matchlog.models import LogLeaf

    with founded.broker.database.read() as session:
        raw = session.scalars(select(LogLeaf.entry).order_by(LogLeaf.seq)).all()
        return [parse_entry(entry) for entry in raw]


def revoke(founded: Any, token_id: str) -> None:
    with founded.broker.database.write() as session:
        service.revoke_token(
            session,
            founded.broker.log,
            token_id=token_id,
            actor=founded.operator,
            now=founded.clock(),
        )


def test_founding_enrols_the_operator_and_logs_it(founded: Any) -> None:
    kinds = [entry.kind for entry in entries(founded)]
    assert kinds == ["log-started", "party-enrolled", "role-changed"]
    assert entries(founded)[1].actor.party == "broker"


def test_the_operators_commands_act_as_the_person_of_the_founding(founded: Any) -> None:
    with founded.broker.database.read() as session:
        actor = service.operator_actor(session, "operator", founded.clock())
    assert (actor.party, actor.person, actor.role) == (
        "operator",
        founded.operator.person,
        "operator",
    )


def test_a_party_that_did_not_found_the_broker_has_no_commands(founded: Any) -> None:
    founded.enrol("county")
    with founded.broker.database.read() as session, pytest.raises(UnknownPartyError):
        service.operator_actor(session, "county", founded.clock())


def test_a_party_is_enrolled_once_and_logged(founded: Any) -> None:
    founded.enrol("county")
    with pytest.raises(PartyExistsError):
        founded.enrol("county")
    enrolled = [entry for entry in entries(founded) if entry.kind == "party-enrolled"]
    assert [entry.body.party for entry in enrolled] == ["operator", "county"]
    assert enrolled[1].actor.person == founded.operator.person


def test_issuing_a_token_logs_the_role_and_the_person_by_id(founded: Any) -> None:
    founded.enrol("county")
    secret = founded.token("county", "auditor")
    issued = founded.tokens["county", "auditor"]
    last = entries(founded)[-1]
    assert (last.kind, last.body.change, last.body.role) == ("role-changed", "granted", "auditor")
    assert last.body.person == issued.person
    assert secret not in str(last)
    assert issued.token_id not in str(last)


def test_a_token_needs_an_enrolled_party(founded: Any) -> None:
    with pytest.raises(UnknownPartyError):
        founded.token("nobody", "agency")


def test_a_new_token_does_not_show_in_its_repr(founded: Any) -> None:
    founded.enrol("county")
    secret = founded.token("county", "agency")
    assert secret not in repr(founded.tokens["county", "agency"])


def test_revoking_is_logged_once(founded: Any) -> None:
    founded.enrol("county")
    founded.token("county", "agency")
    issued = founded.tokens["county", "agency"]
    revoke(founded, issued.token_id)
    revoke(founded, issued.token_id)
    revoked = [
        entry
        for entry in entries(founded)
        if entry.kind == "role-changed" and entry.body.change == "revoked"
    ]
    assert [entry.body.person for entry in revoked] == [issued.person]


def test_an_unknown_token_cannot_be_revoked(founded: Any) -> None:
    with pytest.raises(UnknownTokenError):
        revoke(founded, "tok-" + "0" * 32)


def test_a_refused_enrolment_leaves_the_log_as_it_was(founded: Any) -> None:
    founded.enrol("county")
    before = len(entries(founded))
    with pytest.raises(PartyExistsError):
        founded.enrol("county")
    assert len(entries(founded)) == before


def test_tokens_are_listed_with_those_that_ended(founded: Any) -> None:
    founded.enrol("county")
    founded.token("county", "agency", timedelta(days=1))
    founded.token("county", "auditor")
    revoke(founded, founded.tokens["county", "auditor"].token_id)
    with founded.broker.database.read() as session:
        listed = [(t.role, t.revoked is None) for t in service.list_tokens(session, "county")]
    assert sorted(listed) == [("agency", True), ("auditor", False)]


def test_a_session_code_opens_one_session_however_many_try_at_once(founded: Any) -> None:
    founded.enrol("county")
    secret = founded.token("county", "agency")
    database, now = founded.broker.database, founded.clock()
    with database.write() as session:
        actor = service.actor_of_token(session, secret, "req-" + "0" * 32, now)
        link = service.new_session_link(session, actor, now)
    start = threading.Barrier(4)
    opened: list[str] = []
    refused: list[Exception] = []

    def try_to_open() -> None:
        start.wait()
        try:
            with database.write() as session:
                opened.append(service.open_session(session, link.code, now))
        except SessionCodeError as exc:
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

    founded.enrol("county")
    secret = founded.token("county", "agency")
    database = founded.broker.database
    for _ in range(3):
        with database.write() as session:
            now = founded.clock()
            actor = service.actor_of_token(session, secret, "req-" + "0" * 32, now)
            service.new_session_link(session, actor, now)
            code = service.new_session_link(session, actor, now).code
            service.open_session(session, code, now)
        founded.clock.move(hours=9)
    with database.read() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table))
            for table in (SessionCode, PageSession)
        ]
    assert counts == [1, 1]


def test_a_cookie_is_no_token_and_a_token_no_cookie(founded: Any) -> None:
    founded.enrol("county")
    secret = founded.token("county", "agency")
    with founded.broker.database.read() as session, pytest.raises(NotAuthenticatedError):
        service.actor_of_session(
            session, secret, "req-" + "0" * 32, founded.clock(), takes_issued_tokens=True
        )
