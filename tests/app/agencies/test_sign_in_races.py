"""Several at once, on each kind of database: what works once works for one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Response
from rigs.enrolled import TOKEN_URL, EnrolledPerson, invite, log_entries
from rigs.linkage import either_database
from sqlalchemy import text
from starlette.testclient import TestClient

from app.agencies.sign_in import sign_in
from encoding.people.identity import new_identity, replace_keys

__all__ = ["either_database"]

pytestmark = pytest.mark.campaign("two-at-once")

PARTY = "child-welfare"
N_AT_ONCE = 4


def at_once(calls: list[Callable[[], Response]]) -> list[int]:
    """Make all calls at the same moment and return their statuses in increasing order."""
    barrier = threading.Barrier(len(calls))
    statuses: list[int] = []

    def run(call: Callable[[], Response]) -> None:
        barrier.wait()
        statuses.append(call().status_code)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def test_one_code_enrols_one_of_several(founded: Any, client: TestClient) -> None:
    founded.enrol(PARTY)
    code = invite(founded, PARTY, "analyst")
    rivals = [
        EnrolledPerson(founded, client, new_identity(PARTY, ("analyst",), founded.clock()))
        for _ in range(N_AT_ONCE)
    ]
    calls = [lambda rival=rival: rival.enrol(code) for rival in rivals]
    assert at_once(calls) == [201, 401, 401, 401]


def test_one_claim_and_one_proof_work_once(founded: Any, client: TestClient) -> None:
    founded.enrol(PARTY)
    person = EnrolledPerson.confirmed(founded, client, PARTY, "analyst")
    claim = person.claim()
    asks = [lambda: person.ask_token(claim) for _ in range(N_AT_ONCE)]
    assert at_once(asks) == [200, 401, 401, 401]
    headers = person.headers("GET", "/v1/whoami", person.token())
    gets = [lambda: client.get("/v1/whoami", headers=headers) for _ in range(N_AT_ONCE)]
    assert at_once(gets) == [200, 401, 401, 401]
    with founded.broker.database.read() as session:
        counted = session.execute(text("SELECT sum(count) FROM refused_sign_ins")).scalar()
    assert counted == 2 * (N_AT_ONCE - 1)


def test_of_two_changes_of_keys_one_wins_and_the_history_holds(
    founded: Any, client: TestClient
) -> None:
    founded.enrol(PARTY)
    person = EnrolledPerson.confirmed(founded, client, PARTY, "analyst")
    tokens = [person.token() for _ in range(2)]
    changes = [replace_keys(person.identity, founded.clock())[1] for _ in range(2)]
    calls = [
        lambda t=token, c=change: person.call("POST", "/v1/key-changes", t, json=c.to_json())
        for token, change in zip(tokens, changes, strict=True)
    ]
    statuses = at_once(calls)
    # The loser is refused by its change or, a moment later, by its token.
    assert statuses[0] == 200
    assert statuses[1] in {401, 409}
    rotated = [entry for entry in log_entries(founded) if entry["kind"] == "key-rotated"]
    assert len(rotated) == 2


def test_a_token_of_the_old_keys_does_not_outlive_a_change_of_the_same_moment(
    founded: Any, client: TestClient
) -> None:
    founded.enrol(PARTY)
    person = EnrolledPerson.confirmed(founded, client, PARTY, "analyst")
    token, claim = person.token(), person.claim()
    _, change = replace_keys(person.identity, founded.clock())
    statuses: list[int] = []

    def change_keys() -> None:
        answer = person.call("POST", "/v1/key-changes", token, json=change.to_json())
        statuses.append(answer.status_code)

    changing = threading.Thread(target=change_keys)
    with founded.broker.database.write() as session:
        stolen = sign_in(session, claim, None, token_url=TOKEN_URL, now=founded.clock())
        changing.start()
        # Anyone who does not wait for the sign-in is done long before; anyone who does goes on after the block.
        changing.join(2)
    changing.join()
    assert statuses == [200]
    headers = {"authorization": f"Bearer {stolen.access_token}"}
    assert client.get("/v1/whoami", headers=headers).status_code == 401
