"""A project with a small linkage schema over an agency's own columns, and the file that goes with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from oracles.broker import BrokerDouble

from encoding.client import BrokerClient
from encoding.connection import Connection, Waiting
from encoding.credential import BearerToken
from encoding.secret import Secret
from schemas.agreement import ProjectTerms
from schemas.api import ProjectView
from schemas.profile import EncodingProfile, Hardening
from schemas.run import IdSpace, MatchingPolicy, Recipient

SECRET = Secret(bytes(range(32)))
PEOPLE_COLUMNS = ("ID", "first", "last", "born")


def feature(identifier: str, n: int, **format_: Any) -> dict[str, Any]:
    return {
        "identifier": identifier,
        "format": format_,
        "hashing": {
            "comparison": {"type": "ngram", "n": n},
            "strategy": {"bitsPerToken": 10},
            "hash": {"type": "blakeHash"},
        },
    }


LINKAGE_SCHEMA: dict[str, Any] = {
    "version": 3,
    "clkConfig": {
        "l": 256,
        "kdf": {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64},
    },
    "features": [
        feature("first", 2, type="string", encoding="utf-8"),
        feature("last", 2, type="string", encoding="utf-8"),
        feature("born", 1, type="date", format="%Y-%m-%d"),
    ],
}


def make_profile(**changes: Any) -> EncodingProfile:
    given: dict[str, Any] = {
        "name": "small",
        "recipe": None,
        "linkage_schema": json.dumps(LINKAGE_SCHEMA),
        "hardening": Hardening(kind="none"),
        "nominal_fill": "0.4",
    }
    return EncodingProfile(**given | changes)


def make_view(profile: EncodingProfile, **changes: Any) -> ProjectView:
    recipients = tuple(
        Recipient(party=party, mode="linked", space="shared") for party in ("schools", "welfare")
    )
    given: dict[str, Any] = {
        "project": "foster-pupils",
        "purpose": "education-stability",
        "providers": ("schools", "welfare"),
        "recipients": recipients,
        "spaces": (IdSpace(name="shared", lifetime="project"),),
        "profile": profile.digest(),
        "policy": MatchingPolicy(auto="0.9", review="0.8", margin="0.05", solver="one-to-one"),
        "population": "in-care",
        "max_variants": 3,
        "start": "2026-01-01",
        "end": "2026-12-31",
    }
    terms = ProjectTerms(**given | changes)
    return ProjectView(
        project=terms.project,
        agreement=terms.digest(),
        terms=terms,
        profile=profile,
        in_force=True,
    )


@pytest.fixture
def view() -> ProjectView:
    """The project that both parties of these tests take part in."""
    return make_view(make_profile())


@pytest.fixture
def view_with() -> Callable[..., ProjectView]:
    """Makes the project with other terms."""
    return lambda **changes: make_view(make_profile(), **changes)


@pytest.fixture
def profile_with() -> Callable[..., EncodingProfile]:
    """Makes the encoding profile with other fields."""
    return make_profile


@pytest.fixture
def view_of() -> Callable[..., ProjectView]:
    """Makes the project of a given encoding profile."""
    return make_view


@pytest.fixture
def secret() -> Secret:
    """The shared secret of these tests."""
    return SECRET


@pytest.fixture
def write_people(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV of people: rows of ID, first name, last name, birth date."""

    def write(rows: Sequence[Sequence[str]], name: str = "people.csv") -> Path:
        path = tmp_path / name
        lines = [",".join(row) for row in (PEOPLE_COLUMNS, *rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


PEOPLE: Mapping[str, tuple[str, str, str]] = {
    "7": ("Ana", "Ortiz", "2011-04-09"),
    "07": ("Bo", "Nguyen", "2012-05-01"),
    "x-3": ("Chloé", "O'Neal", "2010-12-31"),
    "4": ("Dee", "Lee", "2015-01-15"),
}


@pytest.fixture
def people() -> list[tuple[str, ...]]:
    """Four people, one row each."""
    return [(record_id, *names) for record_id, names in PEOPLE.items()]


class Sleeps(list[float]):
    """Counts the seconds that a client would have slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def broker(view: ProjectView) -> BrokerDouble:
    """A broker in memory with the project of these tests."""
    return BrokerDouble(view)


@pytest.fixture
def sleeps() -> Sleeps:
    """What the clients of this test have waited, without waiting."""
    return Sleeps()


@pytest.fixture
def client_of(broker: BrokerDouble, sleeps: Sleeps) -> Iterator[Callable[[str], BrokerClient]]:
    """Connects a party to the broker in memory."""
    opened: dict[str, BrokerClient] = {}

    def connect(party: str) -> BrokerClient:
        if party in opened:
            return opened[party]
        waiting = Waiting(patience_s=20, sleep=sleeps)
        transport = broker.transport()
        connection = Connection(
            "https://broker.test", BearerToken(f"bl_{party}"), waiting=waiting, transport=transport
        )
        return opened.setdefault(party, BrokerClient(connection))

    yield connect
    for client in opened.values():
        client.close()
