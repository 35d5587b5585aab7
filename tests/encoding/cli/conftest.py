"""Two analysts' desks and one broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracles.broker import BrokerDouble
from oracles.desk import Desk

SCHOOL_ROWS = [
    ("p1", "Ana", "Ortiz", "2011-04-09"),
    ("p2", "Chloé", "O'Neal", "2010-12-31"),
    ("p3", "Zoe", "Zinn", "2010-10-10"),
    ("p4", "Dee", "Lee", "2015-01-15"),
]


@pytest.fixture
def welfare(tmp_path: Path, broker: BrokerDouble, secret, people, write_people) -> Desk:
    """The child-welfare agency's desk, settings made."""
    desk = Desk(tmp_path / "welfare", broker, "welfare")
    desk.set_up(write_people(people), secret, share={"columns": ["born"]})
    return desk


@pytest.fixture
def schools(tmp_path: Path, broker: BrokerDouble, secret, write_people) -> Desk:
    """The school agency's desk, settings made."""
    desk = Desk(tmp_path / "schools", broker, "schools")
    desk.set_up(
        write_people(SCHOOL_ROWS, "pupils.csv"), secret, share={"columns": ["last", "first"]}
    )
    return desk
