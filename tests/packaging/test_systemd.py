"""The units of systemd are such as systemd takes, give little away, and call commands that there are."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from rigs.broker_processes import command_path
from services.requirement import missing

from app.cli.main import main
from app.settings import Settings, is_loopback, read_settings

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "install" / "systemd"
OPERATOR = (ROOT / "docs" / "operator.md").read_text("utf-8")
SERVICES = sorted(UNITS.glob("*.service"))
INSTALLED = "/opt/blindlink/bin/blindlink-broker"
# Of 10: systemd calls up to 2 safe, and what reaches the network can hardly come below 1.
MOST_EXPOSURE = 1.3


def lines_of(unit: Path, key: str) -> list[str]:
    """Return what a unit says under a key, and what it proposes in a comment."""
    return re.findall(rf"(?m)^(?:# )?{key}=(.*)$", unit.read_text("utf-8"))


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze is not installed")
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


def parse(arguments: list[str]) -> dict[str, Any]:
    """Let the broker's command line read these arguments, down to the last command, and run nothing.

    Returns:
        The last command's parameters.
    """
    command: click.Command = main
    context: click.Context | None = None
    while isinstance(command, click.Group):
        context = command.make_context(command.name, list(arguments), parent=context)
        given = [*context._protected_args, *context.args]
        name, found, arguments = command.resolve_command(context, given)
        assert name is not None
        assert found is not None
        command = found
    return command.make_context(command.name, arguments, parent=context).params


def section(title: str) -> str:
    """Return a section of the operator's guide."""
    return OPERATOR.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_systemd_finds_nothing_wrong_with_them(tmp_path: Path) -> None:
    copies = []
    for unit in UNITS.glob("blindlink-*"):
        copy = tmp_path / unit.name
        copy.write_text(
            unit.read_text("utf-8").replace(INSTALLED, command_path("blindlink-broker"))
        )
        copies.append(str(copy))
    assert len(copies) > len(SERVICES) == 4
    done = analyze("verify", *copies)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_a_service_may_do_is_little() -> None:
    threshold = round(10 * MOST_EXPOSURE)
    for unit in SERVICES:
        done = analyze("security", "--offline=true", f"--threshold={threshold}", str(unit))
        assert done.returncode == 0, done.stdout[-300:]


def test_what_a_service_calls_is_a_command_with_these_options() -> None:
    for unit in SERVICES:
        started = [shlex.split(line) for line in lines_of(unit, "ExecStart")]
        assert started, unit.name
        for words in started:
            is_script = words[:2] == ["/bin/sh", "-c"]
            commands = re.findall(rf"{INSTALLED} [^;&]+", words[2]) if is_script else []
            for command in map(shlex.split, commands) if is_script else (words,):
                assert command[0] == INSTALLED, unit.name
                parse(command[1:])
    with pytest.raises(click.NoSuchOption):
        parse(["work", "--task", "4", "--nothing"])
    with pytest.raises(click.UsageError):
        parse(["works"])


def test_it_serves_where_the_settings_say_that_stand_beside_it(tmp_path: Path) -> None:
    """Behind a proxy on loopback alone, else callers come past it; without one, wherever they call from."""
    (started,) = map(shlex.split, lines_of(UNITS / "blindlink-serve.service", "ExecStart"))
    options = parse(started[1:])

    def host(settings: str) -> str:
        (tmp_path / "broker.toml").write_text(settings)
        return read_settings(tmp_path, host=options["host"], port=options["port"]).host

    behind = re.findall(r"```toml\n(.*?)```", section("Behind a proxy"), re.DOTALL)
    assert [is_loopback(host(one)) for one in behind] == [True, True]
    # What `init` has written there is to be replaced.
    assert all("host" in tomllib.loads(one) for one in behind)
    (founding,) = re.findall(
        r"blindlink-broker (--state .* init .*)", section("By systemd").replace("\\\n", "")
    )
    assert host(f'host = "{parse(shlex.split(founding))["host"]}"') == "0.0.0.0"


def test_old_copies_of_keys_go_also_while_the_backup_fails(tmp_path: Path) -> None:
    (line,) = lines_of(UNITS / "blindlink-backup.service", "ExecStart")
    for failing in ("nothing", "backup", "backup-keys"):
        broker, called = tmp_path / failing, tmp_path / f"{failing}-called"
        broker.write_text(f'#!/bin/sh\necho "$1" >>"{called}"\n[ "$1" != {failing} ]\n')
        broker.chmod(0o700)
        typed = line.replace(INSTALLED, str(broker)).replace("$$", "$").replace("%%", "%")
        done = subprocess.run(shlex.split(typed), check=False)
        assert called.read_text().split() == ["backup", "backup-keys"], failing
        assert (done.returncode == 0) == (failing == "nothing"), failing


def test_what_a_service_sets_is_a_setting_and_each_secret_comes_as_a_credential() -> None:
    for unit in SERVICES:
        given = dict(
            one.split("=", 1) for line in lines_of(unit, "Environment") for one in line.split()
        )
        names = {name.removeprefix("BLINDLINK_").lower() for name in given}
        # By this SoftHSM finds its tokens.
        assert names <= {*Settings.model_fields, "softhsm2_conf"}, unit.name
        credentials = {line.partition(":")[0] for line in lines_of(unit, "LoadCredential")}
        files = {value for name, value in given.items() if name.endswith("_FILE")}
        assert files == {f"%d/{name}" for name in credentials}, unit.name


def test_what_strangers_make_large_leaves_memory_for_the_others() -> None:
    assert lines_of(UNITS / "blindlink-anonlink.service", "MemoryMax") == ["75%"]
