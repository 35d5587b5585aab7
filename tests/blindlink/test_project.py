"""`blindlink.Project` does what the commands do, in events and errors with codes, and prints nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from rigs.desk import Desk
from rigs.near_broker import two_agencies

import blindlink
from encoding.sharing.links_file import read_links


def project_of(desk: Desk, told: list[blindlink.Event], partner: Desk) -> blindlink.Project:
    def sleep(seconds: float) -> None:
        desk._sleep(seconds)
        partner.type("refresh")

    project = blindlink.Project(desk.folder, told.append)
    project._own = desk.own
    project._options = {"transport": desk.near.courier, "now": lambda: desk.now, "sleep": sleep}
    return project


def test_a_project_is_refreshed_and_tells_events(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with two_agencies(tmp_path) as rig:
        rig.compare()
        rig.agree()
        told: list[blindlink.Event] = []
        welfare = project_of(rig.desks["welfare"], told, rig.desks["schools"])
        capfd.readouterr()
        with pytest.raises(blindlink.Error) as waits:
            welfare.refresh()
        assert waits.value.exit_code == 7
        done = welfare.refresh(wait_hours=1)
        links = read_links(rig.desks["welfare"].folder / "links.csv")
        assert (done.round, done.document["links"]) == (1, len(links))
        assert done.sentence.startswith(f"round 1: {len(links):,} records have a link ID")
        kinds = {one.kind for one in told}
        assert kinds == {"note", "warning"}
        assert "waiting for up to 1.0 hours" in told[0].sentence
        assert any(one.sentence.startswith("uploaded for schools") for one in told)
        stage = welfare.status().stage
        assert stage == rig.desks["welfare"].json("status")["stage"]
        assert capfd.readouterr() == ("", "")
    with pytest.raises(blindlink.Error) as refused:
        blindlink.Project(tmp_path / "nothing").status()
    assert refused.value.code == "config"
