"""What an agency holds of a project is found, whole and by kind, and what is another's is left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rigs.agency import NOW

from encoding.destruction.local_copies import Holdings, LocalCopy, kinds_without
from encoding.destruction.local_destruction import Wish, begin, interrupted
from encoding.errors import WorkspaceError
from encoding.sharing.links_file import Link, write_links
from encoding.workspace.workspace import Workspace, open_workspace
from encoding.workspace.written_files import (
    forget_written,
    mark_restored,
    note_written,
    read_written,
    sha256_of,
)

PROJECT = "foster"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


@pytest.fixture
def holdings(tmp_path: Path, workspace: Workspace) -> Holdings:
    return Holdings(workspace, PROJECT, tmp_path / "links.csv", tmp_path / "secret.txt")


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def fill(holdings: Holdings) -> dict[str, set[Path]]:
    """Lay down one or two files of each kind; returns them."""
    folder = holdings.workspace.folder
    write_links(holdings.links, [Link("1", "ab" * 16)])
    blind = put(holdings.links.with_name("links-for-state.csv"), b"blindlink/blind-links/2\n{}\n")
    elsewhere = put(folder.parent / "from-schools.csv")
    note_written(holdings.workspace, PROJECT, "received", elsewhere, sha256_of(elsewhere))
    handed, backup = put(folder.parent / "to-schools.csv"), put(folder.parent / "it.backup")
    note_written(holdings.workspace, PROJECT, "backup", backup, sha256_of(backup))
    note_written(holdings.workspace, PROJECT, "extract", handed, sha256_of(handed))
    return {
        "handle-map": {
            put(folder / "handles" / f"{PROJECT}.1.schools.map"),
            put(folder / "handles" / f"{PROJECT}.2.health.map"),
            put(folder / "disclosed" / f"{PROJECT}.1.sealed"),
            put(folder / "withdrawn" / f"{PROJECT}.sealed"),
        },
        "container": {
            put(folder / "outbox" / f"{PROJECT}.2.health.enc"),
            put(folder / "outbox" / f"{PROJECT}.2.health.json"),
        },
        "secret": {
            put(folder / "secrets" / f"{PROJECT}-2.sealed"),
            put(folder.parent / "secret.txt"),
        },
        "link-table": {
            holdings.links,
            blind,
            put(folder / "ledgers" / f"{PROJECT}.shared.sealed"),
            put(folder / "said" / f"{PROJECT}.1.shared.schools.welfare.sealed"),
        },
        "received": {elsewhere},
        "extract": {handed},
        "backup": {backup},
    }


def by_kind(copies: list[LocalCopy]) -> dict[str, set[Path]]:
    found: dict[str, set[Path]] = {}
    for copy in copies:
        found.setdefault(copy.what, set()).add(copy.path)
    return found


def test_every_kind_is_found(holdings: Holdings) -> None:
    expected = fill(holdings)
    copies = holdings.all()
    assert by_kind(copies) == expected
    assert copies == sorted(copies)
    assert kinds_without(copies, ()) == ()


def test_what_a_killed_writer_left_of_them_is_found_with_them(holdings: Holdings) -> None:
    expected = fill(holdings)
    put(holdings.workspace.folder / "exports" / f"{PROJECT}.statuses.sealed")
    for paths in [*expected.values()]:
        for path in [*paths]:
            paths.add(put(path.with_name(f".{path.name}.0123456789ab.partial")))
            # Of others: another program's, and another project's.
            put(path.with_name(f".{path.name}.partial"))
            put(path.with_name(f".other-{path.name}.0123456789ab.partial"))
    # Killed before it was there once.
    expected["link-table"].add(holdings.workspace.folder / "exports" / f"{PROJECT}.statuses.sealed")
    for name, what in (
        ("ledgers/foster.new.sealed", "link-table"),
        ("secrets/foster-3.sealed", "secret"),
    ):
        path = holdings.workspace.folder / name
        expected[what].add(put(path.with_name(f".{path.name}.0123456789ab.partial")))
    unwritten = holdings.links.with_name("with-schools.csv")
    note_written(holdings.workspace, PROJECT, "received", unwritten)
    expected["received"].add(put(unwritten.with_name(f".{unwritten.name}.ba9876543210.partial")))
    assert by_kind(holdings.all()) == expected
    assert [one.path.name for one in holdings.of_epoch(3)] == [
        ".foster-3.sealed.0123456789ab.partial"
    ]


def test_a_noted_file_that_changed_or_that_a_backup_named_is_shown_and_not_removed(
    holdings: Holdings,
) -> None:
    expected = fill(holdings)
    received, extract = expected["received"].copy(), expected["extract"].copy()
    put(received.copy().pop(), b"mine")
    killed = put(holdings.links.with_name("killed.csv"))
    note_written(holdings.workspace, PROJECT, "handle-map", killed)
    expected["received"] = set()
    assert by_kind(holdings.all()) == {k: v for k, v in expected.items() if v}
    assert by_kind(holdings.shown()) == {"received": received, "handle-map": {killed}}
    mark_restored(holdings.workspace)
    # Nor what lies beside it, which may be another agency's.
    beside = extract.copy().pop()
    put(beside.with_name(f".{beside.name}.0123456789ab.partial"))
    del expected["received"], expected["extract"]
    backup = expected.pop("backup")
    assert by_kind(holdings.all()) == expected
    shown = {"received": received, "extract": extract, "handle-map": {killed}, "backup": backup}
    assert by_kind(holdings.shown()) == shown
    # One that is named is meant.
    named = replace(holdings, named=(LocalCopy("extract", beside),))
    assert (beside in by_kind(named.all())["extract"], "extract" in by_kind(named.shown())) == (
        True,
        False,
    )


def test_one_epoch_is_its_secret_alone(holdings: Holdings) -> None:
    fill(holdings)
    assert [copy.path.name for copy in holdings.of_epoch(2)] == ["foster-2.sealed"]
    assert holdings.of_epoch(1) == []


def test_what_is_of_others_is_none_of_it(holdings: Holdings) -> None:
    folder = holdings.workspace.folder
    for name in ("foster-care.1.schools", "other.1.schools"):
        put(folder / "handles" / f"{name}.map")
        put(folder / "outbox" / f"{name}.enc")
    put(folder / "disclosed" / "foster-care.1.sealed")
    put(folder / "secrets" / f"{PROJECT}-care-1.sealed")
    put(folder / "ledgers" / f"{PROJECT}.notes.txt")
    put(folder / "ledgers" / "foster-care.shared.sealed")
    put(folder / "receipts" / f"upl-{'0' * 32}.json")
    put(holdings.links, b"name,born\n")
    put(holdings.links.with_name("links-for-me.csv"), b"name\n")
    note_written(holdings.workspace, "others", "received", put(folder.parent / "theirs.csv"))
    assert holdings.all() == []
    assert len(kinds_without([], ())) == 7


def test_what_is_kept_elsewhere_is_not_said_to_be_gone(holdings: Holdings) -> None:
    assert "secret" not in kinds_without(holdings.all(), {"secret"})


def test_written_files_are_listed_once_until_they_are_gone(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.csv")
    for _ in range(2):
        note_written(workspace, PROJECT, "extract", path)
    note_written(workspace, "others", "extract", tmp_path / "gone.csv")
    assert len(read_written(workspace)) == 2
    path.unlink()
    forget_written(workspace, PROJECT)
    assert [one.project for one in read_written(workspace)] == ["others"]
    workspace.written_files.write_bytes(b"{}")
    with pytest.raises(WorkspaceError, match="damaged"):
        read_written(workspace)


def test_a_destruction_that_was_killed_between_two_files_still_knows_both(
    holdings: Holdings,
) -> None:
    fill(holdings)
    copies = holdings.all()
    begun = begin(holdings.workspace, PROJECT, None, Wish(), NOW)
    assert interrupted(holdings.workspace, PROJECT) is None
    begun.remove(copies[:1], lambda: NOW)
    left = interrupted(holdings.workspace, PROJECT)
    assert left == begun
    left.remove(holdings.all(), lambda: NOW)
    assert holdings.all() == []
    assert len(left.deleted()) == len(copies)
    assert {one.size_bytes > 0 for one in left.deleted()} == {True}
    left.finish([])
    assert interrupted(holdings.workspace, PROJECT) is None
    assert interrupted(holdings.workspace, "others") is None
