"""The broker's memory, which holds encodings, keys and link IDs: out of core files and others' reach, and
given back once it is free.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
# <malloc.h>, and the threshold with which glibc begins.
_M_MMAP_THRESHOLD: Final = -3
_MMAP_THRESHOLD_BYTES: Final = 128 * 1024


def guard_memory() -> None:
    """Forbid core files and tracing, on Linux; elsewhere the operator's own means have to do."""
    if sys.platform.startswith("linux"):
        # contextlib, not try: a Python built without the module runs a rehearsal all the same.
        with contextlib.suppress(ImportError):
            import resource  # noqa: PLC0415 - not on every system

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Also closes /proc/<pid>/mem to other processes of the same user.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def give_memory_back() -> None:
    """Let each large buffer go back to the system when it is freed, on Linux with glibc.

    By itself glibc raises the threshold with what was freed, and keeps the 256 KiB of each TLS connection.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(AttributeError):
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
