"""A mistake that was uploaded is corrected: the round is made once more, and link IDs stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker, two_agencies
from rigs.weeks import links, settle

pytestmark = pytest.mark.long
WRONG = "ID,first,last,born\n1,Ada,Poe,2012-02-02\n2,Max,Rey,2013-03-03\n3,Una,Voss,2014-04-04\n"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[NearBroker]:
    with two_agencies(tmp_path) as made:
        made.compare()
        made.agree()
        for desk in made.desks.values():
            desk.ok("round", "--ready")
        yield made


def states(desk: Desk) -> dict[int, str]:
    return {one["round"]: one["state"] for one in desk.json("round")["rounds"]}


def test_a_wrong_file_is_corrected_and_link_ids_stay(rig: NearBroker) -> None:
    welfare, schools = rig.desks["welfare"], rig.desks["schools"]
    settle(rig)
    before = {party: links(desk) for party, desk in rig.desks.items()}
    assert len(before["welfare"]) == 2

    rig.move(days=7)
    assert schools.type("refresh").exit_code == 7
    wrong = welfare.folder / "wrong.csv"
    wrong.write_text(WRONG, "utf-8")
    welfare.ok("encode", str(wrong))
    welfare.ok("upload")
    welfare.ok("round", "--wait")
    again = welfare.type("encode")
    assert again.exit_code == 1
    assert "hint: to correct them in the next round: blindlink round --correct" in again.stderr

    made = welfare.json("round", "--correct", "wrong-file")
    assert made["round"] == 3
    assert states(welfare) == {1: "closed", 2: "superseded", 3: "open"}
    # The partner's job knows by itself that its container is void.
    settle(rig)
    assert states(schools) == {1: "closed", 2: "superseded", 3: "closed"}
    assert {party: links(desk) for party, desk in rig.desks.items()} == before
    kinds = rig.log_kinds()
    assert (kinds.count("upload-received"), kinds.count("upload-destroyed")) == (6, 2)


def test_a_correction_by_both_at_once_is_one(rig: NearBroker) -> None:
    for desk in rig.desks.values():
        assert desk.type("refresh").exit_code in {0, 7}
        if "upload-received" in rig.log_kinds():
            break
    first = rig.desks["welfare"].json("round", "--correct", "wrong-settings")
    assert first["round"] == 2
    # The schools' clerk saw round 1 open, and asks for what has been done.
    assert states(rig.desks["schools"]) == {1: "superseded", 2: "open"}
    settle(rig)
    assert states(rig.desks["welfare"]) == {1: "superseded", 2: "closed"}


def test_what_was_fetched_is_not_corrected(rig: NearBroker) -> None:
    settle(rig)
    refused = rig.desks["welfare"].type("round", "--correct", "wrong-file")
    assert refused.exit_code == 1
    assert "no round is open" in refused.stderr
    rig.move(days=7)
    for desk in rig.desks.values():
        assert desk.type("refresh").exit_code == 7
    refused = rig.desks["welfare"].type("round", "--correct", "wrong-file")
    assert refused.exit_code == 1
    assert "fetched" in refused.stderr
