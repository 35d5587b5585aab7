"""`blindlink` before it has loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

START = "from blindlink.programs import agency; agency()"
# Ctrl-C at the moment at which the first library is loaded.
INTERRUPTED = f"""
import builtins
load = builtins.__import__
def interrupted(name, *more, **named):
    if name == "click":
        raise KeyboardInterrupt
    return load(name, *more, **named)
builtins.__import__ = interrupted
{START}
"""


def run(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )


def test_an_interruption_while_it_loads_is_one_line() -> None:
    done = run(INTERRUPTED, "status")
    assert done.returncode == 130
    assert done.stderr == "blindlink: error: interrupted; nothing is lost\n"
    assert not done.stdout


def test_what_is_typed_is_run() -> None:
    done = run(START, "--version")
    assert done.returncode == 0, done.stderr
    assert "version" in done.stdout


def test_folders_of_other_projects_on_pythonpath_are_not_taken_for_ours(tmp_path: Path) -> None:
    for name in ("app", "encoding", "schemas"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('another project')\n")
    for program in ("blindlink", "blindlink-broker", "blindlink-audit"):
        done = subprocess.run(
            [Path(sys.executable).with_name(program), "--help"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        )
        assert (done.returncode, "Usage" in done.stdout) == (0, True), done.stderr
