"""Two analysts' desks and one broker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker

SCHOOL_ROWS = [
    ("p1", "Ana", "Ortiz", "2011-04-09"),
    ("p2", "Chloé", "O'Neal", "2010-12-31"),
    ("p3", "Zoe", "Zinn", "2010-10-10"),
    ("p4", "Dee", "Lee", "2015-01-15"),
]


@pytest.fixture
def welfare(tmp_path: Path, broker: NearBroker, secret, people, write_people) -> Desk:
    """The child-welfare agency's desk, settings made."""
    return broker.desk(
        "welfare", tmp_path / "welfare", write_people(people), secret, share={"columns": ["born"]}
    )


@pytest.fixture
def schools(tmp_path: Path, broker: NearBroker, secret, write_people) -> Desk:
    """The school agency's desk, settings made."""
    file = write_people(SCHOOL_ROWS, "pupils.csv")
    return broker.desk(
        "schools", tmp_path / "schools", file, secret, share={"columns": ["last", "first"]}
    )


@pytest.fixture
def ready(
    broker: NearBroker, welfare: Desk, schools: Desk, reach: Callable[..., Any]
) -> NearBroker:
    """The broker once both agencies have compared fingerprints and are ready for rounds."""

    def get_ready() -> None:
        broker.compare()
        for desk in (welfare, schools):
            desk.ok("round", "ready")

    reach(broker, "ready", get_ready)
    return broker
