"""The listening socket: counts connections when they are accepted, before a byte of TLS is spoken.

A connection that never begins its handshake has no protocol yet that could count it or cut it off.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from app.http.protocol import ConnectionLimits

log = structlog.get_logger()

# Beyond the limits, so many more are held for as long as it takes to tell them so: in all, and per address.
MORE_IN_ALL: Final = 64
MORE_PER_ADDRESS: Final = 16
# After so many the loop sees to those it holds; the others wait in the kernel for the next time.
DROPPED_AT_ONCE: Final = 256
# What a line of TLS held, 256 KiB, goes in circles, which Python looks for only after much else was made. When
# so many are closed it looks so many seconds later, and again while it finds as much as many lines leave.
COLLECTED_AFTER: Final = 32
COLLECTED_AFTER_S: Final = 5.0
MANY_OBJECTS: Final = 500
# The database, the log, the key store and what else is open, connections and their parts left out.
OTHER_FILES: Final = 128


class CountingListener(socket.socket):
    """A listening socket whose `accept` drops who comes beyond the limits, in all or from one address."""

    def __init__(self, listener: socket.socket, limits: ConnectionLimits) -> None:
        """Take the place of a listening socket."""
        parts = listener.family, listener.type, listener.proto
        super().__init__(*parts, fileno=listener.detach())
        self._limits = limits
        self._held: Counter[str] = Counter()
        self._n_closed = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection that is within the limits."""
        for n_dropped in range(DROPPED_AT_ONCE):
            try:
                accepted, address = super().accept()
            except BlockingIOError:
                _tell(n_dropped)
                raise
            if self._has_room(address[0]):
                _tell(n_dropped)
                self._held[address[0]] += 1
                return _Held(accepted, address[0], self._let_go), address
            accepted.close()
        _tell(DROPPED_AT_ONCE)
        raise BlockingIOError

    def _let_go(self, address: str) -> None:
        self._held[address] -= 1
        if not self._held[address]:
            del self._held[address]
        self._n_closed += 1
        if self._n_closed == COLLECTED_AFTER:
            # None runs any more where the server is at its end.
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().call_later(COLLECTED_AFTER_S, self._collect)

    def _collect(self) -> None:
        self._n_closed = 0
        # What handled a request may outlive its line by some seconds.
        if gc.collect() > MANY_OBJECTS:
            self._n_closed = COLLECTED_AFTER
            asyncio.get_running_loop().call_later(COLLECTED_AFTER_S, self._collect)

    def _has_room(self, address: str) -> bool:
        return (
            self._held.total() < self._limits.max_connections + MORE_IN_ALL
            and self._held[address] < self._limits.max_per_address + MORE_PER_ADDRESS
        )


class _Held(socket.socket):
    """An accepted connection that is counted until it is closed."""

    def __init__(
        self, accepted: socket.socket, address: str, let_go: Callable[[str], None]
    ) -> None:
        parts = accepted.family, accepted.type, accepted.proto
        super().__init__(*parts, fileno=accepted.detach())
        self._address, self._let_go = address, let_go

    def close(self) -> None:
        """Close it, and give its place to another."""
        if self.fileno() != -1:
            self._let_go(self._address)
        super().close()


def files_needed(max_connections: int) -> int:
    """Return how many files a broker may have open: each connection may be storing a part."""
    return 2 * (max_connections + MORE_IN_ALL) + OTHER_FILES


def raise_file_limit(needed: int) -> int | None:
    """Let this process open so many files as far as its hard limit allows; return how many it now may.

    None: the system has no such limit.
    """
    if sys.platform != "win32":
        # A Python built without the module runs all the same.
        with contextlib.suppress(ImportError):
            import resource  # noqa: PLC0415 - not on every system

            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            if soft == resource.RLIM_INFINITY:
                return None
            wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
            if wanted > soft:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return max(wanted, soft)
    return None


def _tell(n_dropped: int) -> None:
    if n_dropped:
        log.info("connections_dropped", n_dropped=n_dropped)
