"""A cluster of real processes on this machine: its CA, a scheduler and workers, to be killed."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rigs.broker_processes import Process

from app.extras.cluster.certificates import certify, make_ca
from app.extras.cluster.place import Place, needed_place
from app.settings import Settings

# What Dask would heed by itself, and must not: it would load code, serve HTTP, and speak in the clear.
FOREIGN = {
    "DASK_LOGGING": '{"version": 1, "handlers": {"own": {"class": "there_is_no.Handler"}}}',
    "DASK_DISTRIBUTED__SCHEDULER__PRELOAD": '["there_is_no_such_module"]',
    "DASK_DISTRIBUTED__WORKER__PRELOAD": '["there_is_no_such_module"]',
    "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": '["distributed.http.health"]',
    "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "0.0001",
}


class Cluster:
    """One CA, one address, and the processes that were started there."""

    def __init__(self, folder: Path) -> None:
        self.ca = folder / "ca"
        make_ca(self.ca)
        certify(self.ca, "here")
        self._folder = folder
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
            self._port: int = listener.getsockname()[1]
        self.processes: list[Process] = []

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that name this cluster."""
        return {
            "cluster_address": f"tls://127.0.0.1:{self._port}",
            "cluster_ca_file": self.ca / "ca.crt",
            "cluster_cert_file": self.ca / "here.crt",
            "cluster_key_file": self.ca / "here.key",
        }

    @property
    def place(self) -> Place:
        return needed_place(Settings(state_dir=self._folder / "none", **self.settings))

    def start_scheduler(self) -> Process:
        process = self._start(self._bare(), "scheduler")
        assert process.wait_for("scheduler_started"), process.lines
        return process

    def start_worker(
        self, settings: Settings | None = None, program: Sequence[str] | None = None
    ) -> Process:
        """Start a worker of one thread; of a broker, if its settings are given."""
        settings = self._bare() if settings is None else settings.model_copy(update=self.settings)
        return self._start(settings, "worker", "--threads", "1", program=program)

    def start(self, n_workers: int) -> tuple[Process, list[Process]]:
        """Start a scheduler and workers that compare blocks only."""
        scheduler = self.start_scheduler()
        workers = [self.start_worker() for _ in range(n_workers)]
        for worker in workers:
            assert worker.wait_for("cluster_joined"), worker.lines
        return scheduler, workers

    def stop(self) -> None:
        for process in self.processes:
            process.kill()

    def _bare(self) -> Settings:
        return Settings(state_dir=self._folder / "none", **self.settings)

    def _start(
        self, settings: Settings, *arguments: str, program: Sequence[str] | None = None
    ) -> Process:
        with pytest.MonkeyPatch.context() as patched:
            for name, value in FOREIGN.items():
                patched.setenv(name, value)
            process = Process(settings, "cluster", *arguments, program=program)
        self.processes.append(process)
        return process


@contextmanager
def new_cluster(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder)
    try:
        yield cluster
    finally:
        cluster.stop()
