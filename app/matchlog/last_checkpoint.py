"""The file that remembers the newest checkpoint outside the database and its backups.

A database restored from an old backup would let the log sign a second history. Before each append the
file is compared with the database: what was signed must still be there.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.durable import write_new
from app.errors import ConfigurationError
from app.matchlog.errors import LastCheckpointMissingError
from schemas.errors import CheckpointError
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoints, serialise_checkpoints

_PENDING = "matchlog_pending_checkpoint"


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
            ((checkpoint, _),) = parse_checkpoints(self.path.read_bytes())
        except FileNotFoundError as exc:
            raise LastCheckpointMissingError(
                "the file that remembers the log's last checkpoint is gone",
                hint="put it back; it lies outside the database's backups",
            ) from exc
        except (CheckpointError, ValueError) as exc:
            raise ConfigurationError(
                "the file that remembers the log's last checkpoint cannot be read"
            ) from exc
        return checkpoint

    def advance(self, note: bytes) -> None:
        """Remember a committed checkpoint durably, unless a larger one is remembered already.

        Two processes that do this at once may leave the smaller one until the next commit; that only
        makes the memory a moment older.
        """
        ((checkpoint, _),) = parse_checkpoints(serialise_checkpoints([note]))
        with self._lock:
            if not self.path.exists() or self.read().size < checkpoint.size:
                self._replace(serialise_checkpoints([note]))

    def advance_after_commit(self, session: Session, note: bytes) -> None:
        """Remember the checkpoint once, and only if, the session's transaction commits."""
        if _PENDING not in session.info:
            event.listen(session, "after_commit", self._committed)
            event.listen(session, "after_soft_rollback", _forget)
        session.info[_PENDING] = note

    def _replace(self, content: bytes) -> None:
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        beside.unlink(missing_ok=True)
        write_new(beside, content)
        # The folder is not synced: after a power cut the file may be the one before, which is as good as a
        # commit ago, and every append would wait for the disk once more.
        beside.replace(self.path)

    def _committed(self, session: Session) -> None:
        note = session.info.get(_PENDING)
        if note is not None:
            session.info[_PENDING] = None
            self.advance(note)


def _forget(session: Session, _transaction: object) -> None:
    session.info[_PENDING] = None
