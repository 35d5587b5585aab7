"""A database that lost what was signed is noticed before anything more is signed."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rigs.linkage import either_database
from samples.log_drafts import NEXT_SIGNER, SIGNER, enrolment
from sqlalchemy import text

from app.db import Base, Database
from app.errors import (
    ConfigurationError,
    LastCheckpointMissingError,
    LogInconsistentError,
    LogRolledBackError,
    StorageFullError,
)
from app.matchlog.last_checkpoint import LastCheckpointFile
from app.matchlog.proofs import newest_checkpoint
from app.matchlog.service import MatchLog
from schemas.matchlog.checkpoint import (
    Checkpoint,
    parse_checkpoints,
    serialise_checkpoints,
    sign_checkpoint,
)
from schemas.signing.note import NoteSigner

__all__ = ["either_database"]


def append(database: Database, log: MatchLog, number: int = 1) -> None:
    with database.write() as session:
        log.append(session, [enrolment(number)])


def refuses(database: Database, log: MatchLog, error: type[Exception]) -> None:
    with pytest.raises(error), database.write() as session:
        log.append(session, [enrolment(99)])
    with pytest.raises(error), database.read() as session:
        log.check(session)


def write(last: LastCheckpointFile, size: int, root: bytes, signer: NoteSigner = SIGNER) -> None:
    note = sign_checkpoint(Checkpoint(signer.name, size, root), signer)
    last.path.write_bytes(serialise_checkpoints([note]))


def test_the_file_follows_each_commit_and_is_a_pin(
    database: Database, log: MatchLog, last_checkpoint: LastCheckpointFile
) -> None:
    for number in range(3):
        append(database, log, number)
        with database.read() as session:
            newest = newest_checkpoint(session)
        raw = last_checkpoint.path.read_bytes()
        assert raw == serialise_checkpoints([newest.note])
        assert len(parse_checkpoints(raw)) == 1


@pytest.mark.campaign("disk")
def test_a_file_that_cannot_be_written_is_said_so_and_caught_up_with(
    database: Database,
    log: MatchLog,
    last_checkpoint: LastCheckpointFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: LastCheckpointFile, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = last_checkpoint.read()
    with monkeypatch.context() as patched:
        patched.setattr(LastCheckpointFile, "_write", fail)
        with pytest.raises(StorageFullError):
            append(database, log)
    assert last_checkpoint.read() == before
    append(database, log, 2)
    assert last_checkpoint.read().size == before.size + 2


def test_a_transaction_or_savepoint_that_is_rolled_back_leaves_the_file_as_it_was(
    database: Database, log: MatchLog, last_checkpoint: LastCheckpointFile
) -> None:
    before = last_checkpoint.path.read_bytes()
    with database.write() as session:
        log.append(session, [enrolment(1)])
        # A released savepoint is no commit.
        session.begin_nested().commit()
        assert last_checkpoint.path.read_bytes() == before
        session.rollback()
    assert last_checkpoint.path.read_bytes() == before
    # A savepoint that is rolled back takes nothing from the commit around it, and leaves the log usable.
    with database.write() as session:
        log.append(session, [enrolment(1)])
        savepoint = session.begin_nested()
        log.append(session, [enrolment(2)])
        savepoint.rollback()
    with database.read() as session:
        newest = newest_checkpoint(session)
    assert last_checkpoint.path.read_bytes() == serialise_checkpoints([newest.note])
    append(database, log, 3)
    with database.read() as session:
        log.check(session)
        assert newest_checkpoint(session).size == 3


def test_an_old_backup_is_noticed(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    tables = [table for name, table in Base.metadata.tables.items() if name.startswith("log_")]
    Base.metadata.create_all(database.engine, tables=tables)
    log = MatchLog(SIGNER, LastCheckpointFile(tmp_path / "last-checkpoint"))
    with database.write() as session:
        log.start(session, "blindlink-0.1.0")
    append(database, log)
    database.close()
    path = Path(database.url.database or "")
    backup = shutil.copy(path, tmp_path / "backup.db")
    append(database, log, 2)
    database.close()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copy(backup, path)
    refuses(database, log, LogRolledBackError)
    database.close()


def test_a_file_that_does_not_tell_of_this_log_stops_it_and_one_that_is_behind_is_caught_up_with(
    database: Database, log: MatchLog, last_checkpoint: LastCheckpointFile
) -> None:
    path = last_checkpoint.path
    append(database, log, 1)
    behind = path.read_bytes()
    append(database, log, 2)
    append(database, log, 3)
    other = NoteSigner("other.example/log", NEXT_SIGNER.private_key)
    for size, signer, error in (
        (5, SIGNER, LogRolledBackError),
        (1, SIGNER, LogInconsistentError),
        (3, SIGNER, LogInconsistentError),
        (4, SIGNER, LogInconsistentError),
        (1, other, ConfigurationError),
    ):
        write(last_checkpoint, size, bytes(32), signer)
        refuses(database, log, error)
    for raw in (b"", b"x", b"blindlink/checkpoints/1\n"):
        path.write_bytes(raw)
        refuses(database, log, ConfigurationError)
    path.unlink()
    refuses(database, log, LastCheckpointMissingError)
    # As one that root has written; root itself may read every file, but no folder in the place of one.
    path.mkdir()
    refuses(database, log, ConfigurationError)
    path.rmdir()
    path.write_bytes(behind)
    append(database, log, 4)
    assert last_checkpoint.read().size == 5


def test_a_crash_before_the_files_first_write_does_not_stop_the_log(
    database: Database, log: MatchLog, last_checkpoint: LastCheckpointFile
) -> None:
    last_checkpoint.path.unlink()
    append(database, log)
    assert last_checkpoint.read().size == 2


def test_a_new_log_is_not_started_beside_the_memory_of_an_old_one(
    database: Database, last_checkpoint: LastCheckpointFile
) -> None:
    write(last_checkpoint, 5, bytes(32))
    log = MatchLog(SIGNER, last_checkpoint)
    with pytest.raises(LogRolledBackError), database.write() as session:
        log.start(session, "blindlink-0.1.0")


def test_the_file_is_right_whether_its_length_changes_or_not_and_never_goes_back(
    last_checkpoint: LastCheckpointFile,
) -> None:
    for size in (8, 9, 10, 11, 99, 100, 12345, 12346):
        note = sign_checkpoint(Checkpoint(SIGNER.name, size, bytes(32)), SIGNER)
        last_checkpoint.advance(note)
        assert last_checkpoint.path.read_bytes() == serialise_checkpoints([note])
    assert [path.name for path in last_checkpoint.path.parent.iterdir()] == ["last-checkpoint"]
    last_checkpoint.advance(sign_checkpoint(Checkpoint(SIGNER.name, 12345, bytes(32)), SIGNER))
    assert last_checkpoint.read().size == 12346


def test_a_head_that_was_changed_is_not_signed_on(database: Database, log: MatchLog) -> None:
    append(database, log)
    unchecked = MatchLog(SIGNER)
    for frontier in (
        "frontier = (SELECT leaf_hash FROM log_leaf WHERE seq = 0)",
        "size = 1, frontier = (SELECT leaf_hash FROM log_leaf WHERE seq = 1)",
    ):
        with database.write() as session:
            session.execute(text(f"UPDATE log_head SET {frontier}"))
        with pytest.raises(LogInconsistentError), database.write() as session:
            unchecked.append(session, [enrolment(2)])


class Overtaken(LastCheckpointFile):
    """Another process commits just while this one looks at the file."""

    def __init__(self, path: Path, commit: Callable[[], object]) -> None:
        super().__init__(path)
        self._commit = commit

    def read(self) -> Checkpoint:
        self._commit()
        return super().read()


def test_a_commit_at_the_same_moment_is_not_taken_for_a_rollback(
    database: Database, log: MatchLog, last_checkpoint: LastCheckpointFile
) -> None:
    def commit() -> None:
        with database.write() as session:
            log.append(session, [enrolment(1)])

    overtaken = MatchLog(SIGNER, Overtaken(last_checkpoint.path, commit))
    with database.read() as session:
        overtaken.check(session)


def test_a_database_from_before_a_new_key_is_said_to_be_older_not_to_have_another_key(
    database: Database, log: MatchLog, last_checkpoint: LastCheckpointFile
) -> None:
    append(database, log)
    write(last_checkpoint, 100, bytes(32))
    refuses(database, MatchLog(NEXT_SIGNER, last_checkpoint), LogRolledBackError)
