"""A broker's application served over TLS on loopback, from a thread of the test's own process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from app.cli.self_signed import write_certificate
from app.http.server import TlsFiles, bind, tls_context


@contextmanager
def served(app: FastAPI, folder: Path) -> Iterator[str]:
    """Serve the application until the block ends; yields its address."""
    with served_at(lambda _: app, folder) as address:
        yield address


@contextmanager
def served_at(make_app: Callable[[str], FastAPI], folder: Path) -> Iterator[str]:
    """Serve an application that is made with its own address."""
    write_certificate(folder)
    tls = tls_context(TlsFiles(folder / "broker.crt", folder / "broker.key"))
    with bind("127.0.0.1", 0) as listener:
        address = f"https://localhost:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            make_app(address),
            lifespan="off",
            log_config=None,
            access_log=False,
            ssl_context_factory=lambda _config, _default: tls,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()
