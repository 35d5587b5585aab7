"""`blindlink.Project` does what the commands do, in events and errors with codes, and prints nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from rigs.desk import Desk
from rigs.near_broker import two_agencies

import blindlink


def project_of(desk: Desk, told: list[blindlink.Event]) -> blindlink.Project:
    project = blindlink.Project(desk.folder, told.append)
    project._own = desk.own
    project._options = {
        "transport": desk.near.courier, "now": lambda: desk.now, "sleep": desk.slept.append,
    }  # fmt: skip
    return project


def test_a_project_is_refreshed_and_tells_events(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with two_agencies(tmp_path) as rig:
        rig.compare()
        rig.agree()
        told: list[blindlink.Event] = []
        welfare = project_of(rig.desks["welfare"], told)
        capfd.readouterr()
        with pytest.raises(blindlink.Error) as waits:
            welfare.refresh()
        assert waits.value.exit_code == 7
        assert rig.desks["schools"].type("refresh").exit_code in {0, 7}
        stage = welfare.status().stage
        assert stage == rig.desks["welfare"].json("status")["stage"]
        with welfare._session() as session:
            session.say("a note")
            session.warn("look")
        assert [(one.kind, one.sentence) for one in told][-2:] == [
            ("note", "a note"),
            ("warning", "look"),
        ]
        assert capfd.readouterr() == ("", "")
    with pytest.raises(blindlink.Error) as refused:
        blindlink.Project(tmp_path / "nothing").status()
    assert refused.value.code == "config"
