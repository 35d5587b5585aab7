"""Backups are whole, hold no key, and an old one is noticed."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rigs.linkage import Linkage, either_database
from sqlalchemy import inspect, make_url, text

from app.backup import snapshot
from app.backup.archive import BackupManifest, read_backup, restore_backup, write_backup
from app.blobs import FileBlobs
from app.broker import Broker, open_broker
from app.errors import (
    BACKUP_REFUSED,
    BackupDamagedError,
    ConfigurationError,
    DumpFailedError,
    LogInconsistentError,
    SealBrokenError,
    StorageFullError,
)
from app.matchlog.export import export_bundle
from schemas.documents.canonical import canonical_bytes
from schemas.matchlog.checkpoint import Checkpoint, sign_checkpoint
from schemas.signing.note import NoteSigner
from tests.samples.refusals import raises

__all__ = ["either_database"]


def reopened(linkage: Linkage) -> Any:
    """The same broker, opened anew, as after a restart."""
    return open_broker(linkage.broker.settings, clock=linkage.founded.clock)


def state_of(broker: Any) -> str:
    """Return a digest of the whole log as the broker tells it."""
    with broker.database.read() as session:
        return hashlib.sha256(b"".join(export_bundle(session))).hexdigest()


@pytest.mark.campaign("restored")
def test_what_is_restored_is_what_was_backed_up(linkage: Linkage, tmp_path: Path) -> None:
    linkage.upload_both()
    before = state_of(linkage.broker)
    blobs = list(linkage.broker.blobs.digests())
    manifest = write_backup(linkage.broker, tmp_path / "backup")
    with raises(BACKUP_REFUSED, match="exists already"):
        write_backup(linkage.broker, tmp_path / "backup")
    assert manifest.log_size == len(linkage.log_entries())
    stored = (tmp_path / "backup" / "backup.json").read_bytes()
    assert BackupManifest.from_canonical(stored) == manifest
    settings = linkage.broker.settings
    secrets = [settings.ring_file, settings.log_key_file, *settings.key_store_dir.iterdir()]
    held = b"".join(path.read_bytes() for path in files_in(tmp_path / "backup"))
    assert len(secrets) > 3
    for file in secrets:
        for line in file.read_bytes().splitlines()[-1:]:
            assert line not in held, file.name
    for digest in blobs:
        linkage.broker.blobs.delete(digest)
    restored = restore_backup(linkage.broker, tmp_path / "backup", replace=True)
    assert not restored.rolled_back
    assert not restored.took_checkpoint
    again = reopened(linkage)
    assert state_of(again) == before
    assert list(again.blobs.digests()) == blobs
    again.close()
    # A machine that remembers no checkpoint takes the backup's.
    settings.last_checkpoint_file.unlink()
    restored = restore_backup(linkage.broker, tmp_path / "backup", replace=True)
    assert (restored.took_checkpoint, restored.rolled_back) == (True, False)
    linkage.founded.enrol("newcomer")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
def test_a_backup_is_for_its_owner_only(linkage: Linkage, tmp_path: Path) -> None:
    write_backup(linkage.broker, tmp_path / "backup")
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o700
    if linkage.broker.database.is_sqlite:
        for file in files_in(tmp_path / "backup"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


@pytest.mark.campaign("restored")
@pytest.mark.campaign("undeleted")
def test_a_run_goes_on_after_a_restore(linkage: Linkage, tmp_path: Path) -> None:
    linkage.upload_both()
    run = linkage.ask().json()["run"]
    write_backup(linkage.broker, tmp_path / "backup")
    restore_backup(linkage.broker, tmp_path / "backup", replace=True)
    linkage.work()
    assert linkage.get(f"/v1/runs/{run}").json()["state"] == "succeeded"
    write_backup(linkage.broker, tmp_path / "later")
    for object_id in list(linkage.broker.keystore.object_ids()):
        linkage.broker.keystore.destroy(object_id)
    restore_backup(linkage.broker, tmp_path / "later", replace=True)
    again = reopened(linkage)
    assert list(again.keystore.object_ids()) == []
    again.close()


@pytest.mark.campaign("restored")
def test_a_backup_of_another_history_is_refused(linkage: Linkage, tmp_path: Path) -> None:
    """Two states of one size that differ: only one of them was signed last."""
    linkage.is_log_spoilt = True
    write_backup(linkage.broker, tmp_path / "first")
    linkage.founded.enrol("newcomer")
    last = linkage.broker.settings.last_checkpoint_file
    remembered = last.read_bytes()
    last.unlink()
    restore_backup(linkage.broker, tmp_path / "first", replace=True)
    linkage.founded.enrol("impostor")
    write_backup(linkage.broker, tmp_path / "second")
    last.write_bytes(remembered)
    with pytest.raises(LogInconsistentError):
        restore_backup(linkage.broker, tmp_path / "second", replace=True)


@pytest.mark.campaign("restored")
def test_a_backup_of_another_history_replaces_no_database_that_was_signed_last(
    linkage: Linkage, tmp_path: Path
) -> None:
    linkage.is_log_spoilt = True
    write_backup(linkage.broker, tmp_path / "first")
    linkage.founded.enrol("newcomer")
    write_backup(linkage.broker, tmp_path / "other")
    linkage.broker.settings.last_checkpoint_file.unlink()
    restore_backup(linkage.broker, tmp_path / "first", replace=True)
    linkage.founded.enrol("impostor")
    before = state_of(linkage.broker)
    for older in (False, True):
        with raises(BACKUP_REFUSED, match="not the one"):
            restore_backup(linkage.broker, tmp_path / "other", replace=True, older=older)
    assert state_of(linkage.broker) == before


def signed_by(broker: Broker, name: str) -> dict[str, Any]:
    """Return what a backup's manifest says where another key of this name has signed."""
    signer = NoteSigner(name, Ed25519PrivateKey.generate())
    note = sign_checkpoint(Checkpoint(signer.name, 10_000, bytes(32)), signer).decode()
    return {"log_size": 10_000, "checkpoint": note}


@pytest.mark.campaign("damage")
def test_a_database_is_not_replaced_unasked_nor_by_an_older_backup_or_another_brokers_or_half_of_one(
    linkage: Linkage, tmp_path: Path
) -> None:
    linkage.upload_both()
    folder = tmp_path / "backup"
    manifest = write_backup(linkage.broker, folder)
    linkage.founded.enrol("newcomer")
    before = state_of(linkage.broker)

    def refuses(error: Any, match: str | None, **how: bool) -> None:
        with raises(error, match=match):
            restore_backup(linkage.broker, folder, **{"replace": True, **how})
        assert state_of(linkage.broker) == before, match

    refuses(BACKUP_REFUSED, "already", replace=False)
    refuses(BACKUP_REFUSED, "lacks 1 entries")
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[manifest.database]
    with raises(BACKUP_REFUSED, match=manifest.database):
        read_backup(folder, other)
    said: list[tuple[dict[str, Any], str]] = [
        ({"database": "other"}, "not a whole backup"),
        ({"revision": "9999"}, "newer version"),
        ({"version": "blindlink/backup/2"}, "not a whole backup"),
        (signed_by(linkage.broker, linkage.broker.log.key.name), "not the one"),
        (signed_by(linkage.broker, "other.test/log"), "other.test/log"),
    ]
    for changes, match in said:
        (folder / "backup.json").write_bytes(canonical_bytes({**manifest.to_json(), **changes}))
        for older in (False, True):
            refuses(BACKUP_REFUSED, match, older=older)
    (folder / "backup.json").write_bytes(manifest.to_canonical())
    (copy,) = folder.glob("database.*")
    raw = copy.read_bytes()
    copy.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    refuses(BackupDamagedError, None, older=True)
    copy.write_bytes(raw)
    blob = files_in(folder / "blobs")[0]
    blob.write_bytes(b"other")
    refuses(Exception, "damaged", older=True)
    blob.unlink()
    refuses(BackupDamagedError, "blobs", older=True)


@pytest.mark.campaign("damage")
def test_a_backup_that_was_cut_short_is_none(
    linkage: Linkage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linkage.upload_both()

    def full(*_: object) -> None:
        raise StorageFullError("The disk is full.")

    monkeypatch.setattr("app.backup.archive._copy_blobs", full)
    with pytest.raises(StorageFullError):
        write_backup(linkage.broker, tmp_path / "backup")
    with raises(BACKUP_REFUSED, match="not a whole backup"):
        read_backup(tmp_path / "backup", linkage.broker.database.url.get_backend_name())


def test_it_is_said_that_the_disk_of_the_backup_is_nearly_full(
    linkage: Linkage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linkage.upload_both()
    place, own = tmp_path / "backup", FileBlobs.free_percent
    monkeypatch.setattr(
        FileBlobs, "free_percent", lambda one: 5 if one._folder == place / "blobs" else own(one)
    )

    def with_reserve(percent: int) -> Broker:
        changes = {"disk_reserve_percent": percent}
        settings = linkage.broker.settings.model_copy(update=changes)
        return replace(linkage.broker, settings=settings)

    with pytest.raises(StorageFullError, match="the disk of the backup"):
        write_backup(with_reserve(10), place)
    # As the hint says.
    shutil.rmtree(place)
    write_backup(with_reserve(2), place)


@pytest.mark.campaign("damage")
def test_one_damaged_blob_keeps_no_other_out_of_a_backup(linkage: Linkage, tmp_path: Path) -> None:
    linkage.upload_both()
    before, (lost, *others) = state_of(linkage.broker), linkage.broker.blobs.digests()
    (linkage.broker.settings.blob_dir / lost[:2] / lost).write_bytes(b"other")
    with pytest.raises(SealBrokenError, match=f"1 blob, such as {lost}"):
        write_backup(linkage.broker, tmp_path / "backup")
    for digest in (lost, *others):
        linkage.broker.blobs.delete(digest)
    restore_backup(linkage.broker, tmp_path / "backup", replace=True)
    assert state_of(linkage.broker) == before
    assert list(linkage.broker.blobs.digests()) == others


def test_a_newer_versions_tables_give_way_once_the_database_is_made_anew(
    linkage: Linkage, tmp_path: Path
) -> None:
    """As docs/operator.md says of PostgreSQL, whose pg_restore drops no table that the backup does not know."""
    database = linkage.broker.database
    write_backup(linkage.broker, tmp_path / "backup")
    before = state_of(linkage.broker)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE later (party VARCHAR REFERENCES party (name))"))
    if not database.is_sqlite:
        with pytest.raises(DumpFailedError):
            restore_backup(linkage.broker, tmp_path / "backup", replace=True)
        with database.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    restore_backup(linkage.broker, tmp_path / "backup", replace=database.is_sqlite)
    assert state_of(linkage.broker) == before
    assert "later" not in inspect(database.engine).get_table_names()


def files_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.mark.campaign("restored")
def test_copies_made_while_others_write_are_consistent(founded: Any, tmp_path: Path) -> None:
    stop = threading.Event()
    failures: list[Exception] = []

    def write_on() -> None:
        number = 0
        while not stop.is_set():
            try:
                founded.enrol(f"party-{number}")
            except Exception as exc:  # noqa: BLE001 - told to the test below
                failures.append(exc)
                return
            number += 1

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for number in range(3):
            write_backup(founded.broker, tmp_path / f"backup-{number}")
    finally:
        stop.set()
        writer.join()
    assert failures == []
    # Each copy's log continues what it says it signed; only that it is old is noticed.
    for number in range(3):
        restored = restore_backup(
            founded.broker, tmp_path / f"backup-{number}", replace=True, older=True
        )
        assert restored.manifest.log_size > 0


def test_the_passwords_line_escapes_what_separates() -> None:
    url = make_url("postgresql+psycopg://user@host:5432/name").set(password="a:b\\c")
    assert snapshot._pgpass_line(url) == b"host:5432:name:user:a\\:b\\\\c\n"


def test_the_address_on_the_command_line_holds_no_password() -> None:
    url = make_url("postgresql+psycopg://user@host:5432/name").set(password="hunter2")
    assert snapshot._address(url) == "postgresql://user@host:5432/name"


def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    url = make_url("postgresql+psycopg://user@host/name")
    with pytest.raises(ConfigurationError, match="pg_dump is not installed"):
        snapshot._run_tool("pg_dump", [], url, tmp_path)
