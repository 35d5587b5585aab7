from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from app.cli.self_signed import write_certificate
from app.errors import ConfigurationError
from app.http.server import TlsFiles, bind, tls_context


def test_an_accepted_line_sends_at_once() -> None:
    """asyncio switches Nagle's algorithm off only where the socket says that it speaks TCP."""
    with (
        closing(bind("127.0.0.1", 0)) as listener,
        closing(socket.create_connection(listener.getsockname())),
    ):
        accepted, _ = listener.accept()
        with closing(accepted):
            assert accepted.proto == socket.IPPROTO_TCP


def test_every_cipher_suite_is_authenticated_and_forward_secret(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    files = TlsFiles(tmp_path / "broker.crt", tmp_path / "broker.key")
    ciphers = tls_context(files).get_ciphers()
    # TLS 1.3 has no others; of TLS 1.2, those whose key exchange is ephemeral.
    assert {cipher["protocol"] for cipher in ciphers} == {"TLSv1.2", "TLSv1.3"}
    older = [cipher for cipher in ciphers if cipher["protocol"] == "TLSv1.2"]
    assert {cipher["name"].split("-")[0] for cipher in older} <= {"ECDHE", "DHE"}
    assert [cipher["name"] for cipher in ciphers if cipher["strength_bits"] < 128] == []


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
