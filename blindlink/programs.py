"""The first lines of `blindlink`, `blindlink-broker` and `blindlink-audit`.

Many projects have a folder named `app`. If PYTHONPATH names one, Python would take it in place of the broker's.
So the three packages are loaded here, by their place, before anything else looks for them.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Final

PACKAGES: Final = ("app", "encoding", "schemas")


def _load_own() -> None:
    beside = str(Path(__file__).resolve().parents[1])
    sys.path.insert(0, beside)
    try:
        for name in PACKAGES:
            importlib.import_module(name)
    finally:
        sys.path.remove(beside)


# At import: processes that a program starts load this module again, and their modules after it.
_load_own()


def agency() -> None:
    """Run `blindlink`; an interruption while the program still loads is told like any other."""
    try:
        from encoding.cli.main import main  # noqa: PLC0415 - what is interrupted is this
    except KeyboardInterrupt:
        # What says so elsewhere may be what was being loaded.
        sys.stderr.write("blindlink: error: interrupted; nothing is lost\n")
        sys.exit(1)
    main()


def broker() -> None:
    """Run `blindlink-broker`."""
    from app.cli.main import main  # noqa: PLC0415 - as above

    main()


def auditor() -> None:
    """Run `blindlink-audit`."""
    from app.auditor.cli import main  # noqa: PLC0415 - as above

    main()
