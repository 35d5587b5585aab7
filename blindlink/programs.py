"""The first lines of `blindlink`, `blindlink-broker` and `blindlink-audit`.

The package `blindlink` has loaded the packages that they need by their place: docs/adr/0102.
"""

from __future__ import annotations

import sys


def agency() -> None:
    """Run `blindlink`; an interruption while the program still loads is told like any other."""
    try:
        from encoding.cli.main import main  # noqa: PLC0415 - what is interrupted is this
    except KeyboardInterrupt:
        # What says so elsewhere may be what was being loaded.
        sys.stderr.write("blindlink: error: interrupted; nothing is lost\n")
        sys.exit(130)
    main()


def broker() -> None:
    """Run `blindlink-broker`."""
    from app.cli.main import main  # noqa: PLC0415 - as above

    main()


def auditor() -> None:
    """Run `blindlink-audit`."""
    from app.auditor.cli import main  # noqa: PLC0415 - as above

    main()
