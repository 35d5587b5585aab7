"""`blindlink destroy --local` at a desk that is linked: what goes, what stays, and what is stated of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest
from rigs.desk import Desk
from rigs.near_broker import PROJECT, NearBroker

from encoding.destruction import local_destruction
from encoding.packing.handles import MapName, derive_map_keys, read_handle_map
from encoding.people.identity import read_identity
from encoding.people.identity_lock import read_key_file
from encoding.project.noted_files import note_file
from encoding.project.session import Session
from encoding.workspace.backup import restore_backup
from encoding.workspace.config import read_config
from encoding.workspace.workspace import Workspace
from encoding.workspace.written_files import note_written, read_written, sha256_of

pytestmark = pytest.mark.usefixtures("settled")
KEEP = ("--keep", "link-table=For the audit of 2027.")


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


def test_what_was_broken_off_goes_on_as_it_was_wished_and_is_dated_when_it_was_done(
    settled: NearBroker, welfare: Desk, held_open: Callable[[str], None], tmp_path: Path
) -> None:
    welfare.ok("workspace", "protect")
    # It is under way only once a file is gone, and another wish is one till then.
    held_open("foster-pupils.1.schools.enc")
    before = welfare.files()
    assert "cannot be removed" in welfare.type("destroy", "--local", "--yes").stderr
    assert {one for one in welfare.files() ^ before if "/destroying/" not in one} == set()
    held_open("secret.txt")
    begun = welfare.type("destroy", "--local", *KEEP, "--yes")
    assert (begun.exit_code, "goes on" in begun.stderr) == (1, False)
    before = welfare.files()
    again = "blindlink destroy --local '--keep=link-table=For the audit of 2027.'"
    for words in (("--epoch", "99"), (*KEEP[:1], "link-table=Why not."), ("--frozen", "study")):
        refused = welfare.type("destroy", "--local", *words, "--yes")
        assert refused.exit_code == 1, words
        said = f"begun on {welfare.now:%Y-%m-%dT%H:%M:%SZ} ({again}) was broken"
        assert said in refused.stderr, words
    assert welfare.files() == before
    # Nothing of it is in a backup.
    assert list((welfare.folder / "workspace/destroying").iterdir())
    welfare.ok("workspace", "backup", str(tmp_path / "it.backup"))
    own = read_identity(welfare.folder / "identity.txt").unlock(
        read_key_file(welfare.folder / "identity.key")
    )
    restored = restore_backup(tmp_path / "it.backup", tmp_path / "again", own, own, welfare.now)
    assert not restored.workspace.destroying.exists()
    settled.move(days=1)
    (welfare.folder / "with-schools.csv").write_text("made since")
    assert "missing option --yes" in welfare.type("destroy", "--local").stderr
    held_open("")
    done = welfare.ok("destroy", "--local", "--yes")
    assert f"({again}) goes on" in done.stderr
    assert "secret.txt" in done.stderr
    assert "to remove what else lies here, give the same command again" in done.stderr
    assert (welfare.folder / "links.csv").exists()
    assert (days(welfare, "handle-map"), days(welfare, "secret")) == (
        {"2026-11-20"},
        {"2026-11-21"},
    )
    assert [one["what"] for one in stated(welfare)["kept"]] == ["link-table"]
    assert "link-table" not in {one["what"] for one in stated(welfare)["deleted"]}
    assert not list((welfare.folder / "workspace/destroying").iterdir())


def test_a_hand_over_that_was_broken_off_goes_on_and_states_nothing(
    welfare: Desk, held_open: Callable[[str], None]
) -> None:
    held_open("secret.txt")
    assert welfare.type("destroy", "--local", "--handed-over", "--yes").exit_code == 1
    held_open("")
    refused = welfare.type("destroy", "--local", *KEEP, "--yes")
    assert "(blindlink destroy --local --handed-over) was broken off" in refused.stderr
    # What is typed next says only that it is to go on.
    assert "nothing was stated" in welfare.ok("destroy", "--local", "--yes").stderr
    assert list((welfare.folder / "workspace" / "statements").glob("*")) == []


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


def test_nothing_that_a_killed_command_left_behind_survives(
    welfare: Desk, held_open: Callable[[str], None]
) -> None:
    folder = welfare.folder
    (ledger,) = (folder / "workspace/ledgers").iterdir()
    for path in (folder / "links.csv", ledger):
        (path.parent / f".{path.name}.0123456789ab.partial").write_bytes(path.read_bytes())
    scratch = folder / "workspace/scratch/1"
    scratch.mkdir(parents=True)
    (scratch / "plain.csv").write_text("Ana,Ortiz")
    held_open("plain.csv")
    assert "cannot be removed" in welfare.type("destroy", "--local", "--yes").stderr
    assert ledger.exists()
    held_open("")
    done = welfare.ok("destroy", "--local", "--yes")
    for path in (scratch / "plain.csv", ledger.parent / f".{ledger.name}.0123456789ab.partial"):
        assert str(path) in done.stderr
    left = {one for one in welfare.files() if one.endswith(".partial") or "/scratch/" in one}
    assert left == set()
    assert len([one for one in stated(welfare)["deleted"] if one["what"] == "link-table"]) == 12


def test_whose_record_an_auditors_handle_is_goes_with_the_handle_maps(welfare: Desk) -> None:
    workspace = Workspace(welfare.folder / "workspace")
    name = MapName(PROJECT, 1, "schools")
    keys = derive_map_keys(workspace.key(), PROJECT)
    handle = read_handle_map(workspace.handle_map(*name), name, keys).handles[0]
    asked, visit = welfare.folder / "asked.csv", welfare.folder / "visit.csv"
    asked.write_text(f"handle\n{handle.tobytes().hex()}\n", "utf-8")
    welfare.ok("resolve", str(asked), "-o", str(visit))
    words = ("disclosures", "--record")
    assert "so no disclosure concerns it" in welfare.ok(*words, "nobody's").stderr
    done = welfare.ok("destroy", "--local", "--yes")
    assert f"which records were in what was sent: {visit}" in done.stderr
    assert (asked.exists(), visit.exists()) == (True, False)
    # Without the maps no record is said to concern no disclosure.
    done = welfare.ok(*words, "7")
    assert "whether this record was among them was not kept" in done.stdout
    assert "never been encoded" not in done.stderr
    assert "4 disclosures, each proved by the match log" in done.stderr


def listed(desk: Desk) -> set[str]:
    """Return the names of the files outside the workspace that are noted to be removed one day."""
    found = read_written(Workspace(desk.folder / "workspace"))
    return {Path(one.path).name for one in found}


@pytest.fixture
def received(welfare: Desk) -> Path:
    """A file of columns as the schools hand it over."""
    link = (welfare.folder / "links.csv").read_text("utf-8").split()[1].partition(",")[2]
    path = welfare.folder / "from-schools.csv"
    path.write_text(f"link_id,grade\n{link},9\n", "utf-8")
    return path


def test_a_file_that_proves_to_be_none_that_was_received_is_not_removed_one_day(
    welfare: Desk, received: Path
) -> None:
    folder = welfare.folder
    named = folder / "named.csv"
    named.write_text("link_id,grade\n", "utf-8")
    for narrow in (("--epoch", "1"), ("--frozen", "study")):
        words = ("destroy", "--local", *narrow, "--also", f"received={named}", "--yes")
        refused = welfare.type(*words)
        assert (refused.exit_code, "--also can't be combined with" in refused.stderr) == (2, True)
        assert (folder / "secret.txt").exists()
    before, mine = listed(welfare), folder / "letters.csv"
    mine.write_text("ID,grade\n1,9\n", "utf-8")
    out = folder / "with.csv"
    assert welfare.type("open", str(mine), "-o", str(out)).exit_code == 3
    assert listed(welfare) == before
    # What someone puts there afterwards is theirs.
    out.write_text("mine")
    welfare.ok("destroy", "--local", "--yes")
    assert (mine.exists(), received.exists(), out.exists()) == (True, True, True)


def test_what_was_not_written_stays_noted_where_another_command_has_begun(welfare: Desk) -> None:
    session = Session(config_path=welfare.folder / "blindlink.toml")
    with ExitStack() as other, click.Context(click.Command("open")):
        note_file(session, "received", welfare.folder / "out.csv")
        other.enter_context(session.workspace.lock())
    assert "out.csv" in listed(welfare)


def test_files_that_a_backup_names_or_that_changed_stay_until_the_agency_names_them(
    welfare: Desk, tmp_path: Path
) -> None:
    welfare.ok("workspace", "protect")
    edited, other = welfare.folder / "edited.csv", welfare.folder / "other.csv"
    for path in (edited, other):
        welfare.ok("links", "-o", str(path))
    welfare.ok("workspace", "backup", str(tmp_path / "it.backup"))
    shutil.rmtree(welfare.folder / "workspace")
    welfare.ok("workspace", "restore", str(tmp_path / "it.backup"))
    # What it writes again is its own again.
    welfare.ok("links", "-o", str(other), "--force")
    done = welfare.ok("destroy", "--local", "--yes")
    assert f"files of link IDs: {edited} (--also link-table={edited})" in done.stderr
    assert (edited.exists(), other.exists(), "link-table" in stated(welfare)["none_left"]) == (
        True,
        False,
        False,
    )
    assert "received" in stated(welfare)["none_left"]
    welfare.ok("destroy", "--local", "--also", f"link-table={edited}", "--yes")
    assert not edited.exists()


def test_what_was_received_and_made_of_it_is_removed_and_the_agencys_own_file_never(
    welfare: Desk, received: Path
) -> None:
    out = welfare.folder / "with.csv"
    out.write_bytes(received.read_bytes())
    for path in (received, out):
        workspace = Workspace(welfare.folder / "workspace")
        note_written(workspace, PROJECT, "received", path, sha256_of(path))
    assert {"from-schools.csv", "with.csv"} <= listed(welfare)
    own = Path(read_config(welfare.folder / "blindlink.toml").sections.input.file)
    before = own.read_bytes()
    for words in (
        ("links", "-o", str(own), "--force"),
        ("tabulate", "--by", "grade", "-o", str(own), "--force"),
        ("seal", str(received), "--to", "schools", "-o", str(own), "--force"),
        ("workspace", "backup", str(own), "--force"),
    ):
        refused = welfare.type(*words)
        assert refused.exit_code == 1, words
        assert "is your own file of people" in refused.stderr, words
    named = welfare.type("destroy", "--local", "--also", f"received={own}", "--yes")
    assert (named.exit_code, "is your own file of people" in named.stderr) == (2, True)
    # Even if it were noted.
    note_written(workspace, PROJECT, "received", own, sha256_of(own))
    assert str(own) not in welfare.ok("destroy", "--local", "--yes").stderr
    assert own.read_bytes() == before
    assert (received.exists(), out.exists()) == (False, False)
    gone = [one for one in stated(welfare)["deleted"] if one["what"] == "received"]
    assert len(gone) == 2
