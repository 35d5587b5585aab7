"""Workers of a cluster that help with a run when its holder calls; each has the broker's state.

What the cluster is told is the run's ID. Rows, keys and results stay where helping workers have them anyway.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

import structlog

from app.db import SchemaChangedError
from app.errors import ConfigurationError
from app.extras.cluster.place import ClusterUnavailableError, Place, place_in
from app.worker.companion import Companion
from app.worker.helper import Helper

if TYPE_CHECKING:
    from app.broker import Broker

# How long a scheduler that does not answer is left alone.
_PAUSE_S: Final = 10.0

log = structlog.get_logger()


class RunHelper:
    """Helps with the run that the cluster names, one at a time."""

    final: tuple[type[Exception], ...] = (SchemaChangedError,)

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._helper = Helper(broker)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._halted = threading.Event()

    def __call__(self, run: str) -> None:
        """Do tasks of the run until none is free, or `stop`."""
        with self._lock:
            with self._broker.database.read() as session:
                self._broker.log.check(session)
            self._halted.clear()
            while not self._stopping.is_set() and self._helper.help_once(self._halted, run):
                self._halted.clear()

    def stop(self) -> None:
        """End as soon as the ranges under way can be left."""
        self._stopping.set()
        self._halted.set()

    def end(self) -> None:
        """Stop, and wait until what is under way is left, so that others have its tasks at once."""
        self.stop()
        with self._lock:
            pass


def called_helpers(broker: Broker, run: str, *, n_tasks: int) -> AbstractContextManager[object]:
    """Return a block of code within which the settings' cluster helps with a run of so many tasks.

    The run does not need it: whatever happens to the cluster, the run's holder goes on.
    """
    # The holder begins with one more than it has threads, so that fewer leave nothing to others.
    if n_tasks <= broker.settings.worker_threads + 1:
        return nullcontext()
    try:
        place = place_in(broker.settings)
    except ConfigurationError:
        log.warning("cluster_unavailable", run_id=run)
        return nullcontext()
    return nullcontext() if place is None else CalledHelpers(place, run)


class CalledHelpers(Companion):
    """Calls the cluster's workers to help with a run, from entering a block to leaving it."""

    NAME = "called-helpers"

    def __init__(self, place: Place, run: str) -> None:
        super().__init__()
        self._place = place
        self._run_id = run

    def _run(self) -> None:
        from app.extras.cluster.client import ask_for_help  # noqa: PLC0415 - Dask takes a second to load

        while not self._ended.is_set():
            try:
                ask_for_help(self._place, self._run_id, self._ended)
            except ClusterUnavailableError:
                log.warning("cluster_unavailable", run_id=self._run_id)
            except Exception as exc:  # noqa: BLE001 - whatever Dask raises, the run goes on
                log.warning("cluster_lost", run_id=self._run_id, error=type(exc).__name__)
            self._ended.wait(_PAUSE_S)
