"""Loads modules a little faster than Python does by itself."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Pause the collector while modules are imported.

    What an import makes stays: the collector would look through it, in a seventh of the time, in vain.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
