"""What a backup or a restore is refused for, and how it can fail."""

from __future__ import annotations

from typing import Final

from app.errors import BrokerError, Rule

# The folder exists already, or is no backup that this broker can take.
BACKUP_REFUSED: Final = Rule("backup-refused", 409, "The backup cannot be used")


class BackupDamagedError(BrokerError):
    """A backup is incomplete, or its files are not those that were written."""

    code = "backup-damaged"
    title = "The backup is damaged"


class DumpFailedError(BrokerError):
    """PostgreSQL's own tool failed; what it says is shown by itself on standard error."""

    code = "dump-failed"
    title = "PostgreSQL's backup tool failed"
