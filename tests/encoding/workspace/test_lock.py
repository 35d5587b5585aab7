"""One command at a time, and none for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from samples.refusals import raises

from encoding.errors import WorkspaceBusyError
from encoding.workspace.lock import locked

# Holds the lock until it is killed.
HOLDER = """
import sys
from pathlib import Path
from encoding.workspace.lock import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

# Takes the lock as often as it can; while it holds it, it makes a file that nobody else may have made. Every
# third time it ends without a word, as if killed, still holding it.
RIVAL = """
import os, sys, time
from pathlib import Path
from encoding.errors import WorkspaceError
from encoding.workspace.lock import locked

path, inside = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
taken, until = 0, time.monotonic() + 20
while taken < 3 and time.monotonic() < until:
    try:
        with locked(path):
            inside.touch(exist_ok=False)
            taken += 1
            inside.unlink()
            if taken == 3:
                os._exit(7)
    except WorkspaceError:
        continue
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def enter(path: Path) -> None:
    with locked(path):
        pass


def begin(code: str, *arguments: Path) -> subprocess.Popen[str]:
    """Start a process and wait for its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() in {"held", "ready"}
    return process


def test_second_holder_is_refused_until_the_first_is_done_or_failed(path: Path) -> None:
    # Whatever is in the file.
    path.write_text("1 elsewhere\n")
    with locked(path), raises(WorkspaceBusyError):
        enter(path)
    enter(path)
    with pytest.raises(ZeroDivisionError), locked(path):
        raise ZeroDivisionError
    enter(path)


@pytest.mark.campaign("two-at-once")
def test_another_process_holds_it_until_it_is_killed_and_no_longer(path: Path) -> None:
    with begin(HOLDER, path) as holder:
        with raises(WorkspaceBusyError):
            enter(path)
        holder.kill()
        holder.wait()
        enter(path)


@pytest.mark.campaign("two-at-once")
def test_of_three_processes_that_come_and_die_one_at_a_time_holds_it(
    path: Path, tmp_path: Path
) -> None:
    rivals = [begin(RIVAL, path, tmp_path / "inside") for _ in range(3)]
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("\n")
        rival.stdin.flush()
    assert [rival.wait(30) for rival in rivals] == [7, 7, 7]
    for rival in rivals:
        rival.communicate()
