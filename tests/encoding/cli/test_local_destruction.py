"""`blindlink destroy --local` at a desk that is linked: what goes, what stays, and what is stated of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker
from rigs.weeks import settle

from encoding.destruction import local_destruction
from encoding.people.identity import read_identity
from encoding.people.identity_lock import read_key_file
from encoding.workspace.backup import restore_backup

KEEP = ("--keep", "link-table=For the audit of 2027.")


@pytest.fixture
def linked(ready_desks: NearBroker, reach: Callable[..., Any]) -> NearBroker:
    """Both agencies once a round is over."""
    reach(ready_desks, "linked", lambda: settle(ready_desks))
    return ready_desks


@pytest.fixture
def welfare(linked: NearBroker) -> Desk:
    """The child-welfare agency's desk."""
    return linked.desks["welfare"]


@pytest.fixture
def held_open(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets the removal of a file of this name fail, until it is told of another name."""
    unlink, held = Path.unlink, [""]

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == held[0]:
            raise PermissionError(13, "Held open by another program")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(local_destruction.Path, "unlink", refuse)

    def hold(name: str) -> None:
        held[0] = name

    return hold


def stated(desk: Desk) -> dict[str, Any]:
    """Return the one statement that is kept at a desk."""
    (kept,) = (desk.folder / "workspace" / "statements").iterdir()
    said: dict[str, Any] = json.loads(kept.read_bytes())["said"]
    return said


def days(desk: Desk, what: str) -> set[str]:
    return {one["deleted"][:10] for one in stated(desk)["deleted"] if one["what"] == what}


def test_another_wish_does_not_go_on_with_a_destruction_that_was_broken_off(
    welfare: Desk, held_open: Callable[[str], None]
) -> None:
    held_open("links.csv")
    assert "cannot be removed" in welfare.type("destroy", "--local", "--yes").stderr
    before = welfare.files()
    for words in (("--epoch", "99"), KEEP, ("--frozen", "study")):
        refused = welfare.type("destroy", "--local", *words, "--yes")
        assert refused.exit_code == 1
        said = f"begun on {welfare.now:%Y-%m-%dT%H:%M:%SZ} (blindlink destroy --local) was broken"
        assert said in refused.stderr
    assert welfare.files() == before


def test_a_destruction_is_under_way_only_once_a_file_is_gone(
    welfare: Desk, held_open: Callable[[str], None]
) -> None:
    held_open("foster-pupils.1.schools.enc")
    before = welfare.files()
    assert "cannot be removed" in welfare.type("destroy", "--local", "--yes").stderr
    assert {one for one in welfare.files() ^ before if "/destroying/" not in one} == set()
    held_open("")
    done = welfare.ok("destroy", "--local", *KEEP, "--yes")
    assert "goes on" not in done.stderr
    assert (welfare.folder / "links.csv").exists()
    assert "link-table" not in {one["what"] for one in stated(welfare)["deleted"]}


def test_what_goes_on_lists_and_asks_again_and_is_dated_when_it_was_done(
    linked: NearBroker, welfare: Desk, held_open: Callable[[str], None]
) -> None:
    held_open("secret.txt")
    assert welfare.type("destroy", "--local", *KEEP, "--yes").exit_code == 1
    linked.move(days=1)
    (welfare.folder / "with-schools.csv").write_text("made since")
    assert "missing option --yes" in welfare.type("destroy", "--local").stderr
    held_open("")
    done = welfare.ok("destroy", "--local", "--yes")
    assert (
        "(blindlink destroy --local '--keep=link-table=For the audit of 2027.') goes on"
        in done.stderr
    )
    assert "secret.txt" in done.stderr
    assert "to remove what else lies here, give the same command again" in done.stderr
    assert (welfare.folder / "links.csv").exists()
    assert (days(welfare, "handle-map"), days(welfare, "secret")) == (
        {"2026-11-20"},
        {"2026-11-21"},
    )
    assert [one["what"] for one in stated(welfare)["kept"]] == ["link-table"]
    assert not list((welfare.folder / "workspace/destroying").iterdir())


def test_a_power_cut_while_a_file_is_removed_leaves_it_to_be_removed(
    welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCutError(BaseException):
        pass

    def cut(path: Path, missing_ok: bool = False) -> None:
        if path.name == "secret.txt":
            raise PowerCutError
        unlink(path, missing_ok=missing_ok)

    unlink = Path.unlink
    monkeypatch.setattr(local_destruction.Path, "unlink", cut)
    with pytest.raises(PowerCutError):
        welfare.type("destroy", "--local", "--yes")
    monkeypatch.undo()
    (note,) = (welfare.folder / "workspace/destroying").iterdir()
    with note.open("ab") as file:
        file.write(b'{"at":"20')
    number = len(note.read_bytes().splitlines()) - 3
    done = welfare.ok("destroy", "--local", "--yes")
    assert f"files removed already: {number}" in done.stderr
    assert [one["what"] for one in stated(welfare)["deleted"]].count("secret") == 1


def test_what_was_broken_off_is_not_in_a_backup(
    welfare: Desk, held_open: Callable[[str], None], tmp_path: Path
) -> None:
    welfare.ok("workspace", "protect")
    held_open("links.csv")
    assert welfare.type("destroy", "--local", "--yes").exit_code == 1
    assert list((welfare.folder / "workspace/destroying").iterdir())
    welfare.ok("workspace", "backup", str(tmp_path / "it.backup"))
    own = read_identity(welfare.folder / "identity.txt").unlock(
        read_key_file(welfare.folder / "identity.key")
    )
    restored = restore_backup(tmp_path / "it.backup", tmp_path / "again", own, own, welfare.now)
    assert not restored.workspace.destroying.exists()
