"""Who can open a workspace, by keys and by the recovery code.
One command at a time, and none for ever.
The workspace folder and its key.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rigs.desk import NOW
from samples.refusals import raises

from encoding.errors import (
    BackupError,
    NotReadyError,
    WorkspaceBusyError,
    WorkspaceError,
    WorkspaceKeyError,
)
from encoding.people.identity import Identity, new_identity, replace_keys
from encoding.people.recovery import new_recovery_code, recovery_keys
from encoding.workspace.keepers import (
    MAX_CUSTODIANS,
    follow_keys,
    keep,
    protect,
    read_keepers,
    recover,
)
from encoding.workspace.lock import locked
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.documents.errors import DocumentError


@pytest.fixture
def own() -> Identity:
    return new_identity("welfare", ("analyst",), NOW)


@pytest.fixture
def workspace(tmp_path: Path, own: Identity) -> Workspace:
    return open_workspace(tmp_path / "workspace", lambda: own)


def test_the_key_stays_the_same_when_it_is_sealed(
    workspace: Workspace, own: Identity, tmp_path: Path
) -> None:
    key = workspace.key()
    for _ in range(2):
        protect(workspace, own, NOW)
        assert workspace.key() == key
        assert key not in workspace.key_file.read_bytes()
    unused = open_workspace(tmp_path / "unused", lambda: own)
    protect(unused, own, NOW)
    assert len(unused.key()) == 32


def test_nobody_else_opens_it(workspace: Workspace, own: Identity) -> None:
    protect(workspace, own, NOW)
    other = new_identity("welfare", ("analyst",), NOW)
    same_person = new_identity("welfare", ("analyst",), NOW, person=own.public.person)
    for person in (other, same_person):
        with pytest.raises(WorkspaceKeyError, match="do not open this workspace"):
            workspace.opened_by(lambda one=person: one).key()  # type: ignore[misc]
    with pytest.raises(WorkspaceKeyError):
        Workspace(workspace.folder).key()


def test_a_custodian_opens_it_until_removed(workspace: Workspace, own: Identity) -> None:
    bea = new_identity("welfare", ("analyst",), NOW)
    protect(workspace, own, NOW)
    theirs = workspace.opened_by(lambda: bea)
    key = workspace.key()
    keep(workspace, read_keepers(workspace).with_custodian(bea.public), key, NOW)
    assert theirs.key() == key
    keep(workspace, read_keepers(workspace).without_custodian(bea.public.person), key, NOW)
    with pytest.raises(WorkspaceKeyError):
        theirs.key()


def test_custodians_are_few_of_one_party_and_each_by_their_newest_keys(
    workspace: Workspace, own: Identity
) -> None:
    protect(workspace, own, NOW)
    alone = keepers = read_keepers(workspace)
    bea = new_identity("welfare", ("analyst",), NOW)
    newer, _ = replace_keys(bea, NOW)
    both = keepers.with_custodian(bea.public).with_custodian(newer.public)
    assert both.custodians == (newer.public,)
    for _ in range(MAX_CUSTODIANS):
        keepers = keepers.with_custodian(new_identity("welfare", ("analyst",), NOW).public)
    with pytest.raises(WorkspaceError, match="at most"):
        keepers.with_custodian(new_identity("welfare", ("analyst",), NOW).public)
    stranger = new_identity("schools", ("analyst",), NOW).public
    document = {**alone.to_json(), "custodians": [stranger.to_json()]}
    with pytest.raises(DocumentError):
        type(alone).from_json(document)
    with pytest.raises(WorkspaceError, match="your own agency"):
        alone.with_custodian(stranger)


def test_new_keys_of_the_owner_open_it_and_old_ones_do_not(
    workspace: Workspace, own: Identity
) -> None:
    key = workspace.key()
    new, _ = replace_keys(own, NOW)
    follow_keys(workspace, own, new, NOW)
    assert workspace.key() == key
    protect(workspace, own, NOW)
    for _ in range(2):
        follow_keys(workspace, own, new, NOW)
    assert workspace.opened_by(lambda: new).key() == key
    with pytest.raises(WorkspaceKeyError):
        workspace.key()
    assert read_keepers(workspace.opened_by(lambda: new)).owner == new.public


def test_a_code_opens_it_once_for_new_keys(workspace: Workspace, own: Identity) -> None:
    key = workspace.key()
    code = protect(workspace, own, NOW).code
    new = new_identity("welfare", ("analyst",), NOW)
    again = recover(workspace, new, code, NOW)
    assert workspace.opened_by(lambda: new).key() == key
    with pytest.raises(WorkspaceKeyError):
        recover(workspace, new, code, NOW)
    recover(workspace, own, again.code, NOW)
    assert workspace.key() == key


def test_the_list_of_keepers_cannot_be_changed_and_is_sealed_anew_where_it_is_lost(
    workspace: Workspace, own: Identity
) -> None:
    protect(workspace, own, NOW)
    key, content = workspace.key(), workspace.keepers.read_bytes()
    for place in (0, 25, len(content) - 1):
        changed = bytearray(content)
        changed[place] ^= 1
        workspace.keepers.write_bytes(changed)
        with pytest.raises(WorkspaceError, match="damaged"):
            read_keepers(workspace)
    workspace.keepers.unlink()
    with pytest.raises(NotReadyError, match="not protected yet"):
        read_keepers(workspace)
    protect(workspace, own, NOW)
    assert workspace.key() == key
    assert read_keepers(workspace).custodians == ()


def test_a_damaged_or_lost_key_file_is_said_and_not_replaced(
    workspace: Workspace, own: Identity
) -> None:
    protect(workspace, own, NOW)
    first, _, rest = workspace.key_file.read_text().partition("\n")
    for text in ("", "{}", "blindlink", "\0"):
        workspace.key_file.write_text(f"{first}\n{text}{rest[:-90]}")
        with pytest.raises(WorkspaceKeyError):
            workspace.key()
    workspace.key_file.unlink()
    with pytest.raises(WorkspaceKeyError, match="gone"):
        workspace.key()


def test_a_code_stands_for_the_same_keys_however_it_is_typed_but_for_a_slip() -> None:
    code = new_recovery_code()
    made = recovery_keys(code, "welfare", NOW)
    typed = recovery_keys(f" {code.lower().replace('-', ' ')}\n", "welfare", NOW)
    assert typed.public == made.public
    assert recovery_keys(new_recovery_code(), "welfare", NOW).public.person != made.public.person
    assert len(code.replace("-", "")) == 32
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(BackupError) as raised:
        recovery_keys(wrong, "welfare", NOW)
    assert wrong not in str(raised.value)


# Holds the lock until it is killed.
HOLDER = """
import sys
from pathlib import Path
from encoding.workspace.lock import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

# Takes the lock as often as it can; while it holds it, it makes a file that nobody else may have made. Every
# third time it ends without a word, as if killed, still holding it.
RIVAL = """
import os, sys, time
from pathlib import Path
from encoding.errors import WorkspaceError
from encoding.workspace.lock import locked

path, inside = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
taken, until = 0, time.monotonic() + 20
while taken < 3 and time.monotonic() < until:
    try:
        with locked(path):
            inside.touch(exist_ok=False)
            taken += 1
            inside.unlink()
            if taken == 3:
                os._exit(7)
    except WorkspaceError:
        continue
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def enter(path: Path) -> None:
    with locked(path):
        pass


def begin(code: str, *arguments: Path) -> subprocess.Popen[str]:
    """Start a process and wait for its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() in {"held", "ready"}
    return process


def test_second_holder_is_refused_until_the_first_is_done_or_failed(path: Path) -> None:
    # Whatever is in the file.
    path.write_text("1 elsewhere\n")
    with locked(path), raises(WorkspaceBusyError):
        enter(path)
    enter(path)
    with pytest.raises(ZeroDivisionError), locked(path):
        raise ZeroDivisionError
    enter(path)


@pytest.mark.campaign("two-at-once")
def test_another_process_holds_it_until_it_is_killed_and_no_longer(path: Path) -> None:
    with begin(HOLDER, path) as holder:
        with raises(WorkspaceBusyError):
            enter(path)
        holder.kill()
        holder.wait()
        enter(path)


@pytest.mark.campaign("two-at-once")
def test_of_three_processes_that_come_and_die_one_at_a_time_holds_it(
    path: Path, tmp_path: Path
) -> None:
    rivals = [begin(RIVAL, path, tmp_path / "inside") for _ in range(3)]
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("\n")
        rival.stdin.flush()
    assert [rival.wait(30) for rival in rivals] == [7, 7, 7]
    for rival in rivals:
        rival.communicate()


@pytest.fixture
def opened_workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "w")


def test_only_the_owner_may_enter(tmp_path: Path) -> None:
    opened_workspace = open_workspace(tmp_path / "new" / "workspace")
    assert os.name == "nt" or opened_workspace.folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WorkspaceError, match="cannot be made"):
        open_workspace(tmp_path / "file" / "w")


def test_key_is_made_once_and_is_another_in_each_workspace(
    opened_workspace: Workspace, tmp_path: Path
) -> None:
    assert opened_workspace.key() == open_workspace(opened_workspace.folder).key()
    assert len(set(opened_workspace.key())) > 12
    assert opened_workspace.key() != open_workspace(tmp_path / "other").key()


@pytest.mark.campaign("damage")
def test_exposed_malformed_or_lost_key_is_refused_and_not_replaced(
    opened_workspace: Workspace,
) -> None:
    path = opened_workspace.folder / "workspace.key"
    for content in (
        *("", "blindlink/workspace-key/1\n", "blindlink/workspace-key/1\nAAAA\n"),
        "x\nAAAA",
    ):
        path.write_text(content)
        path.chmod(0o600)
        with pytest.raises(WorkspaceKeyError):
            opened_workspace.key()
        assert path.read_text() == content
    path.unlink()
    opened_workspace.key()
    if os.name != "nt":
        path.chmod(0o640)
        with pytest.raises(WorkspaceKeyError, match="other users"):
            opened_workspace.key()
    path.unlink()
    opened_workspace.handle_map("foster-pupils", 1, "schools").write_bytes(b"sealed")
    with pytest.raises(WorkspaceKeyError, match="gone"):
        opened_workspace.key()


def test_rounds_and_partners_of_a_project_are_listed_and_no_others(
    opened_workspace: Workspace,
) -> None:
    rounds = [("foster", 2, "schools"), ("foster", 10, "health"), ("foster-pupils", 1, "schools")]
    for name in rounds:
        opened_workspace.handle_map(*name).write_bytes(b"sealed")
        opened_workspace.container(*name).write_bytes(b"sealed")
    assert opened_workspace.handle_maps("foster") == ((2, "schools"), (10, "health"))
    assert opened_workspace.containers("foster") == opened_workspace.handle_maps("foster")


def test_scratch_folder_is_empty_after_a_kill_and_gone_after_use_or_failure(
    opened_workspace: Workspace,
) -> None:
    scratch = opened_workspace.folder / "scratch"
    scratch.mkdir()
    (scratch / "left").write_bytes(b"x")
    with opened_workspace.scratch() as folder:
        assert list(folder.iterdir()) == []
        (folder / "left").write_bytes(b"x")
    assert not folder.exists()
    with pytest.raises(ZeroDivisionError), opened_workspace.scratch():
        raise ZeroDivisionError
    assert not scratch.exists()


@pytest.mark.campaign("damage")
def test_project_that_was_never_seen_is_none_and_a_damaged_one_is_refused(
    opened_workspace: Workspace,
) -> None:
    assert opened_workspace.project() is None
    (opened_workspace.folder / "project.json").write_bytes(b"{}")
    with pytest.raises(WorkspaceError, match="damaged"):
        opened_workspace.project()
