"""Three agencies in one link-ID set: three runs in a round, statements to all, and the same link IDs at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.near_broker import PROJECT, NearBroker, near_broker
from rigs.weeks import links, settle

from schemas.agreement.clauses import FileSize
from schemas.linkage.run import Recipient

pytestmark = pytest.mark.long
NAMES = ("health", "schools", "welfare")
FILES = {
    "health": "ID,first,last,born\nh1,Ana,Ortiz,2011-04-09\nh2,Zoe,Zinn,2010-10-10\nh3,Gus,Orr,2009-09-09\n",
    "schools": "ID,first,last,born\np1,Ana,Ortiz,2011-04-09\np2,Zoe,Zinn,2010-10-10\np4,Dee,Lee,2015-01-15\n",
    "welfare": "ID,first,last,born\n7,Ana,Ortiz,2011-04-09\n8,Bo,Nguyen,2012-05-01\n9,Dee,Lee,2015-01-15\n",
}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[NearBroker]:
    with near_broker(tmp_path) as near:
        for party in NAMES:
            near.add(party, FILES[party])
        near.add_project(
            project=PROJECT,
            providers=NAMES,
            recipients=tuple(
                Recipient(party=party, mode="linked", space="shared") for party in NAMES
            ),
            files=tuple(
                FileSize(party=party, least=1, most=1000 * place)
                for place, party in enumerate(NAMES, start=1)
            ),
        )
        near.compare()
        for words in (("share",), ("accept",), ("accept",)):
            for desk in near.desks.values():
                desk.ok("secret", *words)
        for desk in near.desks.values():
            desk.ok("round", "--ready")
        yield near


def test_a_person_has_one_link_id_at_all_three_and_keeps_it(rig: NearBroker) -> None:
    settle(rig)
    found = {party: links(desk) for party, desk in rig.desks.items()}
    assert {party: set(of) for party, of in found.items()} == {
        "health": {"h1", "h2"},
        "schools": {"p1", "p2", "p4"},
        "welfare": {"7", "9"},
    }
    health, schools, welfare = (found[party] for party in NAMES)
    assert health["h1"] == schools["p1"] == welfare["7"]
    assert health["h2"] == schools["p2"]
    assert schools["p4"] == welfare["9"]
    assert len({*schools.values()}) == 3
    rig.move(days=7)
    settle(rig)
    assert {party: links(desk) for party, desk in rig.desks.items()} == found
