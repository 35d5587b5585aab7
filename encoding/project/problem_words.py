"""What is said of an error: one sentence and one hint; what no one expected shows no values either."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import NamedTuple

import click

from encoding.errors import ALARM, AgencyError, OtherStateError
from schemas.documents.errors import FormatError, other_version_behind
from schemas.documents.printable import printable
from schemas.shared.command_line import said_of_stop


class Failure(NamedTuple):
    """What is said of an error: a sentence, a hint, an exit code."""

    message: str
    hint: str | None
    status: int = 1


def describe(exc: BaseException) -> Failure:
    """Return what is said of an error; of one that no one expected, no value."""
    match exc:
        case AgencyError():
            told = as_told(exc)
            return Failure(str(told), told.hint, told.exit_code)
        case click.Abort() | KeyboardInterrupt():
            return Failure(*said_of_stop(exc))
        case OSError(strerror=str(reason)):
            where = f" ({exc.filename})" if isinstance(exc.filename, str) else ""
            return Failure(f"{reason.lower()}{where}", None)
    return _describe_unexpected(exc)


def as_told(exc: AgencyError) -> AgencyError:
    """Return an error; one that is no alarm and comes of a document of another version names that version."""
    other = other_version_behind(exc)
    if other is None or exc.exit_code == ALARM:
        return exc
    told = OtherStateError(str(other), hint=other.hint)
    told.exit_code = exc.exit_code
    return told


def _describe_unexpected(exc: BaseException) -> Failure:
    if isinstance(exc, FormatError):
        return Failure(str(exc), getattr(exc, "hint", None))
    # Not the message: it may hold a cell. The place is enough to find the fault.
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    place = f"{frame.name}, line {frame.lineno} of {Path(frame.filename).name}"
    return Failure(
        f"internal error: {type(exc).__name__} in {place}",
        "this is a bug; report this line, which has none of your data in it",
    )


def message_of(exc: Exception) -> str:
    """Return what is said of an error, without a value of anybody's."""
    return printable(describe(exc).message)
