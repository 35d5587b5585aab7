"""The three commands are installed, answer at once, and the agency's two need nothing of the broker's."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("blindlink", "blindlink-broker", "blindlink-audit")

# Each of these alone costs a tenth of a second or more to import.
HEAVY = ("numpy", "clkhash", "pydantic", "httpx2", "cryptography", "pyarrow")
SERVER = (
    "fastapi",
    "sqlalchemy",
    "uvicorn",
    "starlette",
    "alembic",
    "psycopg",
    "prometheus_client",
)

# Runs a command as its script does, then prints on standard error which modules that has loaded.
TRACED = """
import sys
from importlib.metadata import entry_points
name, *arguments = sys.argv[1:]
sys.argv = [name, *arguments]
(script,) = entry_points(group="console_scripts", name=name)
status = 0
try:
    status = script.load()()
except SystemExit as ended:
    status = ended.code
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(status)
"""

GROUPS = {
    "blindlink": "encoding.cli.main",
    "blindlink-broker": "app.cli.main",
    "blindlink-audit": "app.auditor.cli",
}
# What no help loads, of whatever command: it only computes, or serves.
NOT_FOR_HELP = ("numpy", "clkhash", "pyarrow", "scipy", *SERVER)

# Asks one command after another for help, and prints each command's name, then which modules that has loaded.
HELPED = """
import contextlib, importlib, io, sys
import click

def walk(command, words):
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        group.main([*words, "--help"], prog_name="x", standalone_mode=False)
    assert printed.getvalue().startswith("Usage: x"), words
    print(*words, file=sys.stdout)
    if isinstance(command, click.Group):
        context = click.Context(command)
        names = command.list_commands(context)
        listed = [line.split(None, 1) for line in printed.getvalue().splitlines() if line[:2] == "  "]
        said = {line[0]: line[1] for line in listed if len(line) == 2}
        for name in names:
            # One line for each, which is a sentence and not the beginning of one.
            assert said[name].endswith(".") and not said[name].endswith("..."), (words, name, said[name])
            walk(command.get_command(context, name), [*words, name])

group = importlib.import_module(sys.argv[1]).main
walk(group, [])
print(*sorted(sys.modules), file=sys.stderr)
"""


def run_traced(*command: str) -> tuple[str, set[str]]:
    """Run a command in a process of its own; return what it printed, and the modules it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", TRACED, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(done.stderr.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_the_command_and_its_subcommands_and_loads_nothing_heavy(command: str) -> None:
    text, modules = run_traced(command, "--help")
    assert f"Usage: {command} " in text
    headings = [line for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings[0] == "Options:"
    assert len(headings) > 3
    assert modules.isdisjoint(HEAVY + SERVER)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_loads_nothing_that_computes_or_serves(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HELPED, GROUPS[command]],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 10
    assert set(done.stderr.split()).isdisjoint(NOT_FOR_HELP)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_shell_that_completes_a_command_loads_nothing_heavy(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"_{command.upper().replace('-', '_')}_COMPLETE", "fish_complete")
    monkeypatch.setenv("COMP_WORDS", f"{command} ")
    monkeypatch.setenv("COMP_CWORD", "")
    text, modules = run_traced(command)
    assert "plain,page-link\t" in text or "plain,upload\t" in text
    assert modules.isdisjoint(HEAVY + SERVER)


@pytest.mark.parametrize("command", COMMANDS)
def test_version_is_that_of_the_project(command: str) -> None:
    text, modules = run_traced(command, "--version")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] in text
    assert modules.isdisjoint(HEAVY + SERVER)


def test_every_command_of_the_project_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = {script.name: script.value for script in entry_points(group="console_scripts")}
    named = (*COMMANDS, "blindlink-verify")
    assert {name: installed.get(name) for name in named} == project["scripts"]


@pytest.mark.parametrize(
    "package",
    [
        "encoding",
        "app.auditor",
        "schemas",
        *(f"app.extras.{one}" for one in ("exhaustive", "incidents", "sampling", "watch")),
    ],
)
def test_a_package_of_the_base_install_loads_no_server(package: str) -> None:
    code = (
        "import importlib, pkgutil, sys; top = importlib.import_module(sys.argv[1]);"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(top.__path__, top.__name__ + '.')];"
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, package],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert set(loaded.stdout.split()).isdisjoint(SERVER)
