from __future__ import annotations

import socket
from contextlib import closing

import pytest

from app.errors import ConfigurationError
from app.http.server import bind


def test_an_accepted_line_sends_at_once() -> None:
    """asyncio switches Nagle's algorithm off only where the socket says that it speaks TCP."""
    with (
        closing(bind("127.0.0.1", 0)) as listener,
        closing(socket.create_connection(listener.getsockname())),
    ):
        accepted, _ = listener.accept()
        with closing(accepted):
            assert accepted.proto == socket.IPPROTO_TCP


def test_a_taken_port_is_refused() -> None:
    with closing(bind("127.0.0.1", 0)) as taken, pytest.raises(ConfigurationError):
        bind("127.0.0.1", taken.getsockname()[1])


def test_a_host_that_is_not_this_machines_is_refused() -> None:
    # RFC 5737: an address for documentation, which nobody has.
    with pytest.raises(ConfigurationError):
        bind("192.0.2.1", 0)


def test_a_port_may_be_taken_again_at_once() -> None:
    with closing(bind("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))):
            first.accept()[0].close()
    bind("127.0.0.1", port).close()
