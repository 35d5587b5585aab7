"""The operator's commands in this process, on an embedded database of the test's own."""

from __future__ import annotations

import shutil
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


@pytest.fixture(scope="session")
def founded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a broker that nothing was done to since it was founded."""
    state = tmp_path_factory.mktemp("founded") / "state"
    lay_tables(Settings(state_dir=state))
    words = ["--state", str(state), "init", "--self-signed"]
    assert CliRunner().invoke(main, words).exit_code == 0
    return state


@pytest.fixture
def broker(command: Command, state: Path, founded_once: Path) -> Command:
    """The same, once a broker is founded: a copy of one that was."""
    shutil.copytree(founded_once, state)
    return command
