"""Persons with keys: invited, enrolled, confirmed, replaced, revoked."""

from __future__ import annotations

from typing import Any

import pytest
from rigs.enrolled import EnrolledPerson, confirm, invite, log_entries, revoke
from sqlalchemy import text
from starlette.testclient import TestClient

from app.agencies import persons
from app.errors import (
    DUTIES_REFUSED,
    FINGERPRINT_DIFFERS,
    PERSON_STATE,
    UNKNOWN_PARTY,
    UNKNOWN_PERSON,
)
from encoding.people.identity import Identity, new_identity, replace_keys
from schemas.api.sign_in import EnrolmentRequest
from schemas.documents.problem import Problem
from schemas.documents.written_code import write_code
from schemas.signing.identity import KeyChange, sign_key_change
from tests.samples.refusals import raises

PARTY = "child-welfare"


@pytest.fixture
def world(founded: Any) -> Any:
    founded.enrol(PARTY, "school-district")
    return founded


@pytest.fixture
def person(world: Any, client: TestClient) -> EnrolledPerson:
    return EnrolledPerson.confirmed(world, client, PARTY, "analyst")


def stranger(world: Any, client: TestClient, *duties: Any) -> EnrolledPerson:
    identity = new_identity(PARTY, duties or ("analyst",), world.clock())
    return EnrolledPerson(world, client, identity)


def problem(answer: Any) -> tuple[int, str, str]:
    found = Problem.from_json(answer.json())
    return answer.status_code, found.code, found.detail


def change_of(person: EnrolledPerson) -> tuple[Identity, Any]:
    return replace_keys(person.identity, person.founded.clock())


def test_who_enrols_waits_until_an_operator_has_compared(world: Any, client: TestClient) -> None:
    person, other = stranger(world, client), stranger(world, client)
    code = invite(world, PARTY, "analyst")
    answer = person.enrol(code)
    assert answer.status_code == 201
    assert answer.json() == {
        "person": person.id,
        "state": "awaiting",
        "fingerprint": person.identity.public.fingerprint(),
    }
    # The code is kept nowhere.
    with world.broker.database.read() as session:
        rows = session.execute(text("SELECT * FROM invitation")).all()
    assert code not in repr(rows)
    assert code[:9] not in repr(rows)
    with raises(FINGERPRINT_DIFFERS), world.broker.database.write() as session:
        persons.confirm_person(
            session,
            world.broker.log,
            person_id=person.id,
            fingerprint=other.identity.public.fingerprint(),
            actor=world.operator,
            now=world.clock(),
        )
    assert person.ask_token().status_code == 401
    confirm(world, person.identity)
    with raises(PERSON_STATE):
        confirm(world, person.identity)
    whoami = person.call("GET", "/v1/whoami").json()
    assert (whoami["party"], whoami["person"], whoami["role"]) == (PARTY, person.id, "agency")
    assert whoami["duties"] == ["analyst"]
    # The log names the person with the keys, and never the label.
    enrolled, granted = log_entries(world)[-2:]
    assert enrolled["kind"] == "person-enrolled"
    assert enrolled["body"] == {
        "party": PARTY,
        "person": person.id,
        "duties": ["analyst"],
        "signing_key": person.identity.public.signing_key,
        "receiving_key": person.identity.public.key_digests()[1],
    }
    assert (granted["kind"], granted["body"]["change"]) == ("role-changed", "granted")
    assert enrolled["actor"]["party"] == "operator"


def test_an_invitation_works_once_and_the_same_keys_may_ask_again(
    world: Any, client: TestClient
) -> None:
    code = invite(world, PARTY, "analyst")
    # A refused enrolment does not use it up.
    assert stranger(world, client, "steward").enrol(code).status_code == 401
    world.clock.move(days=6, hours=23)
    first, second = stranger(world, client), stranger(world, client)
    assert first.enrol(code).status_code == 201
    assert second.enrol(code).status_code == 401
    assert first.enrol(code).json()["state"] == "awaiting"
    confirm(world, first.identity)
    assert first.enrol(code).json()["state"] == "active"


def test_whatever_is_wrong_with_an_enrolment_answers_alike(world: Any, client: TestClient) -> None:
    person = stranger(world, client)
    other = EnrolledPerson(
        world, client, new_identity("school-district", ("analyst",), world.clock())
    )
    more = stranger(world, client, "analyst", "steward")
    code = invite(world, PARTY, "analyst")
    used = invite(world, PARTY, "analyst")
    assert stranger(world, client).enrol(used).status_code == 201
    unsigned = person.identity.signed.model_copy(
        update={"signature": other.identity.signed.signature}
    )
    swapped = EnrolmentRequest(code=code, identity=unsigned)
    answers = [
        person.enrol(""),
        person.enrol("a guess"),
        person.enrol(write_code(bytes(18))),
        person.enrol(code[:-1] + ("0" if code[-1] != "0" else "1")),
        person.enrol(used),
        other.enrol(code),
        more.enrol(code),
        client.post("/v1/enrolments", json=swapped.to_json()),
    ]
    world.clock.move(days=7)
    answers.append(person.enrol(code))
    assert {problem(answer) for answer in answers} == {
        (401, "enrolment-refused", "This code cannot enroll these keys.")
    }


def test_nobody_enrols_in_the_place_of_another(
    world: Any, client: TestClient, person: EnrolledPerson
) -> None:
    identity = new_identity(PARTY, ("analyst",), world.clock(), person=person.id)
    thief = EnrolledPerson(world, client, identity)
    assert thief.enrol(invite(world, PARTY, "analyst")).status_code == 401
    assert thief.ask_token().status_code == 401
    assert person.call("GET", "/v1/whoami").status_code == 200


def test_the_role_follows_from_the_duties(world: Any, client: TestClient) -> None:
    roles: list[tuple[tuple[Any, ...], str]] = [
        (("analyst", "steward"), "agency"),
        (("auditor",), "auditor"),
        (("operator", "steward"), "operator"),
    ]
    for duties, role in roles:
        person = EnrolledPerson.confirmed(world, client, PARTY, *duties)
        assert person.call("GET", "/v1/whoami").json()["role"] == role
    both: list[tuple[Any, ...]] = [("auditor", "analyst"), ("operator", "auditor")]
    for duties in both:
        with raises(DUTIES_REFUSED):
            invite(world, PARTY, *duties)
    with raises(UNKNOWN_PARTY):
        invite(world, "nobody", "analyst")
    for unknown in ("per-" + "0" * 32, world.operator.person):
        with raises(UNKNOWN_PERSON):
            revoke(world, unknown)
    with raises(UNKNOWN_PERSON):
        confirm(world, new_identity(PARTY, ("analyst",), world.clock()))


def test_a_revoked_person_is_refused_on_the_next_request(
    world: Any, client: TestClient, person: EnrolledPerson
) -> None:
    token = person.token()
    assert person.call("GET", "/v1/whoami", token).status_code == 200
    revoke(world, person.id)
    assert person.call("GET", "/v1/whoami", token).status_code == 401
    assert person.ask_token().status_code == 401
    entries = log_entries(world)
    assert (entries[-1]["kind"], entries[-1]["body"]["change"]) == ("role-changed", "revoked")
    revoke(world, person.id)
    # Nor does one leave an entry who was never confirmed.
    waiting = stranger(world, client)
    waiting.enrol(invite(world, PARTY, "analyst"))
    revoke(world, waiting.id)
    assert log_entries(world) == entries
    with raises(PERSON_STATE):
        confirm(world, waiting.identity)


def test_keys_are_replaced_by_a_change_that_both_signed(
    world: Any, client: TestClient, person: EnrolledPerson
) -> None:
    old, token, other = person.identity, person.token(), person.token()
    new, change = change_of(person)
    answer = person.call("POST", "/v1/key-changes", token, json=change.to_json())
    assert answer.json()["fingerprint"] == new.public.fingerprint()
    assert person.ask_token().status_code == 401
    for ended in (token, other):
        assert person.call("GET", "/v1/whoami", ended).status_code == 401
    successor = EnrolledPerson(world, client, new)
    assert successor.call("GET", "/v1/whoami").json()["person"] == person.id
    entries = log_entries(world)
    signing, receiving = entries[-2:]
    assert (signing["body"]["use"], receiving["body"]["use"]) == ("signing", "receiving")
    assert (signing["body"]["old"], receiving["body"]["old"]) == old.public.key_digests()
    assert (signing["body"]["new"], receiving["body"]["new"]) == new.public.key_digests()
    again = successor.call("POST", "/v1/key-changes", json=change.to_json())
    assert again.status_code == 200
    assert log_entries(world) == entries


def test_a_change_that_does_not_follow_is_refused(
    world: Any, client: TestClient, person: EnrolledPerson
) -> None:
    other = EnrolledPerson.confirmed(world, client, PARTY, "analyst")
    _, of_other = change_of(other)
    new, change = change_of(person)
    by_new = sign_key_change(change.change, new.keys.signing_key, new.keys.signing_key)
    promoted = new_identity(PARTY, ("steward",), world.clock(), person=person.id)
    more = KeyChange(
        person=person.id,
        old_key=person.identity.public.signing_key,
        successor=promoted.public,
        at="2026-09-01T06:00:00Z",
    )
    to_more = sign_key_change(more, person.identity.keys.signing_key, promoted.keys.signing_key)
    for refused in (of_other, by_new, to_more):
        answer = person.call("POST", "/v1/key-changes", json=refused.to_json())
        assert problem(answer)[:2] == (409, "key-change-refused")
    assert person.call("GET", "/v1/whoami").status_code == 200


def test_a_history_that_is_full_asks_for_a_new_enrolment(
    client: TestClient, world: Any, person: EnrolledPerson
) -> None:
    for _ in range(16):
        new, change = change_of(person)
        assert person.call("POST", "/v1/key-changes", json=change.to_json()).status_code == 200
        person = EnrolledPerson(world, client, new)
    _, change = change_of(person)
    assert person.call("POST", "/v1/key-changes", json=change.to_json()).status_code == 409


def test_lists_name_who_waits_and_who_may_act(
    world: Any, client: TestClient, person: EnrolledPerson
) -> None:
    waiting = stranger(world, client)
    waiting.enrol(invite(world, PARTY, "analyst"))
    invite(world, "school-district", "steward")
    with world.broker.database.read() as session:
        found = {row.id: persons.state_of(row) for row in persons.list_persons(session, None)}
        invited = persons.open_invitations(session, None, world.clock())
        assert [(row.party, row.duties) for row in invited] == [("school-district", "steward")]
        assert persons.open_invitations(session, PARTY, world.clock()) == []
    assert found == {person.id: "active", waiting.id: "awaiting"}
