"""What one unit of work does between two steps of another one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


class Meanwhile:
    """Does something in a thread of its own, once, when a unit of work has looked at what that changes."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act, self._threads = act, ThreadPoolExecutor(1)
        self._begun: list[Future[object]] = []

    def after(self, look: Callable[..., T]) -> Callable[..., T]:
        """Return a look after which it is done."""

        def looked(*args: object, **more: object) -> T:
            found = look(*args, **more)
            if not self._begun:
                self._begun.append(self._threads.submit(self._act))
                # It cannot end before the unit of work; it would in no time.
                wait(self._begun, timeout=1)
            return found

        return looked

    def end(self) -> None:
        """Wait until it is done; raises what it raised, and if it never began."""
        self._begun[0].result()
        self._threads.shutdown()
