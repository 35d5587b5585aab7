"""Work that takes long is done by few at a time, and for one thing once at a time; nobody waits for a turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import UnavailableError


class Turns:
    """The things that are being worked on, at most `most` of them; safe to use from any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._taken: set[str] = set()

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Work on the thing of this name until the block ends.

        Raises:
            UnavailableError: somebody works on it, or on as many others as may be.
        """
        with self._lock:
            if name in self._taken or len(self._taken) >= self._most:
                raise UnavailableError("The broker is at work on this, or on as much as it takes.")
            self._taken.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._taken.remove(name)
