"""Keeps a process's memory out of core files and others' reach: it holds names, keys, encodings, link IDs."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def guard_memory() -> None:
    """Forbid core files and tracing, on Linux; elsewhere the means of the system have to do."""
    if sys.platform.startswith("linux"):
        # contextlib, not try: a Python built without the module runs a rehearsal all the same.
        with contextlib.suppress(ImportError):
            import resource  # noqa: PLC0415 - not on every system

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Also closes /proc/<pid>/mem to other processes of the same user.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
