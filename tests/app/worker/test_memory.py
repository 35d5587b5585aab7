"""What guards a worker's memory, asked of the kernel in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, resource
from app.worker.memory import guard_memory
guard_memory()
PR_GET_DUMPABLE = 3
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(PR_GET_DUMPABLE))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has these guards")
def test_a_guarded_process_leaves_no_core_and_is_closed_to_others() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["(0,", "0)", "0"]
