"""How much memory a process holds, on Linux."""

from __future__ import annotations

from pathlib import Path


def resident_kib(pid: int) -> int:
    """Return what of a process lies in memory, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1])
