"""Backups that someone made to harm: every one is refused, and nothing of it stays.
The forms of `schemas/spec/workspace-backup.md` by their vectors: the good ones open, the bad do not.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rigs.desk import NOW
from samples.refusals import raises
from vectors.backup import backup_vectors
from vectors.file import read_vectors

from encoding.errors import AgencyError, BackupError, UntrustedKeyError, WorkspaceKeyError
from encoding.people.identity import Identity, PrivateKeys, new_identity
from encoding.people.recovery import recovery_keys
from encoding.people.sealed_file import Address, seal_pieces
from encoding.workspace.backup import Restored, restore_backup, write_backup
from encoding.workspace.backup_manifest import BackupFile, BackupManifest, SignedBackup
from encoding.workspace.keepers import Keepers, protect, read_keepers
from encoding.workspace.key import read_workspace_key
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.documents.errors import DocumentError
from schemas.signing.identity import PublicIdentity, SignedIdentity, base64_text
from schemas.signing.signatures import sign_document

CREATED = "2026-11-20T22:30:00Z"
FILES = {"peers.json": b"{}", "receipts/upl-1.json": b"\0" * 300_000, "handles/p.1.q.map": b""}
# A workspace that is restored encodes, sends and says nothing a second time; and cards end with the review.
SENT_ONCE = ("nonces/p.sealed", "outbox/p.1.q.enc", "said/p.1.s.q.p.sealed", "reviews/p.r.sealed")


@pytest.fixture
def own() -> Identity:
    return new_identity("welfare", ("analyst",), NOW)


@pytest.fixture
def workspace(tmp_path: Path, own: Identity) -> Workspace:
    made = open_workspace(tmp_path / "workspace", lambda: own)
    protect(made, own, NOW)
    for name, content in FILES.items():
        (made.folder / name).write_bytes(content)
    for folder in ("said", "reviews"):
        (made.folder / folder).mkdir()
    for name in ("lock", *SENT_ONCE, ".half.partial", "pins/.hidden"):
        (made.folder / name).write_bytes(b"left out")
    return made


def content_of(folder: Path) -> dict[str, bytes]:
    found = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
    return {
        name: content
        for name, content in found.items()
        if name not in {"workspace.key", "keepers.sealed"}
    }


def forged(workspace: Workspace, maker: Identity, own: Identity, **changes: Any) -> bytes:
    """Return a backup by a maker who does not go by the rules."""
    content: Iterable[bytes] = changes.pop("content", [b"12345"])
    more: bytes = changes.pop("more", b"")
    signature = changes.pop("signature", None)
    files = [{"path": "peers.json", "size": 5, "sha256": hashlib.sha256(b"12345").hexdigest()}]
    manifest = BackupManifest.from_json(
        {
            "maker": maker.public.to_json(),
            "created": CREATED,
            "workspace_key": base64_text(workspace.key()),
            "keepers": read_keepers(workspace).to_json(),
            "settings": None,
            "files": files,
            **changes,
        }
    )
    signed = SignedBackup(
        manifest=manifest,
        signature=signature
        or sign_document("workspace-backup", manifest.to_json(), maker.keys.signing_key),
    )
    pieces = [signed.to_canonical() + b"\n", *content, more]
    return b"".join(seal_pieces(pieces, Address("welfare", "welfare", (own.public,), CREATED)))


def restore(tmp_path: Path, content: bytes, own: Identity, **more: Any) -> Any:
    (tmp_path / "b.backup").write_bytes(content)
    return restore_backup(tmp_path / "b.backup", tmp_path / "there", own, own, NOW, **more)


def test_all_files_come_back_to_the_byte_and_the_key_with_them(
    workspace: Workspace, own: Identity, tmp_path: Path
) -> None:
    assert write_backup(tmp_path / "b", workspace, own, NOW, settings="x = 1\n") == len(FILES)
    found = restore_backup(tmp_path / "b", tmp_path / "deep" / "there", own, own, NOW)
    assert content_of(found.workspace.folder) == FILES
    assert found.workspace.key() == workspace.key()
    assert read_keepers(found.workspace) == read_keepers(workspace)
    assert (found.settings, found.maker, found.files) == ("x = 1\n", own.public, len(FILES))
    assert not list((tmp_path / "deep").glob(".there*"))


def test_a_backup_that_a_stranger_made_is_named_and_refused(
    workspace: Workspace, own: Identity, tmp_path: Path
) -> None:
    stranger = new_identity("welfare", ("analyst",), NOW)
    content = forged(workspace, stranger, own)
    with raises(UntrustedKeyError, match=stranger.public.fingerprint()):
        restore(tmp_path, content, own)
    with raises(UntrustedKeyError):
        restore(tmp_path, content, own, made_by=own.public.fingerprint())
    assert not (tmp_path / "there").exists()
    assert restore(tmp_path, content, own, made_by=stranger.public.fingerprint()).files == 1


def test_a_maker_who_has_not_signed_is_refused(
    workspace: Workspace, own: Identity, tmp_path: Path
) -> None:
    eve = new_identity("welfare", ("analyst",), NOW)
    other = sign_document("workspace-backup", {}, eve.keys.signing_key)
    with pytest.raises(BackupError, match="was not signed by the person"):
        restore(tmp_path, forged(workspace, own, own, signature=other), own)


def test_content_that_is_not_what_was_signed_is_refused(
    workspace: Workspace, own: Identity, tmp_path: Path
) -> None:
    for changes, reason in (
        ({"content": [b"12346"]}, "not the one that was backed up"),
        ({"content": [b"1234"]}, "ends too early"),
        ({"more": b"x"}, "goes on after"),
        ({"more": b"x" * 70_000}, "goes on after"),
    ):
        with pytest.raises(BackupError, match=reason):
            restore(tmp_path, forged(workspace, own, own, **changes), own)
        assert {path.name for path in tmp_path.iterdir()} == {"workspace", "b.backup"}


def test_files_stand_once_in_order_under_paths_that_lead_nowhere_else(
    workspace: Workspace, own: Identity
) -> None:
    elsewhere = (
        *("../peers.json", "/etc/passwd", "a/../b", "a//b", "a\\b", "C:x", ".hidden", "a/b/c/d"),
        *("lock", *SENT_ONCE, "scratch/x", "workspace.key", "keepers.sealed", "", "a/", "a\nb"),
    )
    digest = hashlib.sha256(b"").hexdigest()
    for paths in (*((path,) for path in elsewhere), ("b", "a"), ("a", "a"), ("A", "a")):
        files = [{"path": path, "size": 0, "sha256": digest} for path in paths]
        with pytest.raises(DocumentError):
            forged(workspace, own, own, files=files)


def test_a_sealed_file_of_something_else_is_no_backup(own: Identity, tmp_path: Path) -> None:
    address = Address("welfare", "welfare", (own.public,), CREATED)
    for content in (b"", b"\n", b"{}\n", b"x" * 100_000):
        with pytest.raises(BackupError):
            restore(tmp_path, b"".join(seal_pieces([content], address)), own)


@pytest.mark.campaign("damage")
def test_no_bit_of_a_backup_can_be_changed(
    workspace: Workspace, own: Identity, tmp_path: Path
) -> None:
    write_backup(tmp_path / "b.backup", workspace, own, NOW)
    good = (tmp_path / "b.backup").read_bytes()

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 8 * len(good) - 1))
    def flipped(bit: int) -> None:
        changed = bytearray(good)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BackupError):
            restore(tmp_path, bytes(changed), own)
        assert not (tmp_path / "there").exists()

    flipped()


def test_a_place_where_no_folder_can_be_or_that_is_no_name_of_one_is_said(
    workspace: Workspace, own: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_backup(tmp_path / "b", workspace, own, NOW)
    (tmp_path / "file").write_bytes(b"x")
    empty = tmp_path / "empty" / "within"
    empty.mkdir(parents=True)
    monkeypatch.chdir(empty)
    for place, said in (
        (tmp_path / "file" / "there", "cannot be made: "),
        (Path(), "not the name of a new folder"),
        (Path(".."), "not the name of a new folder"),
    ):
        with pytest.raises(BackupError, match=said) as raised:
            restore_backup(tmp_path / "b", place, own, own, NOW)
        assert "--workspace" in raised.value.hint


def test_keepers_of_another_agency_are_refused(
    workspace: Workspace, own: Identity, tmp_path: Path
) -> None:
    other = open_workspace(tmp_path / "other", lambda: eve)
    eve = new_identity("schools", ("analyst",), NOW)
    protect(other, eve, NOW)
    keepers: Keepers = read_keepers(other)
    with pytest.raises(BackupError, match="it is of schools, and you are of welfare"):
        restore(tmp_path, forged(workspace, own, own, keepers=keepers.to_json()), own)


def test_the_key_is_in_no_text_about_a_backup(workspace: Workspace, own: Identity) -> None:
    manifest = BackupManifest(
        maker=own.public,
        created=CREATED,
        workspace_key=base64_text(workspace.key()),
        keepers=read_keepers(workspace),
        settings=None,
        files=(BackupFile(path="a", size=0, sha256="0" * 64),),
    )
    assert base64_text(workspace.key()) not in repr(manifest)


VECTORS = read_vectors("workspace-backup")
NOW_of_backup_vectors = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


def person(who: str) -> Identity:
    stored = VECTORS["persons"][who]
    keys = PrivateKeys.from_bytes(bytes.fromhex(stored["private_hex"]))
    return Identity(
        SignedIdentity.of(PublicIdentity.from_json(stored["identity"]), keys.signing_key), keys
    )


def restore_of_backup_vectors(
    tmp_path: Path, file: str, opener: str, own: str, **more: Any
) -> Restored:
    (tmp_path / "b.backup").write_bytes(base64.b64decode(file))
    folder = tmp_path / "there"
    return restore_backup(
        tmp_path / "b.backup", folder, person(opener), person(own), NOW_of_backup_vectors, **more
    )


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
    found = restore_of_backup_vectors(tmp_path, vector["file"], opener, own, made_by=maker)
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
            restore_of_backup_vectors(tmp_path, file, "owner", "owner")
        assert [path.name for path in tmp_path.iterdir()] == ["b.backup"]


def test_a_backup_by_another_keeper_needs_its_fingerprint(tmp_path: Path) -> None:
    file = VECTORS["made_by_a_custodian"]
    with raises(UntrustedKeyError):
        restore_of_backup_vectors(tmp_path, file, "owner", "owner")
    maker = person("custodian").public.fingerprint()
    assert restore_of_backup_vectors(tmp_path, file, "owner", "owner", made_by=maker).files == 3


def test_a_handover_opens_for_nobody_else(tmp_path: Path) -> None:
    vector = next(one for one in VECTORS["good"] if one["openers"] == ["custodian"])
    for who in ("owner", "recovery", "stranger"):
        with pytest.raises(BackupError, match="do not open it"):
            restore_of_backup_vectors(tmp_path, vector["file"], who, "owner")


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
    found = recovery_keys(VECTORS["recovery_code"].lower(), "child-welfare", NOW_of_backup_vectors)
    assert found.public == person("recovery").public
    assert found.keys.to_bytes().hex() == VECTORS["persons"]["recovery"]["private_hex"]


def test_the_stored_vectors_are_those_that_are_written() -> None:
    assert backup_vectors() == VECTORS
