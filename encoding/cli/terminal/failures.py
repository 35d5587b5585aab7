"""Turns errors into one sentence, one hint and an exit code; what no one expected shows no values either."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import click

from encoding.project.problem_words import describe
from schemas.shared.command_line import complain, tell_click

FAILED: Final = 1


def exit_status(program: str, run: Callable[[], object]) -> None:
    """Run a command and end the process with the exit code of docs/exit-codes.md."""
    sys.exit(_run(program, run))


def _run(program: str, run: Callable[[], object]) -> int:
    try:
        status = run()
    except BrokenPipeError:
        # Anyone who read our output has gone; Python would complain once more when it flushes.
        sys.stdout = None
        return FAILED
    except click.ClickException as exc:
        return tell_click(program, exc)
    except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001 - the last net: no traceback may show a value
        failure = describe(exc)
        complain(program, failure.message, failure.hint)
        return failure.status
    return status if isinstance(status, int) else 0
