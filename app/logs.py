"""The operator's log: one JSON object a line on standard error, past-tense events, ids and counts only.

Fields are an allow-list: whatever else someone hands to a logger is dropped, so that no value, encoding or
token gets in by accident. For auditors there is the match log; neither stands in for the other.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

# Ids, counts (`n_...`), codes and measures. A new field is added here, on purpose.
FIELDS: Final = frozenset(
    {
        *("event", "level", "time", "library", "request_id", "run_id", "upload_id", "release_id"),
        *("project", "party", "person", "role", "token_id", "method", "route", "status", "where"),
        *("duration_ms", "duration_s", "error", "code", "stage", "state", "attempt", "kernel"),
        *("size_bytes", "part", "block", "host", "port", "version", "setting", "log_size", "pid"),
    }
)
COUNT_PREFIX: Final = "n_"
MAX_TEXT: Final = 200


def configure_logs(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Send all logging, that of libraries too, to `stream`; None is standard error."""
    stream = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            keep_allowed_fields,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [LibraryHandler()]
    root.setLevel(max(level, logging.WARNING))


def keep_allowed_fields(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every field that is not listed, and every value that is not a short scalar."""
    kept = {name: value for name, value in event.items() if _is_allowed(name, value)}
    if len(kept) < len(event):
        kept["n_fields_dropped"] = len(event) - len(kept)
    return kept


class LibraryHandler(logging.Handler):
    """Passes on what a library logs, without its arguments and exceptions: they may hold values."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the name of the library and the message's pattern."""
        structlog.get_logger().log(
            record.levelno,
            "library_warned",
            library=record.name,
            where=f"{record.filename}:{record.lineno}",
        )


def _is_allowed(name: str, value: object) -> bool:
    if name not in FIELDS and not name.startswith(COUNT_PREFIX):
        return False
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    return value is None or isinstance(value, bool | int | float)
