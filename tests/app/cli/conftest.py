"""The operator's commands in this process, on an embedded database of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from services.migrated import lay_tables

from app.cli.main import main
from app.settings import Settings

Command = Callable[..., Result]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def command(state: Path) -> Command:
    """Run a command on the state folder; what it prints is in `stdout` and `stderr`."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["--state", str(state), *arguments])

    return run


@pytest.fixture
def broker(command: Command, state: Path) -> Command:
    """The same, once a broker is founded."""
    lay_tables(Settings(state_dir=state))
    assert command("init", "--self-signed").exit_code == 0
    return command
