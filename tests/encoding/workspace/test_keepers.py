"""Who can open a workspace, by keys and by the recovery code."""

from __future__ import annotations

from pathlib import Path

import pytest
from rigs.desk import NOW

from encoding.errors import BackupError, NotReadyError, WorkspaceError, WorkspaceKeyError
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
