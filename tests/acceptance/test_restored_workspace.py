"""A machine is lost, and its workspace restored from a backup of an earlier round: the linkage goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from campaign.size import times
from rigs.desk import Desk
from rigs.moments import Moments
from rigs.near_broker import NearBroker, two_agencies
from rigs.weeks import links, opens, settle

from encoding.packing import fill
from encoding.project.linking import past_rounds
from encoding.secret import kept_secret

pytestmark = [pytest.mark.long, pytest.mark.campaign("restored", database="sqlite")]


LOST = (
    "this workspace was restored or handed over after it got ready for round {}: repeat that round with:"
    " blindlink round --correct workspace-lost, or wait for the next one"
)


@pytest.fixture
def ready(tmp_path: Path, moments: Moments) -> Iterator[NearBroker]:
    def get_ready() -> None:
        made.compare()
        made.agree()
        for desk in made.desks.values():
            desk.ok("round", "--ready")

    with two_agencies(tmp_path / "broker") as made:
        moments.reach(made, "ready", get_ready, __name__)
        yield made


@pytest.fixture
def rig(ready: NearBroker, moments: Moments) -> NearBroker:
    """The broker after the first round."""
    moments.reach(ready, "linked", lambda: settle(ready), __name__)
    return ready


def back_up(desk: Desk) -> Path:
    backup = desk.folder.parent / f"{desk.party}.backup"
    desk.ok("workspace", "protect")
    desk.ok("workspace", "backup", str(backup))
    return backup


def lose_and_restore(desk: Desk, backup: Path) -> None:
    shutil.rmtree(desk.folder / "workspace")
    desk.ok("workspace", "restore", str(backup))


def opened_after_a_night(rig: NearBroker) -> dict[str, tuple[set[int], int]]:
    """Return what each desk opens, once the jobs of another night have forgotten what is over."""
    settle(rig)
    return {party: opens(desk) for party, desk in sorted(rig.desks.items())}


@pytest.mark.parametrize("party", ["welfare", "schools"][: times(quick=1, full=2)])
def test_rounds_go_on_after_a_backup_of_an_earlier_round_and_link_ids_stay(
    rig: NearBroker, party: str
) -> None:
    lost = rig.desks[party]
    before = {name: links(desk) for name, desk in rig.desks.items()}
    backup = back_up(lost)
    rig.move(days=7)
    settle(rig)
    assert opened_after_a_night(rig) == {"schools": ({2}, 3), "welfare": ({2}, 3)}
    lose_and_restore(lost, backup)
    # A backup opens what its workspace held on its day, and what comes later.
    assert opens(lost) == ({1}, 2)
    # What the lost workspace drew is void before a round takes it.
    lost.ok("round", "--ready")
    rig.move(days=7)
    settle(rig)
    assert {name: links(desk) for name, desk in rig.desks.items()} == before
    for desk in rig.desks.values():
        assert "could not be finished" not in desk.ok("refresh").stderr
    offers = [
        entry["body"]["signed"]["offer"]
        for entry in rig.log_entries()
        if entry["kind"] == "nonces-offered"
    ]
    assert {one["party"] for one in offers if one["void_below"] > 1} == {party}
    rig.move(days=7)
    settle(rig)
    # The secret was stepped over the round that this workspace does not know.
    assert opened_after_a_night(rig) == {"schools": ({4}, 5), "welfare": ({4}, 5)}
    assert {name: links(desk) for name, desk in rig.desks.items()} == before


def test_a_round_that_took_a_nonce_of_the_lost_workspace_is_corrected(rig: NearBroker) -> None:
    welfare, schools = rig.desks["welfare"], rig.desks["schools"]
    before = links(welfare)
    backup = back_up(welfare)
    lose_and_restore(welfare, backup)
    rig.move(days=7)
    assert schools.type("refresh").exit_code == 7
    refused = welfare.type("refresh")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1, "one sentence, before the file is checked"
    assert LOST.format(2) in refused.stderr
    assert LOST.format(2) in welfare.type("encode").stderr
    assert welfare.json("round", "--correct", "workspace-lost")["round"] == 3
    settle(rig)
    assert links(welfare) == before
    # The voided round's secret ended with its container, or was never there.
    assert opened_after_a_night(rig) == {"schools": ({3}, 4), "welfare": ({3}, 4)}


def test_a_round_that_was_open_is_made_once_more(rig: NearBroker) -> None:
    welfare = rig.desks["welfare"]
    before = links(welfare)
    backup = back_up(welfare)
    rig.move(days=7)
    welfare.ok("encode")
    welfare.ok("upload")
    lose_and_restore(welfare, backup)
    refused = welfare.type("refresh")
    assert refused.exit_code == 1
    assert LOST.format(2) in refused.stderr
    made = welfare.json("round", "--correct", "workspace-lost")
    assert made["round"] == 3
    settle(rig)
    assert links(welfare) == before


def test_what_was_uploaded_before_the_backup_needs_no_correction(ready: NearBroker) -> None:
    welfare = ready.desks["welfare"]
    welfare.ok("encode")
    welfare.ok("upload")
    lose_and_restore(welfare, back_up(welfare))
    settle(ready)
    assert links(welfare)


class Killed(KeyboardInterrupt):
    pass


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("module", "name"),
    [(kept_secret, "write_kept"), (fill, "write_handle_map"), (past_rounds, "end_rounds")],
    ids=["step", "container", "end"],
)
def test_killed_beside_a_step_of_the_secret_the_next_job_goes_on(
    rig: NearBroker, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, is_done: bool
) -> None:
    welfare, whole, n_killed = rig.desks["welfare"], getattr(module, name), 0
    before = links(welfare)
    rig.move(days=7)

    def dying(*given: object, **named: object) -> None:
        nonlocal n_killed
        n_killed += 1
        if is_done:
            whole(*given, **named)
        raise Killed

    for _ in range(3):
        monkeypatch.setattr(module, name, dying)
        welfare.type("refresh")
        monkeypatch.setattr(module, name, whole)
        rig.desks["schools"].type("refresh")
    settle(rig)
    assert n_killed > 0
    assert links(welfare) == before
    # No container is left without its secret, and no secret without its container.
    assert opens(welfare) == ({2}, 3)
    assert {
        path.name.split(".")[1] for path in (welfare.folder / "workspace/outbox").iterdir()
    } == {"2"}
