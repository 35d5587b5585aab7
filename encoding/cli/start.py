"""The first lines of `blindlink`: an interruption while the program still loads is told like any other."""

from __future__ import annotations

import sys


def main() -> None:
    """Load the command line and run it."""
    try:
        from encoding.cli.main import main as blindlink  # noqa: PLC0415 - what is interrupted is this
    except KeyboardInterrupt:
        # What says so elsewhere may be what was being loaded.
        sys.stderr.write("blindlink: error: interrupted; nothing is lost\n")
        sys.exit(1)
    blindlink()
