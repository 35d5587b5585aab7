"""What can go wrong with the match log.

BrokerError
├── UnavailableError
│   ├── LogAheadError           the newest entry's time was ahead of the clock that decided
│   ├── LogRolledBackError      the database is older than the last checkpoint this broker signed
│   └── LogInconsistentError    the database does not continue the last checkpoint that it holds
├── ConfigurationError
│   ├── LogNotStartedError      there is no log yet
│   ├── LogStartedError         there is one already
│   ├── LogKeyMismatchError     the key at hand is not the one the log is signed with
│   └── LastCheckpointMissingError  the file that remembers the last checkpoint is gone
└── NotFoundError
    └── NotInLogError           no such entry, size or tile
"""

from __future__ import annotations

from typing import Final

from app.errors import ConfigurationError, NotFoundError, Rule, UnavailableError

# It does not verify, or is over something that this log did not sign.
COSIGNATURE_REFUSED: Final = Rule("cosignature-refused", 422, "The cosignature was refused")


class LogAheadError(UnavailableError):
    """The log's newest entry is of a time that this process did not know of when it decided."""

    code = "log-ahead"


class LogRolledBackError(UnavailableError):
    """The database lost entries that were signed for, as an old backup does; nothing more is signed."""

    code = "log-rolled-back"
    title = "The log was rolled back"


class LogInconsistentError(UnavailableError):
    """Somebody changed the stored tree; signing on would contradict what was signed."""

    code = "log-inconsistent"
    title = "The log does not continue its last checkpoint"


class LogNotStartedError(ConfigurationError):
    """The log must be started before anything is written to it."""

    code = "log-not-started"


class LogStartedError(ConfigurationError):
    """A database holds one log, started once."""

    code = "log-started"


class LogKeyMismatchError(ConfigurationError):
    """Checkpoints of this log are signed by another key."""

    code = "log-key-mismatch"


class LastCheckpointMissingError(ConfigurationError):
    """Without that file a rolled back database would go unnoticed."""

    code = "last-checkpoint-missing"


class NotInLogError(NotFoundError):
    """The log has no such entry, checkpoint or tile."""

    code = "not-in-log"
