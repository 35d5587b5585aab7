"""The agency's and the auditor's side run where POSIX does not: all their modules come up without it."""

from __future__ import annotations

import os
import subprocess
import sys
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


def run_without_posix(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python as it would run on Windows, as far as missing modules go."""
    environment = os.environ | {"PYTHONPATH": f"{WITHOUT_POSIX}{os.pathsep}{ROOT}"}
    strict = ("-W", "error", "-W", "ignore:pkg_resources is deprecated")
    return subprocess.run(
        [sys.executable, *strict, *arguments],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_stand_in_for_windows_lacks_what_it_says() -> None:
    tried = run_without_posix("-c", "import os; print(hasattr(os, 'fork')); import fcntl")
    assert tried.stdout.strip() == "False"
    assert "No module named 'fcntl'" in tried.stderr


@pytest.mark.parametrize("package", ["schemas", "encoding", "app.auditor", "app.extras.exhaustive"])
def test_every_module_comes_up_without_posix(package: str) -> None:
    imported = run_without_posix("-c", IMPORT_ALL, package)
    assert imported.returncode == 0, imported.stderr
    assert int(imported.stdout) > 0


def test_a_workspace_is_sealed_backed_up_and_restored_without_posix(tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name("blindlink"))

    def typed(folder: Path, *words: str) -> str:
        command = (script, *words, "--config", str(folder / "blindlink.toml"))
        done = run_without_posix(*command)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    old, new = tmp_path / "old", tmp_path / "new"
    keys = ("--identity", str(old / "identity.txt"), "--key-file", str(old / "identity.key"))
    for folder in (old, new):
        folder.mkdir()
    typed(old, "people", "new", "welfare", "--duty", "analyst", *keys)
    typed(
        old, "init", "--without-file", "--broker", "https://broker.test", "--project", "foster",
        "--party", "welfare", "--identity", "identity.txt", "--key-file", "identity.key",
    )  # fmt: skip
    assert "recovery code" in typed(old, "workspace", "protect")
    backup = str(tmp_path / "welfare.backup")
    typed(old, "workspace", "backup", backup)
    listed = typed(old, "workspace", "custodians")
    for name in ("identity.txt", "identity.key"):
        (old / name).rename(new / name)
    unlocked = ("--identity", str(new / "identity.txt"), "--key-file", str(new / "identity.key"))
    typed(new, "workspace", "restore", backup, *unlocked)
    assert typed(new, "workspace", "custodians") == listed
