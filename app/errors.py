"""Errors of the broker. Every one becomes a problem+json answer or a one-line message of the command line.

BrokerError
├── RequestError (4xx: the request is at fault; nothing was changed)
│   ├── RefusedError (by a row of a slice's table of rules)
│   └── classes in the slice whose rule is broken, where somebody catches them or they carry more
├── UnavailableError (503: try again later)
└── ConfigurationError (the operator's settings are unsafe or do not fit; the broker does not start)

Each class, or row, states one broken rule: `code` is stable, `status` its HTTP status, `detail` one plain
sentence that holds nothing of the input. Docstrings name a row by its code.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path


class BrokerError(Exception):
    """The root; `str(error)` is the sentence a person reads."""

    code: str = "internal"
    status: int = 500
    title: str = "The broker could not do this"
    # What strangers are told in place of the sentence and the hint; None: both.
    public: str | None = None

    def __init__(self, detail: str, *, clause: str | None = None, hint: str | None = None) -> None:
        """Take the sentence for people, the clause of the terms that forbids it, and what to do instead."""
        super().__init__(detail)
        self.detail = detail
        self.clause = clause
        self.hint = hint


class RequestError(BrokerError):
    """The request breaks a rule; it changed nothing."""

    code = "bad-request"
    status = 400
    title = "The request breaks a rule"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that a request may break: its stable code, the HTTP status, and the title of the refusal."""

    code: str
    status: int
    title: str


class RefusedError(RequestError):
    """The request breaks a rule of a table."""

    def __init__(
        self, rule: Rule, detail: str, *, clause: str | None = None, hint: str | None = None
    ) -> None:
        """Take the rule, the sentence for people, the clause of the terms, and what to do instead."""
        super().__init__(detail, clause=clause, hint=hint)
        self.code, self.status, self.title = rule.code, rule.status, rule.title


class NotFoundError(RequestError):
    """There is no such thing, or it is not the caller's to see: both answer alike."""

    code = "not-found"
    status = 404
    title = "Not found"


class UnavailableError(BrokerError):
    """The broker cannot serve this now, but may later."""

    code = "unavailable"
    status = 503
    title = "Try again later"


class ConfigurationError(BrokerError):
    """A setting is missing, unsafe, or does not fit what is stored."""

    code = "configuration"
    status = 500
    title = "The broker is not configured"


def place_of(error: BaseException) -> str:
    """Return where an exception was raised, innermost frame last, without any message or value.

    For logs: the message of a foreign exception may quote the input.
    """
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
