"""Two analysts' desks and one broker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rigs.asking import Asking, asking
from rigs.desk import Desk
from rigs.exchange import exchanging
from rigs.moments import Moments
from rigs.near_broker import NearBroker
from rigs.weeks import settle

SCHOOL_ROWS = [
    ("p1", "Ana", "Ortiz", "2011-04-09"),
    ("p2", "Chloé", "O'Neal", "2010-12-31"),
    ("p3", "Zoe", "Zinn", "2010-10-10"),
    ("p4", "Dee", "Lee", "2015-01-15"),
]


@pytest.fixture
def reach_anywhere(
    moments: Moments, terms: dict[str, Any], people: list[tuple[str, ...]]
) -> Callable[..., Any]:
    """Does steps that are the same in all modules, or copies what they led to in any other test."""

    def reached(near: NearBroker, name: str, steps: Callable[[], Any]) -> Any:
        return moments.reach(near, name, steps, __name__, repr(terms), repr(people))

    return reached


@pytest.fixture
def broker(
    bare_broker: NearBroker, terms: dict[str, Any], reach_anywhere: Callable[..., Any]
) -> NearBroker:
    """A broker with the project of these tests."""
    reach_anywhere(bare_broker, "agreed", lambda: bare_broker.add_project(**terms))
    return bare_broker


@pytest.fixture
def desks(broker: NearBroker, tmp_path: Path, secret, people, write_people) -> dict[str, Desk]:
    """Both agencies' desks, settings made; where a module has its own broker, those of that."""
    pupils = write_people(SCHOOL_ROWS, "pupils.csv")
    given = {"schools": (pupils, ["last", "first"]), "welfare": (write_people(people), ["born"])}
    for party, (file, shared) in given.items():
        broker.desk(party, tmp_path / party, file, secret, share={"columns": shared})
    return broker.desks


@pytest.fixture
def welfare(desks: dict[str, Desk]) -> Desk:
    """The child-welfare agency's desk."""
    return desks["welfare"]


@pytest.fixture
def schools(desks: dict[str, Desk]) -> Desk:
    """The school agency's desk."""
    return desks["schools"]


@pytest.fixture
def ready_desks(
    broker: NearBroker, desks: dict[str, Desk], reach_anywhere: Callable[..., Any]
) -> NearBroker:
    """The broker once both agencies have compared fingerprints and are ready for rounds."""

    def get_ready() -> None:
        broker.compare()
        for desk in desks.values():
            desk.ok("round", "--ready")

    reach_anywhere(broker, "ready", get_ready)
    return broker


@pytest.fixture
def near(ready_desks: NearBroker) -> NearBroker:
    """The broker of a module's tests: if it has no other, that of the desks that are ready."""
    return ready_desks


@pytest.fixture
def settled(ready_desks: NearBroker, reach_anywhere: Callable[..., Any]) -> NearBroker:
    """The broker after the first round, in which three people were linked."""
    reach_anywhere(ready_desks, "settled", lambda: settle(ready_desks))
    return ready_desks


@pytest.fixture(scope="session")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> NearBroker:
    """Two agencies that are linked, and may hand each other columns; for copies."""
    with exchanging(tmp_path_factory.mktemp("exchanged") / "broker") as near:
        return near


@pytest.fixture(scope="session")
def held_back(tmp_path_factory: pytest.TempPathFactory) -> Asking:
    """A run has held two pairs back, and nobody has done anything about it; for copies."""
    with asking(tmp_path_factory.mktemp("held-back") / "broker") as made:
        made.run()
        return made
