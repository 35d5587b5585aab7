"""A hub's nights go on after one that ended too early, and past a spoke whose folder is damaged."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rigs.desk import Desk
from rigs.near_broker import ADDRESS
from rigs.near_hub import HUB, NearHub, near_hub

from encoding.hub.spokes import read_spokes, write_spokes
from encoding.workspace.workspace import Workspace

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


@pytest.mark.parametrize("damaged", ["", "blindlink.toml", "last-night.json", "workspace"])
def test_a_damaged_folder_of_one_spoke_costs_no_other_its_night(
    tmp_path: Path, damaged: str
) -> None:
    with near_hub(tmp_path, BROKEN, GOOD) as hub:
        hub.join(GOOD)
        hub.at("ann").type(*JOB)
        place = folder_at(hub, "ann", BROKEN) / damaged
        if place.is_dir():
            shutil.rmtree(place)
            place.write_text("something else", "utf-8")
        else:
            place.unlink()
            (place / "something").mkdir(parents=True)
        night = hub.at("ann").type(*JOB)
        assert f"{BROKEN}: failed: " in night.stderr
        assert f"{GOOD}: late: " in night.stderr
        assert "2 spokes: 1" in night.stderr
        assert night.exit_code == 1


def test_a_list_that_lacks_one_spokes_records_costs_no_other_its_night(tmp_path: Path) -> None:
    with near_hub(tmp_path, BROKEN, GOOD) as hub:
        hub.join(GOOD)
        ann = hub.at("ann").folder
        settings = (ann / "hub.toml").read_text("utf-8")
        settings = settings.replace('# only = "last_district"', 'only = "last_district"')
        (ann / "hub.toml").write_text(settings, "utf-8")
        spokes = read_spokes(ann / "spokes.csv", HUB)
        only = {BROKEN: "", GOOD: "017"}
        write_spokes(
            ann / "spokes.csv",
            [replace(one, cells={**one.cells, "only": only[one.name]}) for one in spokes],
        )
        said = hub.at("ann").type(*JOB).stderr
        assert f"{BROKEN}: failed: spokes.csv does not say which records are for" in said
        assert f"{GOOD}: late: " in said
        assert states(hub) == {BROKEN: "failed", GOOD: "late"}


@pytest.mark.parametrize("damaged", ["", "workspace/peers.json"])
def test_a_damaged_folder_of_one_spoke_keeps_nobody_from_signing_with_the_others(
    tmp_path: Path, damaged: str
) -> None:
    with near_hub(tmp_path, BROKEN, GOOD) as hub:
        for spoke in (BROKEN, GOOD):
            hub.join(spoke)
        hub.at("sam").ok("hub", "extend", "--until", "2028-08-31")
        place = folder_at(hub, "sam", BROKEN) / damaged
        if place.is_dir():
            shutil.rmtree(place)
        place.write_text("{", "utf-8")
        paper = hub.fingerprint("sheet-2")
        signed = hub.at("sam").type("hub", "sign", "--fingerprint", paper, "--keys-compared")
        assert "1 agreements are signed now" in signed.stderr
        assert f"1 spokes are left out, such as {HUB}-{BROKEN}" in signed.stderr


@pytest.mark.parametrize("where", ["hub", "spoke"])
def test_new_keys_of_the_hubs_analyst_open_the_workspaces_of_all_spokes(
    tmp_path: Path, where: str
) -> None:
    with near_hub(tmp_path, GOOD, BROKEN) as hub:
        ann = hub.at("ann")
        ann.type(*JOB)
        at_spoke = {
            one: Desk(folder_at(hub, "ann", one), hub.near, HUB, now=ann.now) for one in hub.spokes
        }
        for desk in at_spoke.values():
            desk.ok("workspace", "protect")
        if where == "spoke":
            at_spoke[GOOD].ok("identity", "rotate")
        else:
            key = str(ann.folder / "identity.key")
            ann.ok("identity", "rotate", "--broker", ADDRESS, "--key-file", key)
        for desk in at_spoke.values():
            desk.ok("workspace", "custodian", "list")


def test_a_spoke_that_has_left_is_taken_off_the_list_and_its_folder_stays(tmp_path: Path) -> None:
    with near_hub(tmp_path, BROKEN, GOOD) as hub:
        for spoke in (BROKEN, GOOD):
            hub.join(spoke)
        hub.at("ann").type(*JOB)
        hub.at(BROKEN).ok("agreement", "withdraw", "--reason", "leaves", "--yes")
        night = hub.at("ann").type(*JOB)
        assert (night.exit_code, states(hub)) == (1, {BROKEN: "failed", GOOD: "late"})
        listed = hub.at("ann").folder / "spokes.csv"
        lines = listed.read_text("utf-8").splitlines(keepends=True)
        listed.write_text("".join(line for line in lines if BROKEN not in line), "utf-8")
        hub.at("ann").ok(*JOB)
        assert states(hub) == {GOOD: "late"}
        assert (folder_at(hub, "ann", BROKEN) / "workspace" / "peers.json").exists()


def test_keys_are_replaced_past_a_damaged_workspace_and_not_past_one_in_use(tmp_path: Path) -> None:
    with near_hub(tmp_path, GOOD, BROKEN) as hub:
        ann = hub.at("ann")
        ann.type(*JOB)
        good = Desk(folder_at(hub, "ann", GOOD), hub.near, HUB, now=ann.now)
        good.ok("workspace", "protect")
        key = folder_at(hub, "ann", BROKEN) / "workspace" / "workspace.key"
        key.write_text("blindlink/workspace-key/2\n{}\n", "utf-8")
        key.chmod(0o600)
        rotate = ("identity", "rotate", "--broker", ADDRESS)
        unlock = ("--key-file", str(ann.folder / "identity.key"))
        with Workspace(good.folder / "workspace").lock():
            assert "is using this workspace" in ann.type(*rotate, *unlock).stderr
        said = ann.ok(*rotate, *unlock).stderr
        assert f"warning: {HUB}-{BROKEN}: " in said
        good.ok("workspace", "custodian", "list")
