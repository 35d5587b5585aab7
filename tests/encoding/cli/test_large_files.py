"""A file of any length is encoded in memory that hardly grows, and a terminal shows how far it is."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from oracles.desk import Desk
from oracles.near_broker import NearBroker

from schemas.api import ProjectView

SMALL, LARGE = 20_000, 200_000
# The program itself, without a row; and what it keeps of each of so many rows: its handle, and what it must
# not meet twice. A row that is kept whole, as text and as encoding, takes a kilobyte and more.
MAX_PEAK_MIB = 200
MAX_BYTES_A_ROW = 300
# Linux is asked for the peak of the program alone; see tests/app/auditor/test_memory.py.
PEAK = """
import atexit, pathlib, re, sys
from encoding.cli.main import main

def say_peak():
    status = pathlib.Path("/proc/self/status").read_text()
    print("peak", re.search("VmHWM:\\\\s*([0-9]+)", status)[1], file=sys.stderr)

atexit.register(say_peak)
main()
"""
# As the program, but that a step need not take a second first.
AT_ONCE = """
from encoding.cli.parts import progress_bar
from encoding.cli.main import main

progress_bar.QUICK_S = 1e-9
main()
"""


@pytest.fixture
def view(view_with) -> ProjectView:
    """The project for as long as anybody runs these tests: a real process asks the clock of the machine."""
    return view_with(start="2020-01-01", end="2099-12-31")


def command(folder: Path, program: str, broker: NearBroker) -> list[str]:
    """Return the command line that encodes the desk's file as `blindlink encode` does."""
    (folder / "project.json").write_text(json.dumps(broker.view.to_json()))
    return [
        sys.executable, "-c", program, "--config", "blindlink.toml",
        "encode", "--as-of", "2020-01-01", "--project-file", "project.json",
    ]  # fmt: skip


def desk_of(folder: Path, broker: NearBroker, secret, write_people, n_rows: int) -> Desk:
    rows = [
        (str(number), f"Given{number % 1000}", f"Family{number // 7}", f"20{number % 20:02}-04-09")
        for number in range(n_rows)
    ]
    desk = Desk(folder, broker, "welfare")
    desk.set_up(write_people(rows), secret)
    return desk


def peak_bytes(folder: Path, broker: NearBroker, secret, write_people, n_rows: int) -> int:
    desk = desk_of(folder, broker, secret, write_people, n_rows)
    done = subprocess.run(
        command(desk.folder, PEAK, broker),
        cwd=desk.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{n_rows:,} records" in done.stderr + done.stdout
    return int(done.stderr.splitlines()[-1].removeprefix("peak ")) * 1024


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is asked of Linux")
def test_ten_times_the_rows_take_little_more_memory(
    tmp_path: Path, broker: NearBroker, secret, write_people
) -> None:
    small, large = (
        peak_bytes(tmp_path / str(n_rows), broker, secret, write_people, n_rows)
        for n_rows in (SMALL, LARGE)
    )
    assert small < MAX_PEAK_MIB * 2**20
    assert large - small < (LARGE - SMALL) * MAX_BYTES_A_ROW


def test_a_terminal_shows_how_far_the_encoding_is(
    tmp_path: Path, broker: NearBroker, secret, write_people
) -> None:
    pytest.importorskip("fcntl", reason="a terminal is a POSIX thing")
    from oracles.terminal import Terminal

    desk = desk_of(tmp_path / "welfare", broker, secret, write_people, SMALL)
    terminal = Terminal(desk.folder, environment={"TERM": "xterm"})
    shown = terminal.type(shlex.join(command(desk.folder, AT_ONCE, broker))).end()
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown)
    # The first step may be over before the bar is drawn a second time.
    assert "reading record IDs ━" in plain
    assert re.search(rf"encoding ━+ 100% {SMALL:,} rows, [\d,]+ a second", plain), plain
