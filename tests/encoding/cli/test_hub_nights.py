"""A hub's nights go on after one that ended too early, and past a spoke whose folder is damaged."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rigs.desk import Desk
from rigs.near_broker import ADDRESS
from rigs.near_hub import HUB, NearHub, near_hub

from encoding.extras.hub.spokes import read_spokes, write_spokes
from encoding.workspace.workspace import Workspace

GOOD, BROKEN = "d-1", "d-2"
JOB = ("hub", "refresh", "--processes", "1")


def folder_at(hub: NearHub, who: str, spoke: str) -> Path:
    return hub.at(who).folder / "spokes" / f"{HUB}-{spoke}"


def states(hub: NearHub) -> dict[str, str]:
    return {one["party"]: one["state"] for one in hub.at("ann").json("hub", "status")}


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> NearHub:
    """A hub with two spokes that have signed, before its first night; for copies."""
    with near_hub(tmp_path_factory.mktemp("hub") / "first", BROKEN, GOOD) as hub:
        for spoke in (BROKEN, GOOD):
            hub.join(spoke)
    return hub


@pytest.fixture
def hub(tmp_path: Path, joined: NearHub) -> Iterator[NearHub]:
    with near_hub(tmp_path / "first", like=joined) as copied:
        yield copied


def test_before_the_first_day_of_agreements_nothing_is_begun_and_nothing_left_out(
    tmp_path: Path,
) -> None:
    with near_hub(tmp_path, GOOD, start="2026-12-01") as hub:
        assert "begins on 2026-12-01" in hub.join(GOOD).stderr
        standing = ("hub", "sign", "--standing", "--yes")
        early = hub.at("sam").ok(*standing).stderr
        told = "runs under 1 agreement are not approved yet: the first begins on 2026-12-01"
        assert told in early
        night = hub.at("ann").type(*JOB)
        assert f"{GOOD}: failed: agreement 1 begins on 2026-12-01" in night.stderr
        hub.near.move(days=12)
        hub.at(GOOD).ok("hub", "join", "--yes")
        assert "not approved yet" not in hub.at("sam").ok(*standing).stderr
        given = hub.at(GOOD).json("approve", "--list")["standing"]
        assert {one["party"] for one in given} == {HUB, GOOD}
        hub.night(GOOD)
        assert hub.rounds() == {GOOD: 1}
        # A folder that is gone costs no new secret, but it is said what is lost.
        shutil.rmtree(folder_at(hub, "ann", GOOD))
        for _ in range(2):
            said = hub.at("ann").type(*JOB).stderr
            assert "this agency has confirmed the secret of epoch 1" in said
        assert not list(folder_at(hub, "ann", GOOD).glob("workspace/secrets/*"))


def test_a_damaged_folder_of_one_spoke_costs_no_other_its_night(
    hub: NearHub, tmp_path: Path
) -> None:
    ann = hub.at("ann").folder
    hub.at("ann").type(*JOB)
    folder, good = folder_at(hub, "ann", BROKEN), tmp_path / "good"
    shutil.copytree(folder, good)
    for damaged in ("", "blindlink.toml", "last-night.json", "workspace"):
        place = folder / damaged
        if place.is_dir():
            shutil.rmtree(place)
            place.write_text("something else", "utf-8")
        else:
            place.unlink()
            (place / "something").mkdir(parents=True)
        night = hub.at("ann").type(*JOB)
        for said in (f"{BROKEN}: failed: ", f"{GOOD}: late: ", "2 spokes: 1"):
            assert said in night.stderr, damaged
        assert night.exit_code == 1, damaged
        folder.unlink() if folder.is_file() else shutil.rmtree(folder)
        shutil.copytree(good, folder)
    # So does a list that lacks one spoke's records.
    whole, kept = (ann / "hub.toml").read_text("utf-8"), (ann / "spokes.csv").read_bytes()
    only = whole.replace('# only = "last_district"', 'only = "last_district"')
    (ann / "hub.toml").write_text(only, "utf-8")
    cells = {BROKEN: "", GOOD: "017"}
    write_spokes(
        ann / "spokes.csv",
        [
            replace(one, cells={**one.cells, "only": cells[one.name]})
            for one in read_spokes(ann / "spokes.csv", HUB)
        ],
    )
    said = hub.at("ann").type(*JOB).stderr
    assert f"{BROKEN}: failed: spokes.csv does not say which records are for" in said
    assert f"{GOOD}: late: " in said
    assert states(hub) == {BROKEN: "failed", GOOD: "late"}
    (ann / "hub.toml").write_text(whole, "utf-8")
    (ann / "spokes.csv").write_bytes(kept)
    # A spoke that has left is taken off the list, and its folder stays.
    hub.at(BROKEN).ok("agreement", "leave", "--reason", "leaves", "--yes")
    night = hub.at("ann").type(*JOB)
    assert (night.exit_code, states(hub)) == (1, {BROKEN: "failed", GOOD: "late"})
    lines = kept.decode().splitlines(keepends=True)
    (ann / "spokes.csv").write_text("".join(one for one in lines if BROKEN not in one), "utf-8")
    hub.at("ann").ok(*JOB)
    assert states(hub) == {GOOD: "late"}
    assert (folder / "workspace" / "peers.json").exists()


@pytest.mark.parametrize("damaged", ["", "workspace/peers.json"])
def test_a_damaged_folder_of_one_spoke_keeps_nobody_from_signing_with_the_others(
    hub: NearHub, damaged: str
) -> None:
    hub.at("sam").ok("hub", "extend", "--until", "2028-08-31")
    place = folder_at(hub, "sam", BROKEN) / damaged
    if place.is_dir():
        shutil.rmtree(place)
    place.write_text("{", "utf-8")
    paper = hub.fingerprint("sheet-2")
    signed = hub.at("sam").type("hub", "sign", "--fingerprint", paper, "--keys-compared")
    assert "1 agreements are signed now" in signed.stderr
    assert f"1 spokes are left out, such as {HUB}-{BROKEN}" in signed.stderr


def test_new_keys_of_the_hubs_analyst_open_the_workspaces_of_all_spokes_but_damaged_ones(
    hub: NearHub,
) -> None:
    ann = hub.at("ann")
    ann.type(*JOB)
    good, broken = (
        Desk(folder_at(hub, "ann", one), hub.near, HUB, now=ann.now) for one in (GOOD, BROKEN)
    )
    rotate = ("people", "rotate", "--broker", ADDRESS)
    unlock = ("--key-file", str(ann.folder / "identity.key"))
    for desk in (good, broken):
        desk.ok("workspace", "protect")
    good.ok("people", "rotate")
    for desk in (good, broken):
        desk.ok("workspace", "custodians")
    ann.ok(*rotate, *unlock)
    for desk in (good, broken):
        desk.ok("workspace", "custodians")
    key = broken.folder / "workspace" / "workspace.key"
    key.write_text("blindlink/workspace-key/2\n{}\n", "utf-8")
    key.chmod(0o600)
    # Keys are replaced past a damaged workspace, and not past one in use.
    with Workspace(good.folder / "workspace").lock():
        assert "is using this workspace" in ann.type(*rotate, *unlock).stderr
    assert f"warning: {HUB}-{BROKEN}: " in ann.ok(*rotate, *unlock).stderr
    good.ok("workspace", "custodians")
