"""What a process has used so far, as Linux says."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def processor_s(pid: int) -> float:
    """Return the processor time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def peak_mib(pid: int | str) -> float:
    """Return the peak of a process's resident memory since it was last cleared; 0 where it is ending."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def clear_peak(pid: int | str) -> None:
    """Let the peak count from here on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
