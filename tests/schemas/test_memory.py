"""What guards the memory of a program, asked of the kernel in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# The command fails: there is no broker or workspace in the folder. What was asked for first holds.
SCRIPT = """
import ctypes, resource, sys
from {package}.cli.main import main
PR_GET_DUMPABLE = 3
try:
    main(sys.argv[1:])
finally:
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(PR_GET_DUMPABLE))
"""


def guards_of(package: str, *words: str, folder: Path) -> str:
    script = [sys.executable, "-c", SCRIPT.format(package=package), *words]
    done = subprocess.run(script, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode, "the command was to fail"
    return done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has these guards")
@pytest.mark.parametrize("command", ["serve", "work", "doctor"])
def test_every_command_leaves_no_core_and_is_closed_to_others(command: str, tmp_path: Path) -> None:
    assert guards_of("app", "--state", str(tmp_path), command, folder=tmp_path) == "(0, 0) 0\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has these guards")
@pytest.mark.parametrize("words", [("check", "none.csv"), ("encode",), ("refresh",)])
def test_every_command_of_an_agency_does_so_too(words: tuple[str, ...], tmp_path: Path) -> None:
    assert guards_of("encoding", *words, folder=tmp_path) == "(0, 0) 0\n"
