"""A backup: a folder with a copy of the database, every blob, and a manifest that is written last.

No key is in it: not of uploads, not of the ring, not of the log. So what was destroyed stays destroyed,
however many old backups there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError

from app.backup import snapshot
from app.blobs import BlobStore, FileBlobs
from app.clock import utc_text
from app.db import Database
from app.durable import make_private_folder, write_durably
from app.errors import (
    BACKUP_REFUSED,
    BackupDamagedError,
    BlobMissingError,
    BrokerError,
    LastCheckpointMissingError,
    LogInconsistentError,
    LogRolledBackError,
    RefusedError,
    SealBrokenError,
    StorageFullError,
)
from app.matchlog.last_checkpoint import LastCheckpointFile
from app.matchlog.proofs import log_keys, newest_checkpoint, root_of_stored
from app.migrations.steps import newest_revision, require_known
from app.version import SOFTWARE
from schemas.documents.document import Document
from schemas.documents.errors import CheckpointError, DocumentError
from schemas.documents.ids import Code, Sha256Hex, UtcTime
from schemas.matchlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from schemas.shared.amounts import counted
from schemas.signing.note import VerifierKey

if TYPE_CHECKING:
    from app.broker import Broker

MANIFEST: Final = "backup.json"
BLOBS: Final = "blobs"

Count = Annotated[int, Field(ge=0, le=2**50)]


class BackupManifest(Document):
    """What a backup holds; `checkpoint` is the match log's newest when it was made."""

    KIND: ClassVar[str] = "backup"

    version: Literal["blindlink/backup/1"] = "blindlink/backup/1"
    created: UtcTime
    software: Code
    database: Literal["sqlite", "postgresql"]
    revision: str
    database_sha256: Sha256Hex
    blobs: Count
    log_size: Count
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    `rolled_back` says that entries which were signed for are missing; `took_checkpoint` that this machine
    remembered none, as a new one does, and took the backup's: then only pins show what is missing.
    """

    manifest: BackupManifest
    rolled_back: bool
    took_checkpoint: bool


def write_backup(broker: Broker, folder: Path) -> BackupManifest:
    """Write a backup into a new folder while the broker goes on working.

    Raises:
        SchemaNotCurrentError: the database is empty, or a newer version's. An upgrade begins with a backup of
            an earlier version's.
        backup-refused: the folder exists.
        DumpFailedError: PostgreSQL's tool failed.
        StorageFullError: the disk is nearly full.
        SealBrokenError: blobs are damaged where the broker keeps them; the backup is written without them.
    """
    revision = require_known(broker.database)
    if folder.exists():
        raise RefusedError(BACKUP_REFUSED, "the folder of the backup exists already")
    make_private_folder(folder)
    kind = snapshot.kind_of(broker.database)
    # On PostgreSQL the log may grow before the dump begins; so the manifest states the least there is.
    with broker.database.read() as session:
        checkpoint = newest_checkpoint(session)
    copy, damaged = folder / snapshot.FILE_NAMES[kind], list[str]()
    snapshot.copy_database(broker.database, copy, broker.settings.state_dir)
    manifest = BackupManifest.from_json(
        {
            "created": utc_text(broker.machine_clock()),
            "software": SOFTWARE,
            "database": kind,
            "revision": revision,
            "database_sha256": _sha256(copy),
            # After the database: what it names was there before it was copied.
            "blobs": _backed_up(broker, folder / BLOBS, damaged),
            "log_size": checkpoint.size,
            "checkpoint": checkpoint.note.decode("utf-8"),
        }
    )
    write_durably(folder / MANIFEST, manifest.to_canonical())
    if damaged:
        raise SealBrokenError(
            "the backup is written, but lacks what is damaged already: "
            f"{counted(len(damaged), 'blob')}, such as {damaged[0]}",
            hint="docs/operator.md#if-something-is-wrong",
        )
    return manifest


def read_backup(folder: Path, kind: str) -> BackupManifest:
    """Check a backup for a database of this kind and return its manifest."""
    try:
        manifest = BackupManifest.from_canonical((folder / MANIFEST).read_bytes())
    except (OSError, DocumentError) as exc:
        raise RefusedError(BACKUP_REFUSED, "the folder is not a whole backup of a broker") from exc
    if manifest.database != kind:
        raise RefusedError(
            BACKUP_REFUSED, f"the backup is one of {manifest.database}, not of {kind}"
        )
    if manifest.revision > newest_revision():
        raise RefusedError(BACKUP_REFUSED, "the backup was made by a newer version of the broker")
    if _sha256(folder / snapshot.FILE_NAMES[kind]) != manifest.database_sha256:
        raise BackupDamagedError("the copy of the database is not the one that was written")
    return manifest


def restore_backup(
    broker: Broker, folder: Path, *, replace: bool, older: bool = False, pins: Sequence[bytes] = ()
) -> Restored:
    """Put a backup in the place of database and blobs. The broker and its workers must not run.

    Afterwards the log is compared with the last checkpoint that this broker signed, which no backup holds:
    an old backup is noticed, and the broker then only reads.

    Args:
        broker: whose database and blobs are replaced.
        folder: the backup.
        replace: also where there is a database already.
        older: also where that database has entries that the backup lacks: they are lost.
        pins: checkpoints that agencies and auditors have kept: they are remembered as if this machine had
            signed them itself, which a new one has not.
    Raises:
        backup-refused, BackupDamagedError: as `read_backup`, a blob is missing, the backup is another broker's
            or another log's, there is a database already or a newer one, or a pin is not one of this log.
        LogInconsistentError, LogKeyMismatchError: the backup is not one of this broker's log.
    """
    manifest = read_backup(folder, snapshot.kind_of(broker.database))
    _refuse_foreign(broker, manifest)
    _refuse_foreign_pins(broker, pins)
    if replace and snapshot.holds_tables(broker.database):
        _refuse_another_history(broker, manifest)
        if not older:
            _refuse_older(broker, manifest)
    if _copy_blobs(FileBlobs(folder / BLOBS), broker.blobs) != manifest.blobs:
        raise BackupDamagedError("the backup has not all blobs that were written")
    copy = folder / snapshot.FILE_NAMES[manifest.database]
    snapshot.load_database(broker.database, copy, broker.settings.state_dir, replace=replace)
    took_checkpoint = not broker.settings.last_checkpoint_file.exists()
    if took_checkpoint:
        remembered = LastCheckpointFile(broker.settings.last_checkpoint_file)
        remembered.advance(manifest.checkpoint.encode())
    _remember_pins(broker, pins)
    return Restored(manifest, _is_rolled_back(broker), took_checkpoint)


def _refuse_foreign(broker: Broker, manifest: BackupManifest) -> None:
    """Refuse a backup of another broker, for which this one's database would be lost."""
    backed_up, own = parse_checkpoint(manifest.checkpoint.encode())[0].origin, broker.log.key.name
    if backed_up != own:
        raise RefusedError(
            BACKUP_REFUSED, f"the backup is one of the log {backed_up}, not of this broker's, {own}"
        )


def _refuse_foreign_pins(broker: Broker, pins: Sequence[bytes]) -> None:
    # Before anything is replaced; which keys the log has had is known only afterwards.
    for note in pins:
        pinned = parse_checkpoint(note)[0].origin
        if pinned != broker.log.key.name:
            raise RefusedError(
                BACKUP_REFUSED, f"a pin is one of the log {pinned}, not of this broker's"
            )


def _refuse_another_history(broker: Broker, manifest: BackupManifest) -> None:
    """Refuse a backup of another log of the same name, while there is a database with what was signed last."""
    try:
        with broker.database.read() as session:
            broker.log.check(session)
            keys = [VerifierKey.from_text(text) for _, text in log_keys(session)]
            is_covered = manifest.log_size <= newest_checkpoint(session).size
            root = root_of_stored(session, manifest.log_size) if is_covered else None
    except (BrokerError, SQLAlchemyError):
        # Not the database that signed last, or a damaged one: the backup cannot be worse.
        return
    try:
        backed_up = open_checkpoint(manifest.checkpoint.encode(), keys)
    except CheckpointError:
        backed_up = None
    if backed_up is None or root not in (None, backed_up.root):
        raise RefusedError(
            BACKUP_REFUSED,
            "the backup's match log has this broker's name, but is not the one that is in the database",
        )


def _refuse_older(broker: Broker, manifest: BackupManifest) -> None:
    """Refuse a backup that lacks what was signed, while there is a database that may have it."""
    try:
        signed = LastCheckpointFile(broker.settings.last_checkpoint_file).read()
    except LastCheckpointMissingError:
        return
    if manifest.log_size < signed.size:
        raise RefusedError(
            BACKUP_REFUSED,
            f"the backup lacks {signed.size - manifest.log_size} entries that this broker has signed since",
            hint="restore a newer one; if there is none, add --older: the database that is there is lost then",
        )


def _remember_pins(broker: Broker, pins: Sequence[bytes]) -> None:
    database = Database(broker.database.url)
    try:
        with database.read() as session:
            keys = [VerifierKey.from_text(text) for _, text in log_keys(session)]
            size = newest_checkpoint(session).size
            for note in pins:
                pinned = _opened_pin(note, [*keys, broker.log.key])
                if 0 < pinned.size <= size and root_of_stored(session, pinned.size) != pinned.root:
                    raise LogInconsistentError("the restored log is not the one that was pinned")
    finally:
        database.close()
    for note in pins:
        LastCheckpointFile(broker.settings.last_checkpoint_file).advance(note)


def _opened_pin(note: bytes, keys: Sequence[VerifierKey]) -> Checkpoint:
    try:
        return open_checkpoint(note, keys)
    except CheckpointError as exc:
        raise RefusedError(
            BACKUP_REFUSED, "a pin is not a checkpoint that this broker's log signed"
        ) from exc


def _is_rolled_back(broker: Broker) -> bool:
    database = Database(broker.database.url)
    try:
        with database.read() as session:
            broker.log.check(session)
    except LogRolledBackError:
        return True
    finally:
        database.close()
    return False


def _backed_up(broker: Broker, folder: Path, damaged: list[str]) -> int:
    target = FileBlobs(folder, reserve_percent=broker.settings.disk_reserve_percent)
    try:
        return _copy_blobs(broker.blobs, target, damaged)
    except StorageFullError as exc:
        raise StorageFullError(
            "the disk of the backup is nearly full, and the backup is not whole",
            hint="remove its folder, and make room there; disk_reserve_percent says how much has to stay free",
        ) from exc


def _copy_blobs(source: BlobStore, target: BlobStore, damaged: list[str] | None = None) -> int:
    """Copy all blobs and return how many there were; damaged ones are named in the list, if there is one."""
    copied = 0
    for digest in source.digests():
        try:
            target.put(source.get(digest))
        except BlobMissingError:
            # Destroyed since it was listed; so was its key.
            continue
        except SealBrokenError:
            if damaged is None:
                raise
            damaged.append(digest)
            continue
        copied += 1
    return copied


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as exc:
        raise BackupDamagedError("the copy of the database cannot be read") from exc
