"""This machine as a client of the cluster: it hands tasks to the scheduler, and counts its workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import structlog

from app.extras.cluster.configuration import configure, distributed, security_of
from app.extras.cluster.place import ClusterUnavailableError, Place
from app.extras.cluster.tasks import BROKER, help_with

CONNECT_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 5.0
_LOOK_S: Final = 1.0

log = structlog.get_logger()


class Strength(NamedTuple):
    """How many workers a cluster has, how many of them have a broker's state, and threads of all."""

    n_workers: int
    n_brokers: int
    n_threads: int


class _Client(distributed.Client):
    """A client that leaves no thread behind where it cannot connect, or not say goodbye."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except BaseException:
            self._loop_runner.stop()
            raise

    def leave(self) -> None:
        """Close it, whatever the connection has come to."""
        try:
            self.close(timeout=1)
        except Exception as exc:  # noqa: BLE001 - a scheduler that is gone must not spoil what was done without it
            log.warning("cluster_lost", error=type(exc).__name__)
            self._loop_runner.stop()
            # Or Dask would close it again, and wait for the thread that has ended.
            self.status = "closed"


@contextmanager
def connected(place: Place) -> Iterator[distributed.Client]:
    """Be a client of the cluster for the length of a block."""
    configure()
    try:
        client = _Client(
            place.address,
            security=security_of(place),
            timeout=CONNECT_TIMEOUT_S,
            set_as_default=False,
        )
    except (OSError, RuntimeError) as exc:
        raise ClusterUnavailableError(
            "The cluster's scheduler does not answer, or does not take this machine's certificate.",
            hint="docs/cluster.md says how to find out which",
        ) from exc
    try:
        yield client
    finally:
        client.leave()


def ask_for_help(place: Place, run: str, ended: threading.Event) -> None:
    """See each worker that has a broker's state help with a run, until `ended` is set or the scheduler is gone.

    One that had nothing more to do is asked again: a task may have become free, and asking costs little.
    """
    with connected(place) as client:
        asked: list[distributed.Future] = []
        while not ended.is_set() and client.status == "running":
            asked = [one for one in asked if not one.done()]
            for _ in range(strength_of(client).n_brokers - len(asked)):
                asked.append(client.submit(help_with, run, resources={BROKER: 1}, pure=False))
            ended.wait(_LOOK_S)


def strength_of(client: distributed.Client) -> Strength:
    """Return what the cluster has now; raises ClusterUnavailableError where the scheduler is gone or frozen."""
    try:
        # `scheduler_info` would wait for ever.
        found: dict[str, Any] = client.sync(
            client.scheduler.identity, n_workers=-1, callback_timeout=ANSWER_TIMEOUT_S
        )
    except (OSError, RuntimeError) as exc:
        raise ClusterUnavailableError("The cluster's scheduler does not answer.") from exc
    workers = found["workers"].values()
    return Strength(
        n_workers=len(workers),
        n_brokers=sum(BROKER in worker["resources"] for worker in workers),
        n_threads=sum(worker["nthreads"] for worker in workers),
    )
