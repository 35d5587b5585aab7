"""Small servers on loopback, over TLS: what they have in common, whatever they answer."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from app.cli.self_signed import write_certificate


class QuietRequest(BaseHTTPRequestHandler):
    """A request that is not written to the terminal."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Who hangs up in the middle is no fault of the server."""


def tls_of(folder: Path) -> ssl.SSLContext:
    """Return the context of a server whose certificate is in the folder, and is made if there is none."""
    if not (folder / "broker.crt").exists():
        write_certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "broker.crt", folder / "broker.key")
    return tls


@contextmanager
def https_server(tls: ssl.SSLContext, request: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve requests until the block ends; yields the port."""
    with _Server(("127.0.0.1", 0), request) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        with going(server):
            yield server.server_address[1]


@contextmanager
def going(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
