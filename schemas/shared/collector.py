"""Python's search for cycles, paused where it can find none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
