"""Dask as it runs here: TLS 1.3 between holders of the CA's certificates, no HTTP, nothing spilled to disk.

Only this counts: no file and no environment variable of Dask is heeded, which could load code or open a port.
So everything of ours takes `distributed` from here.
"""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, Final

import dask.config

# Before the import of distributed, which would set up logging as they say, and so load what they name.
dask.config.refresh(paths=[], env={})

import distributed  # noqa: E402

if TYPE_CHECKING:
    from app.extras.cluster.place import Place

__all__ = ["configure", "distributed", "security_of"]

_OURS: Final = {
    # Without this, plain HTTP listens on every address, with or without a dashboard.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    # It samples what runs, for the dashboard.
    "distributed.worker.profile.enabled": False,
    "distributed.comm.require-encryption": True,
    "distributed.comm.tls.min-version": 1.3,
    "distributed.comm.timeouts.connect": "5s",
    # A worker that falls silent is taken for dead, and its tasks go to others.
    "distributed.scheduler.worker-ttl": "30s",
}


def configure() -> None:
    """Put Dask's configuration in force for this process, and its logs under the broker's rules."""
    dask.config.set(_OURS)
    # It gives its loggers handlers of their own, which would print tasks with their arguments.
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.split(".")[0] in {"distributed", "tornado"}:
            logger.handlers.clear()
            logger.setLevel(logging.WARNING if name == "distributed" else logging.NOTSET)
            logger.propagate = True


def security_of(place: Place) -> distributed.Security:
    """Return what Dask's parts show each other: one certificate for whatever this machine is."""
    cert, key = str(place.cert_file), str(place.key_file)
    return distributed.Security(
        require_encryption=True,
        tls_min_version=ssl.TLSVersion.TLSv1_3,
        tls_ca_file=str(place.ca_file),
        tls_client_cert=cert,
        tls_client_key=key,
        tls_scheduler_cert=cert,
        tls_scheduler_key=key,
        tls_worker_cert=cert,
        tls_worker_key=key,
    )
