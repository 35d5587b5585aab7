"""The agency's disk is full, or read only, at each of a job's durable writes: it says so, and goes on later."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.desk import Desk
from rigs.near_broker import NearBroker
from rigs.weeks import links, settle

pytestmark = [pytest.mark.long, pytest.mark.campaign("disk", database="sqlite")]

FAULTS = {errno.ENOSPC: "no space left on device", errno.EROFS: "read-only file system"}


class Disk:
    """Stands before the sync that ends each durable write in a folder, and fails from one of them on."""

    def __init__(self, folder: Path, fault: int) -> None:
        self.folder, self.fault, self.left = folder, fault, 0
        self.has_failed = False
        self._sync = os.fsync

    def fail_after(self, n_writes: int) -> None:
        self.left, self.has_failed = n_writes, False

    def sync(self, descriptor: int) -> None:
        # The broker is in the same process.
        if self.folder not in Path(f"/proc/self/fd/{descriptor}").resolve().parents:
            return self._sync(descriptor)
        self.left -= 1
        if self.left < 0:
            self.has_failed = True
            raise OSError(self.fault, os.strerror(self.fault))
        return self._sync(descriptor)


def failing_at_each_write(
    monkeypatch: pytest.MonkeyPatch, desk: Desk, disk: Disk, step: int
) -> int:
    """Let a job fail at its first write, then at a later one, until it needs no more; returns how often."""
    n_failed = 0
    while True:
        disk.fail_after(n_failed * step)
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", disk.sync)
            result = desk.type("refresh")
        if not disk.has_failed:
            return n_failed
        n_failed += 1
        # A report that could not be written is a warning.
        assert result.exit_code == 1 or "warning: " in result.stderr, result.stderr
        assert FAULTS[disk.fault] in result.stderr
        assert "internal error" not in result.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize("fault", FAULTS, ids=["full", "read-only"])
def test_a_job_without_room_says_so_and_the_next_goes_on(
    ready_desks: NearBroker, monkeypatch: pytest.MonkeyPatch, tally: Tally, fault: int
) -> None:
    near, schools, welfare = ready_desks, *ready_desks.desks.values()
    settle(near)
    before = links(welfare)
    near.move(days=7)
    disk, step = Disk(welfare.folder.resolve(), fault), times(quick=4, full=1)
    for _ in range(3):
        tally.tried(failing_at_each_write(monkeypatch, welfare, disk, step))
        assert links(welfare) == before
        schools.type("refresh")
    settle(near)
    assert links(welfare) == before
    assert tally.n_tried >= 6
