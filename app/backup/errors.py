"""What a backup or a restore is refused for."""

from __future__ import annotations

from app.errors import BrokerError, RequestError


class BackupRefusedError(RequestError):
    """The folder cannot be what is asked: it exists already, or is no backup that this broker can take."""

    code = "backup-refused"
    status = 409
    title = "Not a usable backup"


class BackupDamagedError(BrokerError):
    """A backup is incomplete, or its files are not those that were written."""

    code = "backup-damaged"
    title = "The backup is damaged"


class DumpFailedError(BrokerError):
    """PostgreSQL's own tool failed; what it says is shown by itself on standard error."""

    code = "dump-failed"
    title = "PostgreSQL's backup tool failed"
