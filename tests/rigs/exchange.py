"""Two agencies that are linked, and whose agreement lets each hand over columns by link ID."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rigs.desk import Desk
from rigs.near_broker import PARTIES, NearBroker, near_broker
from rigs.weeks import settle

FILES = {
    "welfare": """ID,first,last,born,Placement
7,Ana,Ortiz,2011-04-09,kin
8,Bo,Nguyen,2012-05-01,group home
9,Dee,Lee,2015-01-15,foster home
""",
    "schools": """ID,first,last,born,Grade,School
p1,Ana,Ortiz,2011-04-09,9,North
p2,Zoe,Zinn,2010-10-10,8,South
p4,Dee,Lee,2015-01-15,4,=West
""",
}
# As counsel writes them.
ELEMENTS = [
    {"party": "welfare", "name": "placement", "use": "shared"},
    {"party": "schools", "name": "grade", "use": "shared"},
    {"party": "schools", "name": "school", "use": "shared"},
    {"party": "welfare", "name": "placement", "use": "counted"},
    {"party": "schools", "name": "grade", "use": "counted"},
]


@contextmanager
def exchanging(folder: Path, like: NearBroker | None = None) -> Iterator[NearBroker]:
    """Give two agencies that are linked, and have exchanged no columns yet, or a copy of a scene."""
    with near_broker(folder, like=like) as near:
        if like is None:
            for party in PARTIES:
                near.enrol(party)
                place = folder / party
                place.mkdir()
                (place / "people.csv").write_text(FILES[party], "utf-8")
                # By its place in the folder, so that a copy of the desk has a file of its own.
                near.desk(party, place, Path("people.csv"))
            near.add_project(clauses={"elements": ELEMENTS})
            near.compare()
            near.agree()
            settle(near)
        yield near


def columns_of(desk: Desk, partner: str) -> list[dict[str, str]]:
    """Return what a desk has attached of a partner's columns."""
    with (desk.folder / f"with-{partner}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
