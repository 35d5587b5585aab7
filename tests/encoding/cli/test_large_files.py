"""A file of any length is encoded in memory that hardly grows, and a terminal shows how far it is."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.agreement.clauses import FileSize
from schemas.api.projects import ProjectView

SMALL, LARGE = 20_000, 200_000
# The program itself and one chunk of rows; and what it keeps of each record: its handle, and the keys by which
# it must not meet itself. A record that is kept whole, as text and as rows, takes kilobytes.
MAX_PEAK_MIB = 300
MAX_BYTES_A_RECORD = 500
TESTS = Path(__file__).resolve().parents[2]
# What `encode` does once a round is open, in a process of its own. Linux is asked for the peak of the program
# alone; see tests/app/auditor/test_memory.py.
ENCODE = """
import json, pathlib, re, sys
from rigs.agency import Agency, NOW
from schemas.shared import progress_bar
from encoding.secret.secret import Secret
from samples.documents import stated_audit
from schemas.api.projects import ProjectView

progress_bar.QUICK_S = progress_bar.REDRAWN_S = 1e-3  # a step need not take a second first
view = ProjectView.from_json(json.loads(pathlib.Path("view.json").read_text()))
n_records = pathlib.Path("people.csv").read_bytes().count(b"\\n") - 1
audit = stated_audit(view.terms.profile, "larger", n_records)
agency = Agency(pathlib.Path(), view, Secret(bytes(range(32))), "larger")
with progress_bar.ProgressBar(is_shown=True) as progress:
    filled = agency.encode(pathlib.Path("people.csv"), report=progress, audit=audit)
print(filled.rows, "records")
status = pathlib.Path("/proc/self/status").read_text()
print("peak", re.search("VmHWM:\\\\s*([0-9]+)", status)[1])
"""


@pytest.fixture
def view(view_with: Callable[..., ProjectView]) -> ProjectView:
    """The project of two agencies whose files are large."""
    parties = ("schools", "welfare")
    return view_with(files=tuple(FileSize(party=one, least=1, most=LARGE) for one in parties))


@pytest.fixture
def folder_of(tmp_path: Path, view: ProjectView, write_people) -> Callable[[int], Path]:
    """Makes a folder with the project and a file of so many people."""

    def make(n_rows: int) -> Path:
        folder = tmp_path / str(n_rows)
        folder.mkdir()
        rows = [
            (
                str(number),
                f"Given{number % 1000}",
                f"Family{number // 7}",
                f"20{number % 20:02}-04-09",
            )
            for number in range(n_rows)
        ]
        write_people(rows).rename(folder / "people.csv")
        (folder / "view.json").write_text(json.dumps(view.to_json()))
        return folder

    return make


def peak_bytes(folder: Path, n_rows: int) -> int:
    paths = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", ENCODE],
        cwd=folder, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    records, peak = done.stdout.splitlines()
    assert records == f"{n_rows} records"
    return int(peak.removeprefix("peak ")) * 1024


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is asked of Linux")
def test_ten_times_the_rows_take_little_more_memory(folder_of: Callable[[int], Path]) -> None:
    small, large = (peak_bytes(folder_of(n_rows), n_rows) for n_rows in (SMALL, LARGE))
    assert small < MAX_PEAK_MIB * 2**20
    assert large - small < (LARGE - SMALL) * MAX_BYTES_A_RECORD


@pytest.mark.needs("process")
def test_a_terminal_shows_how_far_the_encoding_is(
    folder_of: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcntl", reason="a terminal is a POSIX thing")
    from rigs.terminal import Terminal

    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    )
    terminal = Terminal(folder_of(SMALL), environment={"TERM": "xterm"})
    shown = terminal.type(shlex.join([sys.executable, "-c", ENCODE])).end()
    lines = shown.split("\r")
    assert any(re.match(r"encoding \[[#-]{20}\] +\d+%, \d+ s (left|so far)", one) for one in lines)
