"""The demo with --keep: its broker goes on when it has ended, until someone ends it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from rigs.demo import demo

pytestmark = pytest.mark.soak


@pytest.mark.skipif(sys.platform == "win32", reason="the report says how to end it on POSIX")
def test_a_demo_that_is_kept_answers_until_it_is_ended(tmp_path: Path) -> None:
    done = demo(tmp_path / "kept", "--children", "200", "--students", "600", "--keep")
    assert done.returncode == 0, done.stderr
    *_, ending = done.stdout.split("end the broker    kill ")
    links = re.findall(r"pages, as the (\w+) +(https://localhost:\d+)/sign-in#(\S+)", done.stdout)
    assert [who for who, _, _ in links] == ["operator", "auditor"]
    pids = [int(word) for word in ending.split()]
    try:
        ca_file = tmp_path / "kept" / "broker" / "state" / "tls" / "broker.crt"
        with httpx2.Client(verify=ssl.create_default_context(cafile=ca_file)) as client:
            for _, url, code in links:
                assert client.get(f"{url}/readyz").status_code == 200
                signed_in = client.post(f"{url}/session", json={"code": code})
                assert signed_in.status_code == 204, signed_in.text
        assert [is_running(pid) for pid in pids] == [True, True]
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 240
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "the broker runs on"


def is_running(pid: int) -> bool:
    """Whether a process has not ended, also where nobody asks what became of it."""
    shown = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return shown != "" and not shown.startswith("Z")
