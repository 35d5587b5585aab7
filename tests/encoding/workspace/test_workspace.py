"""The workspace folder and its key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from encoding.errors import WorkspaceError, WorkspaceKeyError
from encoding.workspace.workspace import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "w")


def test_only_the_owner_may_enter(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "new" / "workspace")
    assert os.name == "nt" or workspace.folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WorkspaceError, match="cannot be made"):
        open_workspace(tmp_path / "file" / "w")


def test_key_is_made_once_and_is_another_in_each_workspace(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert workspace.key() == open_workspace(workspace.folder).key()
    assert len(set(workspace.key())) > 12
    assert workspace.key() != open_workspace(tmp_path / "other").key()


@pytest.mark.campaign("damage")
def test_exposed_malformed_or_lost_key_is_refused_and_not_replaced(workspace: Workspace) -> None:
    path = workspace.folder / "workspace.key"
    for content in (
        *("", "blindlink/workspace-key/1\n", "blindlink/workspace-key/1\nAAAA\n"),
        "x\nAAAA",
    ):
        path.write_text(content)
        path.chmod(0o600)
        with pytest.raises(WorkspaceKeyError):
            workspace.key()
        assert path.read_text() == content
    path.unlink()
    workspace.key()
    if os.name != "nt":
        path.chmod(0o640)
        with pytest.raises(WorkspaceKeyError, match="other users"):
            workspace.key()
    path.unlink()
    workspace.handle_map("foster-pupils", 1, "schools").write_bytes(b"sealed")
    with pytest.raises(WorkspaceKeyError, match="gone"):
        workspace.key()


def test_rounds_and_partners_of_a_project_are_listed_and_no_others(workspace: Workspace) -> None:
    rounds = [("foster", 2, "schools"), ("foster", 10, "health"), ("foster-pupils", 1, "schools")]
    for name in rounds:
        workspace.handle_map(*name).write_bytes(b"sealed")
        workspace.container(*name).write_bytes(b"sealed")
    assert workspace.handle_maps("foster") == ((2, "schools"), (10, "health"))
    assert workspace.containers("foster") == workspace.handle_maps("foster")


def test_scratch_folder_is_empty_after_a_kill_and_gone_after_use_or_failure(
    workspace: Workspace,
) -> None:
    scratch = workspace.folder / "scratch"
    scratch.mkdir()
    (scratch / "left").write_bytes(b"x")
    with workspace.scratch() as folder:
        assert list(folder.iterdir()) == []
        (folder / "left").write_bytes(b"x")
    assert not folder.exists()
    with pytest.raises(ZeroDivisionError), workspace.scratch():
        raise ZeroDivisionError
    assert not scratch.exists()


@pytest.mark.campaign("damage")
def test_project_that_was_never_seen_is_none_and_a_damaged_one_is_refused(
    workspace: Workspace,
) -> None:
    assert workspace.project() is None
    (workspace.folder / "project.json").write_bytes(b"{}")
    with pytest.raises(WorkspaceError, match="damaged"):
        workspace.project()
