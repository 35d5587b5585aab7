"""The agency's and the auditor's side run where POSIX does not: all their modules come up without it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_POSIX = ROOT / "tests" / "services" / "without_posix"

IMPORT_ALL = """
import importlib, pkgutil, sys
name = sys.argv[1]
package = importlib.import_module(name)
names = [found.name for found in pkgutil.walk_packages(package.__path__, name + ".")]
for found in names:
    importlib.import_module(found)
print(len(names))
"""


@contextlib.contextmanager
def started_without_posix(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start this Python as it would start on Windows, as far as missing modules go; interrupt it at the end."""
    environment = os.environ | {"PYTHONPATH": f"{WITHOUT_POSIX}{os.pathsep}{ROOT}"}
    command = [
        sys.executable,
        "-W",
        "error",
        "-W",
        "ignore:pkg_resources is deprecated",
        *arguments,
    ]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            # Not killed: a demo ends the broker and the worker that it started.
            process.send_signal(signal.SIGINT)


def run_without_posix(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run it to its end, for so long at most."""
    with started_without_posix(*arguments) as process:
        printed, complained = process.communicate(timeout=timeout_s)
    return subprocess.CompletedProcess(arguments, process.returncode, printed, complained)


def test_the_stand_in_for_windows_lacks_what_it_says() -> None:
    tried = run_without_posix("-c", "import os; print(hasattr(os, 'fork')); import fcntl")
    assert tried.stdout.strip() == "False"
    assert "No module named 'fcntl'" in tried.stderr


@pytest.mark.parametrize(
    "package", ["schemas", "encoding", "app.auditor", "app.matching", "app.engine"]
)
def test_every_module_comes_up_without_posix(package: str) -> None:
    imported = run_without_posix("-c", IMPORT_ALL, package)
    assert imported.returncode == 0, imported.stderr
    assert int(imported.stdout) > 0


def test_the_whole_job_runs_without_posix(tmp_path: Path) -> None:
    # One agency's file is in Windows' code page with Windows' line ends: see the assertion below.
    folder = tmp_path / "demo"
    sizes = ("--children", "120", "--students", "400")
    script = str(Path(sys.executable).with_name("blindlink-broker"))
    done = run_without_posix(script, "demo", "--folder", str(folder), *sizes, timeout_s=240)
    assert done.returncode == 0, done.stdout + done.stderr
    read = (folder / "people" / "child_welfare.csv").read_bytes()
    assert b"\r\n" in read
    with pytest.raises(UnicodeDecodeError):
        read.decode("utf-8")


def test_a_workspace_is_sealed_backed_up_and_restored_without_posix(tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name("blindlink"))

    def typed(folder: Path, *words: str) -> str:
        command = (script, *words, "--config", str(folder / "blindlink.toml"))
        done = run_without_posix(*command)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    old, new = tmp_path / "old", tmp_path / "new"
    keys = ("--file", str(old / "identity.txt"), "--key-file", str(old / "identity.key"))
    for folder in (old, new):
        folder.mkdir()
    typed(old, "identity", "new", "welfare", "--duty", "analyst", *keys)
    typed(
        old, "init", "--without-file", "--broker", "https://broker.test", "--project", "foster",
        "--party", "welfare", "--identity", "identity.txt", "--key-file", "identity.key",
    )  # fmt: skip
    assert "recovery code" in typed(old, "workspace", "protect")
    backup = str(tmp_path / "welfare.backup")
    typed(old, "workspace", "backup", backup)
    listed = typed(old, "workspace", "custodian", "list")
    for name in ("identity.txt", "identity.key"):
        (old / name).rename(new / name)
    unlocked = ("--identity", str(new / "identity.txt"), "--key-file", str(new / "identity.key"))
    typed(new, "workspace", "restore", backup, *unlocked)
    assert typed(new, "workspace", "custodian", "list") == listed
