"""Cuts off a server that keeps its client waiting: byte by byte, with 1xx answers without end, or not at all.

A library's timeouts begin anew with each byte. Here the whole exchange, from the request's first byte to the
answer's last, has a grace period and a least rate; the time in which the client itself works is not counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, Self

GRACE_S = 120.0
LEAST_BYTES_PER_S: Final = 4096.0
_TICKS: Final = 100


class TooSlowError(Exception):
    """The exchange was cut off."""


class SlowAnswerWatch:
    """Watches one exchange, as a context manager that raises TooSlowError at its end if it was cut off.

    `cut` closes the connection from another thread, so that the read under way fails, or ends.
    """

    def __init__(self, cut: Callable[[], None], sent_bytes: int = 0) -> None:
        """Take what ends the exchange, and the size of what is sent first."""
        self._cut = cut
        self._moved_bytes = sent_bytes
        self._waited_s = 0.0
        self._waits_since: float | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._is_cut = False

    def __enter__(self) -> Self:
        self._waits_since = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._refuse_cut()

    def pieces(self, received: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces of the answer's body, as they come."""
        while True:
            self._stop_waiting()
            self._waits_since = time.monotonic()
            piece = next(received, None)
            self._stop_waiting()
            if piece is None:
                # A body without a length ends with its connection.
                self._refuse_cut()
                return
            self._moved_bytes += len(piece)
            yield piece

    def _refuse_cut(self) -> None:
        if self._is_cut:
            raise TooSlowError("the answer came too slowly") from None

    def _stop_waiting(self) -> None:
        if self._waits_since is not None:
            self._waited_s += time.monotonic() - self._waits_since
            self._waits_since = None

    def _watch(self) -> None:
        while not self._is_over.wait(GRACE_S / _TICKS):
            since = self._waits_since
            waited_s = self._waited_s + (0.0 if since is None else time.monotonic() - since)
            if since is not None and waited_s > GRACE_S + self._moved_bytes / LEAST_BYTES_PER_S:
                self._is_cut = True
                self._cut()
                return
