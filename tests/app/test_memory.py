"""What guards the broker's memory, asked of the kernel in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# The command itself fails: there is no broker in the folder. What was asked for first holds all the same.
SCRIPT = """
import ctypes, resource, sys
from app.cli.main import main
PR_GET_DUMPABLE = 3
try:
    main(sys.argv[1:])
finally:
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(PR_GET_DUMPABLE))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has these guards")
@pytest.mark.parametrize("command", ["serve", "work", "doctor"])
def test_every_command_leaves_no_core_and_is_closed_to_others(command: str, tmp_path: Path) -> None:
    words = [sys.executable, "-c", SCRIPT, "--state", str(tmp_path), command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "there is no broker in this state folder" in done.stderr
    assert done.stdout.split() == ["(0,", "0)", "0"]
