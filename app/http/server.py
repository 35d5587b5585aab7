"""Serving the application: the socket, TLS, and uvicorn with deadlines and without its own log."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from app.errors import ConfigurationError
from app.http.listener import CountingListener
from app.http.protocol import HandshakeLoop, limits_of, watched_protocol

if TYPE_CHECKING:
    from types import FrameType

    from fastapi import FastAPI

    from app.settings import Settings

BACKLOG: Final = 512
KEEP_ALIVE_S: Final = 5


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The certificate chain and its key, both PEM."""

    certificate: Path
    key: Path


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        ConfigurationError: the address is taken, or is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio sets TCP_NODELAY on accepted sockets only if theirs is, and without
    # it the second segment of every answer waits 40 ms for the client's acknowledgement of the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":
            # On POSIX this lets a restart follow at once; on Windows it would let others take the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as exc:
        listener.close()
        raise ConfigurationError("the broker cannot listen on this host and port") from exc
    return listener


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a server context: TLS 1.2 or newer, with this certificate.

    Raises:
        ConfigurationError: a file cannot be read, or the key is not the certificate's.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigurationError(
            "the TLS certificate and its key cannot be read, or do not belong to each other"
        ) from exc
    return context


def serve(
    app: FastAPI,
    settings: Settings,
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    *,
    on_listening: Callable[[], None] = lambda: None,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, then let what is under way finish for at most `stop_timeout_s`.

    `on_stop` is called at the signal, in its handler.
    """
    limits = limits_of(settings)
    config = uvicorn.Config(
        app,
        http=watched_protocol(limits),
        loop=f"{HandshakeLoop.__module__}:{HandshakeLoop.__name__}",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # An address that a header claims is anyone's word, but for that of the one proxy that is trusted.
        proxy_headers=settings.trusted_proxy is not None,
        forwarded_allow_ips=settings.trusted_proxy or "",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.stop_timeout_s,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
    )
    server = uvicorn.Server(config)
    _end_quietly(server, on_stop)
    on_listening()
    server.run(sockets=[CountingListener(listener, limits)])


def _end_quietly(server: uvicorn.Server, on_stop: Callable[[], None]) -> None:
    """Let a signal that ends the server end it only, however early it comes.

    The library raises the signal anew when it is done, under which the process would end as if killed.
    """

    def end(number: int, frame: FrameType | None) -> None:
        on_stop()
        server.handle_exit(number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in HANDLED_SIGNALS:
            signal.signal(number, end)
