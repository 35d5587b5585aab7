"""The forms of `schemas/spec/workspace-backup.md` by their vectors: the good ones open, the bad do not."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from samples.refusals import raises
from vectors.backup import backup_vectors
from vectors.file import read_vectors

from encoding.errors import AgencyError, BackupError, UntrustedKeyError, WorkspaceKeyError
from encoding.people.identity import Identity, PrivateKeys
from encoding.people.recovery import recovery_keys
from encoding.people.sealed_file import Address, seal_pieces
from encoding.workspace.backup import Restored, restore_backup
from encoding.workspace.keepers import read_keepers
from encoding.workspace.key import read_workspace_key
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.signing.identity import PublicIdentity, SignedIdentity

VECTORS = read_vectors("workspace-backup")
CREATED = "2026-11-20T22:30:00Z"
NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


def person(who: str) -> Identity:
    stored = VECTORS["persons"][who]
    keys = PrivateKeys.from_bytes(bytes.fromhex(stored["private_hex"]))
    return Identity(
        SignedIdentity.of(PublicIdentity.from_json(stored["identity"]), keys.signing_key), keys
    )


def restore(tmp_path: Path, file: str, opener: str, own: str, **more: Any) -> Restored:
    (tmp_path / "b.backup").write_bytes(base64.b64decode(file))
    folder = tmp_path / "there"
    return restore_backup(tmp_path / "b.backup", folder, person(opener), person(own), NOW, **more)


def key_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "workspace.key"
    path.write_text(text, encoding="ascii")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("vector", "opener"),
    [
        pytest.param(vector, opener, id=f"{vector['name']}, {opener}")
        for vector in VECTORS["good"]
        for opener in vector["openers"]
    ],
)
def test_a_good_backup_is_restored_by_each_of_its_keepers(
    vector: dict[str, Any], opener: str, tmp_path: Path
) -> None:
    own = "owner" if opener == "recovery" else opener
    maker = person("owner").public.fingerprint()
    found = restore(tmp_path, vector["file"], opener, own, made_by=maker)
    assert found.workspace.key() == bytes.fromhex(VECTORS["workspace_key"])
    assert found.settings == vector["manifest"]["settings"]
    for path, content in vector["files"].items():
        assert (found.workspace.folder / path).read_bytes() == base64.b64decode(content)
    assert found.keepers.owner == person(own).public
    assert found.keepers.recovery == person("recovery").public


def test_a_bad_backup_or_a_sealed_file_with_a_bad_content_restores_nothing(tmp_path: Path) -> None:
    address = Address("child-welfare", "child-welfare", (person("owner").public,), CREATED)
    for vector in (*VECTORS["bad"], *VECTORS["bad_contents"]):
        print(vector["name"])
        file = vector.get("file")
        if file is None:
            sealed = b"".join(seal_pieces([vector["content"].encode("latin-1")], address))
            file = base64.b64encode(sealed).decode()
        with pytest.raises(BackupError):
            restore(tmp_path, file, "owner", "owner")
        assert [path.name for path in tmp_path.iterdir()] == ["b.backup"]


def test_a_backup_by_another_keeper_needs_its_fingerprint(tmp_path: Path) -> None:
    file = VECTORS["made_by_a_custodian"]
    with raises(UntrustedKeyError):
        restore(tmp_path, file, "owner", "owner")
    maker = person("custodian").public.fingerprint()
    assert restore(tmp_path, file, "owner", "owner", made_by=maker).files == 3


def test_a_handover_opens_for_nobody_else(tmp_path: Path) -> None:
    vector = next(one for one in VECTORS["good"] if one["openers"] == ["custodian"])
    for who in ("owner", "recovery", "stranger"):
        with pytest.raises(BackupError, match="do not open it"):
            restore(tmp_path, vector["file"], who, "owner")


def test_a_sealed_workspace_key_opens_for_each_keeper_and_a_bad_one_for_nobody(
    tmp_path: Path,
) -> None:
    key = bytes.fromhex(VECTORS["workspace_key"])
    path = key_file(tmp_path, VECTORS["key_files"]["sealed"])
    for who in ("owner", "custodian", "recovery"):
        assert read_workspace_key(path, lambda who=who: person(who)) == key  # type: ignore[misc]
    with pytest.raises(WorkspaceKeyError):
        read_workspace_key(path, lambda: person("stranger"))
    # One that is not sealed opens for who reads it.
    assert read_workspace_key(key_file(tmp_path, VECTORS["key_files"]["open"]), None) == key
    for vector in VECTORS["key_files"]["bad"]:
        print(vector["name"])
        with pytest.raises(WorkspaceKeyError):
            read_workspace_key(key_file(tmp_path, vector["file"]), lambda: person("owner"))


def workspace_with(tmp_path: Path, keepers: str) -> Workspace:
    made = open_workspace(tmp_path / "workspace", lambda: person("owner"))
    key_file(made.folder, VECTORS["key_files"]["sealed"])
    made.keepers.write_bytes(base64.b64decode(keepers))
    return made


def test_the_keepers_are_read_and_bad_ones_refused(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, VECTORS["keepers"]["file"])
    assert read_keepers(workspace).to_json() == VECTORS["keepers"]["document"]
    for vector in VECTORS["keepers"]["bad"]:
        print(vector["name"])
        with pytest.raises(AgencyError, match=r"keepers\.sealed in the workspace is damaged"):
            read_keepers(workspace_with(tmp_path, vector["file"]))


def test_a_recovery_code_stands_for_the_keys_of_its_page() -> None:
    found = recovery_keys(VECTORS["recovery_code"].lower(), "child-welfare", NOW)
    assert found.public == person("recovery").public
    assert found.keys.to_bytes().hex() == VECTORS["persons"]["recovery"]["private_hex"]


def test_the_stored_vectors_are_those_that_are_written() -> None:
    assert backup_vectors() == VECTORS
