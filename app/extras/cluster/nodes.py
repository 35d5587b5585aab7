"""A scheduler and workers of the cluster as processes: closed to whoever has no certificate of its CA."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import tempfile
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import structlog

from app.errors import ConfigurationError
from app.extras.cluster.configuration import configure, distributed, security_of
from app.extras.cluster.fetching import Fetched
from app.extras.cluster.place import ClusterUnavailableError, family_of
from app.extras.cluster.tasks import BROKER

if TYPE_CHECKING:
    from app.extras.cluster.place import Place
    from app.extras.cluster.tasks import Helps

# Before a worker whose scheduler is gone looks for it again.
_PAUSE_S: Final = 1.0

log = structlog.get_logger()


class _NoHttp:
    """A node that opens no port for HTTP: Dask's own opens one even where nothing is served on it."""

    def start_http_server(self, *_: object, **__: object) -> None:
        """Open nothing."""


class ClosedScheduler(_NoHttp, distributed.Scheduler):
    """A scheduler without HTTP."""


class ClosedWorker(_NoHttp, distributed.Worker):
    """A worker without HTTP, with what tasks of ours need."""

    def __init__(self, *args: Any, fetched: Fetched, helps: Helps | None, **kwargs: Any) -> None:
        self.fetched = fetched
        self.helps = helps
        self.error: Exception | None = None
        super().__init__(*args, **kwargs)

    def give_up(self, error: Exception) -> None:
        """End, and let whoever waits for the end have this error."""
        self.error = error
        self.loop.add_callback(self.close, timeout=1, executor_wait=False)


def run_scheduler(place: Place, on_listening: Callable[[str], None]) -> None:
    """Be the scheduler, on the place's host and port, until SIGTERM or SIGINT."""

    async def live() -> None:
        try:
            scheduler = await ClosedScheduler(
                protocol="tls",
                host=distributed.comm.unparse_host_port(place.host),
                port=place.port,
                security=security_of(place),
                dashboard=False,
            )
        except (OSError, RuntimeError) as exc:
            raise ConfigurationError(
                "the scheduler cannot listen at cluster_address",
                hint="the address must be one of this machine, and nobody else's",
            ) from exc
        async with scheduler:
            on_listening(scheduler.address)
            await scheduler.finished()

    configure()
    asyncio.run(_until_stopped(live()))


def run_cluster_worker(  # noqa: PLR0917 - one parameter for each option
    place: Place,
    n_threads: int,
    port: int,
    helps: Helps | None,
    on_stop: Callable[[], None],
    on_joined: Callable[[], None],
) -> None:
    """Be a worker until SIGTERM or SIGINT; where the scheduler is gone, wait for the next one."""
    fetched = Fetched(place)

    async def live() -> None:
        with tempfile.TemporaryDirectory(prefix="blindlink-cluster-") as folder:
            while True:
                log.info("cluster_sought", host=place.host, port=place.port)
                try:
                    await one_life(folder)
                    log.warning("cluster_lost")
                except (OSError, RuntimeError, ClusterUnavailableError) as exc:
                    log.warning("cluster_not_joined", error=type(exc).__name__)
                await asyncio.sleep(_PAUSE_S)

    async def one_life(folder: str) -> None:
        host = place.own_host()
        if port:
            _try_out(host, port)
        worker = ClosedWorker(
            place.address,
            nthreads=n_threads,
            # Not on every address, as Dask would.
            host=distributed.comm.unparse_host_port(host),
            port=port,
            security=security_of(place),
            # Dask wants a folder; with no limit of memory and no spilling it writes nothing there.
            local_directory=folder,
            memory_limit=0,
            resources={} if helps is None else {BROKER: 1},
            fetched=fetched,
            helps=helps,
        )
        try:
            await worker
            on_joined()
            await worker.finished()
        finally:
            await worker.close(timeout=1, executor_wait=False)
        if worker.error is not None:
            raise worker.error

    configure()
    try:
        asyncio.run(_until_stopped(live(), on_stop))
    finally:
        fetched.forget()


def _try_out(host: str, port: int) -> None:
    """Refuse a port that is taken: of Dask's worker one could not tell it from a scheduler that is gone."""
    try:
        socket.create_server((host, port), family=family_of(host)).close()
    except OSError as exc:
        raise ConfigurationError(
            f"the worker cannot listen on --port {port}",
            hint="another process may have it; without --port, a free one is taken",
        ) from exc


async def _until_stopped(
    life: Coroutine[Any, Any, None], on_stop: Callable[[], None] = lambda: None
) -> None:
    living = asyncio.ensure_future(life)

    def stop() -> None:
        on_stop()
        living.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await living
