"""A database that calls the test before and after each write, to crash or interfere at every point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from app.broker import Broker
from app.db import Database
from app.worker.sweeper import Sweeper


class Crash(BaseException):
    """What a killed process does: nothing more, without cleaning up after itself in the database."""


class HookedDatabase:
    """Passes everything on; `hook` gets the number of the write, and "before" or "after" its commit.

    The first write is of number `first`.
    """

    def __init__(self, inner: Database, hook: Callable[[int, str], None], first: int = 0) -> None:
        self._inner = inner
        self._hook = hook
        self.n_writes = first

    @contextmanager
    def write(self) -> Iterator[Session]:
        number = self.n_writes
        self.n_writes += 1
        self._hook(number, "before")
        with self._inner.write() as session:
            yield session
        self._hook(number, "after")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def hooked(broker: Broker, hook: Callable[[int, str], None]) -> Broker:
    """Return the broker with its database hooked."""
    return replace(broker, database=HookedDatabase(broker.database, hook))  # type: ignore[arg-type]


def hooked_after_sweep(broker: Broker, hook: Callable[[int, str], None]) -> Broker:
    """Return the broker with its database hooked; write 0 is a worker's first one after its first sweep."""
    swept = hooked(broker, lambda _number, _moment: None)
    Sweeper(swept).sweep()
    n_swept: int = swept.database.n_writes  # type: ignore[attr-defined]
    return replace(broker, database=HookedDatabase(broker.database, hook, -n_swept))  # type: ignore[arg-type]


def crash_at(number: int, moment: str) -> Callable[[int, str], None]:
    """Return a hook that crashes at one write, before or after its commit."""

    def hook(found: int, found_moment: str) -> None:
        if (found, found_moment) == (number, moment):
            raise Crash

    return hook
