"""A hub's nights go on after one that ended too early, and past a spoke whose folder is damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

from rigs.near_hub import HUB, NearHub, near_hub

GOOD, BROKEN = "d-1", "d-2"
JOB = ("hub", "refresh", "--processes", "1")


def folder_at(hub: NearHub, who: str, spoke: str) -> Path:
    return hub.at(who).folder / "spokes" / f"{HUB}-{spoke}"


def states(hub: NearHub) -> dict[str, str]:
    return {one["party"]: one["state"] for one in hub.at("ann").json("hub", "status")}


def test_a_secret_is_begun_though_a_night_came_before_the_agreements_first_day(
    tmp_path: Path,
) -> None:
    with near_hub(tmp_path, GOOD, start="2026-12-01") as hub:
        hub.join(GOOD)
        early = hub.at("ann").type(*JOB)
        assert f"{GOOD}: failed: agreement 1 begins on 2026-12-01" in early.stderr
        hub.near.move(days=12)
        hub.at(GOOD).ok("hub", "join", "--yes")
        hub.sign("sam", "sheet-1", "--standing", "--yes")
        hub.night(GOOD)
        assert hub.rounds() == {GOOD: 1}


def test_a_folder_that_is_gone_costs_no_new_secret_but_says_what_is_lost(tmp_path: Path) -> None:
    with near_hub(tmp_path, GOOD) as hub:
        hub.join(GOOD)
        hub.sign("sam", "sheet-1", "--standing", "--yes")
        hub.night(GOOD)
        shutil.rmtree(folder_at(hub, "ann", GOOD))
        for _ in range(2):
            said = hub.at("ann").type(*JOB).stderr
            assert "this agency has confirmed the secret of epoch 1" in said
        assert not list(folder_at(hub, "ann", GOOD).glob("workspace/secrets/*"))
