"""What a terminal takes: colour, and one line at its foot that is written over. Elsewhere there is neither."""

from __future__ import annotations

import os
import sys
import threading
from typing import Final, TextIO

WIDTH: Final = 80
_drawn: int = 0
# A bar goes on by itself while something else is said.
_turn: Final = threading.Lock()


def is_terminal(stream: TextIO) -> bool:
    """Tell whether someone looks at a stream, on something that can go back in a line."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def takes_colour(stream: TextIO) -> bool:
    """Tell whether colour may be written to a stream; NO_COLOR forbids it (no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def width() -> int:
    """Return how many columns the terminal of the error output has; 80 where it does not say."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH


def draw(line: str) -> None:
    """Write a line over the one that was drawn before; does nothing where nobody looks."""
    global _drawn  # noqa: PLW0603 - there is one terminal, and one line at its foot
    if not is_terminal(sys.stderr):
        return
    # One column less: in the last one some terminals go on to the next line.
    shown = line[: width() - 1]
    with _turn:
        sys.stderr.write(f"\r{shown.ljust(_drawn)}")
        sys.stderr.flush()
        _drawn = len(shown)


def clear() -> None:
    """Take away the line that was drawn, if one was: before anything else is written, and at the end."""
    global _drawn  # noqa: PLW0603 - as above
    with _turn:
        if _drawn:
            sys.stderr.write(f"\r{' ' * _drawn}\r")
            sys.stderr.flush()
            _drawn = 0
