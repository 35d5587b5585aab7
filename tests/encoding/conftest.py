"""Four people in a file of the agency's own columns, and a project of two agencies that it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rigs.moments import Moments
from rigs.near_broker import PARTIES, NearBroker, near_broker, small_profile, small_terms

from encoding.secret.secret import Secret
from schemas.api.projects import ProjectView

SECRET = Secret(bytes(range(32)))
PEOPLE_COLUMNS = ("ID", "first", "last", "born")
PEOPLE: Mapping[str, tuple[str, str, str]] = {
    "7": ("Ana", "Ortiz", "2011-04-09"),
    "07": ("Bo", "Nguyen", "2012-05-01"),
    "x-3": ("Chloé", "O'Neal", "2010-12-31"),
    "4": ("Dee", "Lee", "2015-01-15"),
}


@pytest.fixture
def view_with() -> Callable[..., ProjectView]:
    """Makes the project with other terms."""

    def make(**changes: object) -> ProjectView:
        profile = small_profile()
        terms = small_terms(profile, **changes)
        return ProjectView(
            project=terms.project,
            agreement=terms.digest(),
            terms=terms,
            profile=profile,
            in_force=True,
        )

    return make


@pytest.fixture
def view(view_with: Callable[..., ProjectView]) -> ProjectView:
    """The project that both parties of these tests take part in."""
    return view_with()


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


@pytest.fixture
def people() -> list[tuple[str, ...]]:
    """Four people, one row each."""
    return [(record_id, *names) for record_id, names in PEOPLE.items()]


@pytest.fixture
def bare_broker(tmp_path: Path) -> Iterator[NearBroker]:
    """A broker with both parties and no project."""
    with near_broker(tmp_path / "broker") as near:
        for party in PARTIES:
            near.enrol(party)
        yield near


@pytest.fixture
def terms() -> dict[str, Any]:
    """What the broker's project has agreed otherwise; a test replaces it by parametrisation."""
    return {}


@pytest.fixture
def reach(
    moments: Moments,
    request: pytest.FixtureRequest,
    terms: dict[str, Any],
    people: list[tuple[str, ...]],
) -> Callable[..., Any]:
    """Does steps that lead the broker and its desks to a moment, or copies what they led to in another test.

    Within a module, steps of one name do the same where terms, people, files and requests before are the same.
    """
    module = request.module.__name__

    def reached(near: NearBroker, name: str, steps: Callable[[], Any]) -> Any:
        return moments.reach(near, name, steps, module, repr(terms), repr(people))

    return reached


@pytest.fixture
def broker(bare_broker: NearBroker, terms: dict[str, Any], reach: Callable[..., Any]) -> NearBroker:
    """A broker with the project of these tests."""
    reach(bare_broker, "agreed", lambda: bare_broker.add_project(**terms))
    return bare_broker


@pytest.fixture
def ready_desks(
    broker: NearBroker,
    tmp_path: Path,
    secret: Secret,
    people: list[tuple[str, ...]],
    write_people: Callable[..., Path],
    reach: Callable[..., Any],
) -> NearBroker:
    """The broker with both agencies at their desks, ready for rounds; three of their people are the same."""
    pupils = [("p1", *people[0][1:]), ("p2", *people[2][1:]), ("p3", "Zoe", "Zinn", "2010-10-10")]
    files = {
        "schools": write_people([*pupils, ("p4", *people[3][1:])], "pupils.csv"),
        "welfare": write_people(people),
    }

    def get_ready() -> None:
        for party, file in files.items():
            broker.desk(party, tmp_path / party, file, secret)
        broker.compare()
        for desk in broker.desks.values():
            desk.ok("round", "--ready")

    reach(broker, "ready", get_ready)
    return broker
