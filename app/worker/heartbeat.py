"""Keeps a worker's lease alive while it computes, and tells it when the lease is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.broker import Broker
from app.db import SchemaChangedError
from app.errors import LeaseLostError
from app.worker.companion import Companion

log = structlog.get_logger()


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
