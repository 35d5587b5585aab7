"""Threads that work beside what their owner does: one keeps a worker's lease alive, one watches deadlines."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.broker import Broker
from app.db import SchemaChangedError
from app.deadlines.alarms import note_overdue
from app.deadlines.notices import tell_overdue
from app.errors import LeaseLostError, place_of

log = structlog.get_logger()


WATCH_S: Final = 60.0


class Companion(ABC):
    """A thread that runs within a block; leaving the block waits until it has ended."""

    NAME: str

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.NAME, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Do the work, and return soon after `_ended` is set."""


class Heartbeat(Companion):
    """A thread that renews a lease three times in its length, from entering the block to leaving it.

    When the lease is lost, or another version has the database, it sets `lost`, so that the comparison stops
    within a moment. While the database does not answer it goes on trying: the lease may outlive that.
    """

    NAME = "heartbeat"

    def __init__(
        self, broker: Broker, run: str, renew: Callable[..., None], lost: threading.Event
    ) -> None:
        """Renew by a function of a session that takes the length, `lease_ms`, and raises LeaseLostError."""
        super().__init__()
        self._broker = broker
        self._run_id = run
        self._renew = renew
        self._lost = lost

    def _run(self) -> None:
        lease_s = self._broker.settings.lease_s
        while not self._ended.wait(lease_s / 3):
            try:
                with self._broker.database.write() as session:
                    self._renew(session, lease_ms=lease_s * 1000)
            except (LeaseLostError, SchemaChangedError):
                self._lost.set()
                return
            except SQLAlchemyError as exc:
                log.warning("lease_not_renewed", run_id=self._run_id, error=type(exc).__name__)


class Watch(Companion):
    """A thread that notes and tells what is overdue, at once and then every minute, within the block.

    Leaving the block waits for a look that is under way; a server that does not answer keeps nobody longer
    than it takes to give it up.
    """

    NAME = "watch"

    def __init__(self, broker: Broker, *, every_s: float = WATCH_S) -> None:
        super().__init__()
        self._broker = broker
        self._every_s = every_s

    def _run(self) -> None:
        while True:
            # What was noted before is told also where nothing can be noted now.
            self._guarded(note_overdue)
            self._guarded(tell_overdue)
            if self._ended.wait(self._every_s):
                return

    def _guarded(self, step: Callable[[Broker], int]) -> None:
        try:
            step(self._broker)
        except Exception as exc:  # noqa: BLE001 - what fails now is looked at again in a minute
            log.warning("deadlines_not_watched", error=type(exc).__name__, where=place_of(exc))
