"""What a backup or a restore is refused for."""

from __future__ import annotations

from typing import Final

from app.errors import Rule

# The folder exists already, or is no backup that this broker can take.
BACKUP_REFUSED: Final = Rule("backup-refused", 409, "Not a usable backup")
# It is incomplete, or its files are not those that were written.
BACKUP_DAMAGED: Final = Rule("backup-damaged", 500, "The backup is damaged")
# What PostgreSQL's own tool says is shown by itself on standard error.
DUMP_FAILED: Final = Rule("dump-failed", 500, "PostgreSQL's backup tool failed")
