"""Keeps a process's memory out of core files and others' reach: it holds names, keys, encodings, link IDs."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector: for what stays, as modules do, or refers to nothing that refers to it.

    It would look through all that is there, again and again, in a seventh to a fifth of the time, in vain.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
