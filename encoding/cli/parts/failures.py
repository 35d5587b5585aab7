"""Turns errors into one sentence, one hint and an exit code; what no one expected shows no values either."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import click

from encoding.errors import AgencyError
from schemas.documents.errors import FormatError
from schemas.documents.printable import printable
from schemas.shared.command_line import complain, tell_click

FAILED: Final = 1


def exit_status(program: str, run: Callable[[], object]) -> None:
    """Run a command and end the process with the exit code of docs/exit-codes.md."""
    sys.exit(_run(program, run))


def message_of(exc: Exception) -> str:
    """Return what is said of an error, without a value of anybody's."""
    return printable(_describe(exc).message)


def _run(program: str, run: Callable[[], object]) -> int:
    try:
        status = run()
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes.
        sys.stdout = None
        return FAILED
    except click.ClickException as exc:
        return tell_click(program, exc)
    except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001 - the last net: no traceback may show a value
        failure = _describe(exc)
        complain(program, failure.message, failure.hint)
        return failure.status
    return status if isinstance(status, int) else 0


class _Failure(NamedTuple):
    message: str
    hint: str | None
    status: int = FAILED


def _describe(exc: BaseException) -> _Failure:
    match exc:
        case AgencyError():
            return _Failure(str(exc), exc.hint, exc.exit_code)
        case click.Abort() | KeyboardInterrupt():
            return _Failure("interrupted; nothing is lost", None)
        case OSError(strerror=str(reason)):
            where = f" ({exc.filename})" if isinstance(exc.filename, str) else ""
            return _Failure(f"{reason.lower()}{where}", None)
    return _describe_unexpected(exc)


def _describe_unexpected(exc: BaseException) -> _Failure:
    if isinstance(exc, FormatError):
        return _Failure(str(exc), None)
    # Not the message: it may hold a cell. The place is enough to find the fault.
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    place = f"{frame.name}, line {frame.lineno} of {Path(frame.filename).name}"
    return _Failure(
        f"internal error: {type(exc).__name__} in {place}",
        "this is a bug; report this line, which has none of your data in it",
    )
