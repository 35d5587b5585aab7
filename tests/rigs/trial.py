"""`blindlink trial`, typed in a folder on the day of the rehearsals."""

from __future__ import annotations

from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner, Result

from encoding.cli.main import main
from encoding.project.session import Session


def try_here(folder: Path, *words: str, answers: str = "") -> Result:
    """Type the command, and answer what it asks."""
    session = Session(now=lambda: datetime(2026, 11, 20, tzinfo=UTC))
    with chdir(folder):
        return CliRunner().invoke(main, ["trial", *words], obj=session, input=answers)
