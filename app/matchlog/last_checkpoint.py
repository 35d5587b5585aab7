"""The file that remembers the newest checkpoint outside the database and its backups.

A database restored from an old backup would let the log sign a second history. Before each append the
file is compared with the database: what was signed must still be there.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from app.durable import storing, write_durably
from app.errors import ConfigurationError, LastCheckpointMissingError
from schemas.documents.errors import CheckpointError
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoints, serialise_checkpoints

SECTOR_BYTES: Final = 512

_PENDING: Final = "matchlog_pending_checkpoint"


class LastCheckpointFile:
    """One file with one checkpoint in the form of a pin, so that it can be handed to an auditor as one."""

    def __init__(self, path: Path) -> None:
        """Use this path; nothing is read or written yet."""
        self.path = path
        self._lock = threading.Lock()

    def read(self) -> Checkpoint:
        """Return the checkpoint that was signed last, as far as this file knows.

        Raises:
            LastCheckpointMissingError: there is no such file.
            ConfigurationError: it is not a file of one checkpoint.
        """
        try:
            return self._parse()
        except (CheckpointError, ValueError, OSError):
            # Another process may have been writing; what it wrote is there now.
            pass
        try:
            return self._parse()
        except (CheckpointError, ValueError, OSError) as exc:
            raise ConfigurationError(
                "the file that remembers the log's last checkpoint cannot be read",
                hint="if it belongs to the account that runs the broker, it is damaged: "
                "docs/operator.md#if-something-is-wrong",
            ) from exc

    def advance(self, note: bytes) -> None:
        """Remember a committed checkpoint durably, unless a larger one is remembered already.

        Two processes that do this at once may leave the smaller one until the next commit; that only
        makes the memory a moment older.
        """
        ((checkpoint, _),) = parse_checkpoints(serialise_checkpoints([note]))
        with self._lock:
            if not self.path.exists() or self.read().size < checkpoint.size:
                self._write(serialise_checkpoints([note]))

    def advance_after_commit(self, session: Session, note: bytes) -> None:
        """Remember the checkpoint once, and only if, the session's transaction commits.

        The commit raises StorageFullError where the file cannot be written; it is a commit all the same.
        """
        if _PENDING not in session.info:
            session.info[_PENDING] = []
            event.listen(session, "after_commit", self._committed)
            event.listen(session, "after_soft_rollback", _forget)
        session.info[_PENDING].append((note, session.in_nested_transaction()))

    def _parse(self) -> Checkpoint:
        try:
            ((checkpoint, _),) = parse_checkpoints(self.path.read_bytes())
        except FileNotFoundError as exc:
            raise LastCheckpointMissingError(
                "the file that remembers the log's last checkpoint is gone",
                hint="put it back; if it is lost: docs/operator.md#if-something-is-wrong",
            ) from exc
        return checkpoint

    def _write(self, content: bytes) -> None:
        if self._fits_in_place(content):
            with self.path.open("r+b", buffering=0) as file:
                file.write(content)
                os.fsync(file.fileno())
        else:
            write_durably(self.path, content)

    def _fits_in_place(self, content: bytes) -> bool:
        # A disk writes a sector wholly or not at all, so a file of one sector and unchanged length is always
        # the old one or the new. Replacing it would make every commit wait for the disk a third time.
        try:
            return len(content) == self.path.stat().st_size <= SECTOR_BYTES
        except FileNotFoundError:
            return False

    def _committed(self, session: Session) -> None:
        # The event also comes when a savepoint is released, and what is signed by then may still be undone.
        if session.in_nested_transaction() or not session.info[_PENDING]:
            return
        note, _ = session.info[_PENDING][-1]
        session.info[_PENDING] = []
        # What is committed stays so, and is caught up with; anyone who asked is told to ask again.
        with storing():
            self.advance(note)


def _forget(session: Session, undone: SessionTransaction) -> None:
    """Forget what is no longer signed: of a savepoint that is undone, what was signed within savepoints."""
    session.info[_PENDING] = [
        (note, is_nested)
        for note, is_nested in session.info[_PENDING]
        if undone.nested and not is_nested
    ]
