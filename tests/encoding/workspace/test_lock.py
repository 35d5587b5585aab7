"""One command at a time, and none for ever."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from encoding.errors import WorkspaceBusyError
from encoding.workspace.lock import ABANDONED_AFTER_S, Lock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def enter(path: Path) -> None:
    with Lock(path):
        pass


def process_that_ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_second_holder_is_refused(path: Path) -> None:
    with Lock(path), pytest.raises(WorkspaceBusyError):
        enter(path)


def test_lock_is_free_again_after_use(path: Path) -> None:
    enter(path)
    assert not path.exists()
    enter(path)


def test_lock_is_free_again_after_an_error(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Lock(path):
        raise ZeroDivisionError
    assert not path.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows asks the open file, not the process")
def test_lock_of_an_ended_process_is_taken_over(path: Path) -> None:
    path.write_text(f"{process_that_ended()} {platform.node()} ab\n")
    enter(path)
    assert os.listdir(path.parent) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows asks the open file, not the process")
def test_lock_of_a_process_on_another_host_is_respected(path: Path) -> None:
    path.write_text(f"{process_that_ended()} elsewhere ab\n")
    with pytest.raises(WorkspaceBusyError):
        enter(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows asks the open file, not the process")
@pytest.mark.parametrize("text", ["", "garbage", f"{10**30} {platform.node()} ab\n"])
def test_unreadable_lock_is_respected_while_it_is_fresh(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(WorkspaceBusyError):
        enter(path)


def test_lock_that_was_not_renewed_for_long_is_taken_over(path: Path) -> None:
    path.write_text(f"{os.getpid()} {platform.node()} ab\n")
    long_ago = path.stat().st_mtime - ABANDONED_AFTER_S - 5
    os.utime(path, (long_ago, long_ago))
    enter(path)


def test_holder_that_lost_its_lock_leaves_that_of_the_next(path: Path) -> None:
    with Lock(path):
        path.unlink()
        path.write_text("1 elsewhere ab\n")
    assert path.read_text() == "1 elsewhere ab\n"


def test_of_many_who_find_a_stale_lock_one_at_a_time_holds_it(path: Path) -> None:
    holding, most, taken = 0, 0, 0
    counter = threading.Lock()
    start = threading.Barrier(8)

    def compete() -> None:
        nonlocal holding, most, taken
        start.wait()
        for _ in range(20):
            try:
                with Lock(path):
                    with counter:
                        holding += 1
                        most, taken = max(most, holding), taken + 1
                    with counter:
                        holding -= 1
            except WorkspaceBusyError:
                continue

    path.write_text(f"{process_that_ended()} {platform.node()} ab\n")
    threads = [threading.Thread(target=compete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert taken > 0
