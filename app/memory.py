"""The broker's memory, given back once it is free."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Final

# <malloc.h>, and the threshold with which glibc begins.
_M_MMAP_THRESHOLD: Final = -3
_MMAP_THRESHOLD_BYTES: Final = 128 * 1024


def give_memory_back() -> None:
    """Let each large buffer go back to the system when it is freed, on Linux with glibc.

    By itself glibc raises the threshold with what was freed, and keeps the 256 KiB of each TLS connection.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(AttributeError):
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
