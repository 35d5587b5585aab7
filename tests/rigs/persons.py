"""Persons with keys of their own, enrolled in a moment: in the database, over HTTP, or by typed commands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rigs.enrolled import EnrolledPerson

from app.agencies import persons
from app.agencies.service import enrol_party
from app.broker import Broker
from app.security.actor import Actor
from encoding.people.identity import Identity, new_identity, write_identity
from encoding.people.identity_lock import new_key_file
from schemas.api.sign_in import EnrolmentRequest
from schemas.signing.identity import Duty, Role

MakePerson = Callable[..., EnrolledPerson]

# All that a person in a role may do.
DUTIES: dict[Role, tuple[Duty, ...]] = {
    "agency": ("analyst", "approver", "recipient", "reviewer", "steward"),
    "auditor": ("auditor", "steward"),
    "operator": ("operator", "steward"),
}


def enrolled_person(broker: Broker, operator: Actor, party: str, *duties: Duty) -> Identity:
    """Return a new person who is invited, enrolled and confirmed without a request; the party is there."""
    identity = new_identity(party, duties, broker.clock())
    enrol_keys(broker, operator, identity, broker.clock())
    return identity


def enrol_keys(broker: Broker, operator: Actor, identity: Identity, now: datetime) -> None:
    """Invite, enrol and confirm a person whose keys are there."""
    public = identity.public
    with broker.database.write() as session:
        invited = persons.invite_person(
            session, party=public.party, duties=public.duties, label="", now=now
        )
        wanted = EnrolmentRequest(code=invited.code, identity=identity.signed)
        persons.enrol_person(session, wanted, now)
        persons.confirm_person(
            session,
            broker.log,
            person_id=public.person,
            fingerprint=public.fingerprint(),
            actor=operator,
            now=now,
        )


def enrol_agencies(
    broker: Broker,
    operator: Actor,
    *parties: str,
    now: datetime | None = None,
    role: Role = "agency",
) -> None:
    """Enrol parties by names, which are their titles too; the broker's clock says when, unless `now` does."""
    with broker.database.write() as session:
        for party in parties:
            enrol_party(
                session,
                broker.log,
                name=party,
                title=party,
                role=role,
                actor=operator,
                now=now or broker.clock(),
            )


def lay_down_keys(folder: Path, identity: Identity) -> None:
    """Write `identity.txt` into an agency's folder, and the key file that opens it."""
    write_identity(folder / "identity.txt", identity, new_key_file(folder / "identity.key"))


@pytest.fixture
def person_of(founded: Any, client: Any) -> MakePerson:
    """Return a function that gives the person of a party with these duties, new on first use."""
    made: dict[tuple[str, tuple[str, ...]], EnrolledPerson] = {}

    def give(party: str, *duties: Duty) -> EnrolledPerson:
        key = (party, tuple(sorted(duties)))
        if key not in made:
            identity = enrolled_person(founded.broker, founded.operator, party, *duties)
            made[key] = EnrolledPerson(founded, client, identity)
        return made[key]

    return give


@pytest.fixture(name="bearer")
def persons_bearer(founded: Any, person_of: MakePerson) -> Callable[[str, Role], dict[str, str]]:
    """Return the header of a party's person in a role, signed in with keys and without proofs."""
    signed_in: dict[tuple[str, Role], tuple[str, datetime]] = {}

    def header(party: str, role: Role) -> dict[str, str]:
        token, since = signed_in.get((party, role), ("", datetime.min.replace(tzinfo=UTC)))
        if founded.clock() - since >= timedelta(minutes=9):
            token = person_of(party, *DUTIES[role]).token(is_bound=False)
            signed_in[party, role] = token, founded.clock()
        return {"authorization": f"Bearer {token}"}

    return header
