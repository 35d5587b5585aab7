"""The workspace folder and its key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from encoding.errors import WorkspaceError, WorkspaceKeyError
from encoding.workspace.workspace import open_workspace


def test_only_the_owner_may_enter(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "new" / "workspace")
    assert os.name == "nt" or workspace.folder.stat().st_mode & 0o777 == 0o700


def test_key_is_made_once(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    assert workspace.key() == open_workspace(tmp_path / "w").key()
    assert len(set(workspace.key())) > 12


def test_two_workspaces_have_two_keys(tmp_path: Path) -> None:
    assert open_workspace(tmp_path / "a").key() != open_workspace(tmp_path / "b").key()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits")
def test_exposed_key_is_refused(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    workspace.key()
    (workspace.folder / "workspace.key").chmod(0o640)
    with pytest.raises(WorkspaceKeyError, match="other users"):
        workspace.key()


@pytest.mark.parametrize(
    "content", ["", "blindlink/workspace-key/1\n", "blindlink/workspace-key/1\nAAAA\n", "x\nAAAA"]
)
@pytest.mark.campaign("damage")
def test_malformed_key_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    workspace = open_workspace(tmp_path / "w")
    path = workspace.folder / "workspace.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(WorkspaceKeyError):
        workspace.key()
    assert path.read_text() == content


def test_lost_key_is_not_replaced_while_there_are_handle_maps(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    workspace.handle_map("foster-pupils", 1, "schools").write_bytes(b"sealed")
    with pytest.raises(WorkspaceKeyError, match="gone"):
        workspace.key()


def test_rounds_and_partners_of_a_project_are_listed_and_no_others(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    rounds = [("foster", 2, "schools"), ("foster", 10, "health"), ("foster-pupils", 1, "schools")]
    for name in rounds:
        workspace.handle_map(*name).write_bytes(b"sealed")
        workspace.container(*name).write_bytes(b"sealed")
    assert workspace.handle_maps("foster") == ((2, "schools"), (10, "health"))
    assert workspace.containers("foster") == workspace.handle_maps("foster")


def test_scratch_folder_is_gone_after_use(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    with workspace.scratch() as folder:
        (folder / "left").write_bytes(b"x")
    assert not folder.exists()


def test_scratch_folder_is_gone_after_a_failure(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    with pytest.raises(ZeroDivisionError), workspace.scratch():
        raise ZeroDivisionError
    assert not (workspace.folder / "scratch").exists()


def test_scratch_folder_is_empty_after_a_kill(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    (workspace.folder / "scratch").mkdir()
    (workspace.folder / "scratch" / "left").write_bytes(b"x")
    with workspace.scratch() as folder:
        assert list(folder.iterdir()) == []


def test_project_that_was_never_seen_is_none(tmp_path: Path) -> None:
    assert open_workspace(tmp_path / "w").project() is None


@pytest.mark.campaign("damage")
def test_damaged_project_is_refused(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "w")
    (workspace.folder / "project.json").write_bytes(b"{}")
    with pytest.raises(WorkspaceError, match="damaged"):
        workspace.project()


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WorkspaceError, match="cannot be made"):
        open_workspace(tmp_path / "file" / "w")
