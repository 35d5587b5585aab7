"""The real server in a process of its own, over TLS on loopback."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from services.memory import resident_kib
from services.nginx import HTTP, proxying

from app.broker import open_broker
from app.http.listener import MORE_PER_ADDRESS, files_needed, raise_file_limit
from app.http.protocol import TLS_HANDSHAKE_S, ConnectionLimits
from app.matchlog.repository import entries_at
from app.security.tokens import new_token
from app.settings import read_settings
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.kinds import KINDS

PATIENCE_S = 60
BEGUN = b"POST /v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\na"


@contextmanager
def serving(state: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start `serve` on a free port, yield it and the port, and end it."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "app.cli",
            "--state",
            str(state),
            "serve",
            "--port",
            "0",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, process.communicate()[1]
        yield process, int(urlsplit(address).port or 0)
    finally:
        process.kill()
        process.communicate()


def trusting(state: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(state / "tls" / "broker.crt"))
    # What Python 3.13 asks for by default.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def get(
    state: Path,
    port: int,
    path: str,
    host: str = "127.0.0.1",
    source: tuple[str, int] | None = None,
    **headers: str,
) -> Any:
    connection = http.client.HTTPSConnection(
        host, port, context=trusting(state), timeout=PATIENCE_S, source_address=source
    )
    with closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def test_the_broker_answers_over_tls_alone_logs_nothing_secret_and_ends_when_it_is_told(
    broker: Any, state: Path
) -> None:
    token, old = new_token(), trusting(state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with serving(state) as (process, port), ExitStack() as lines:

        def line() -> socket.socket:
            made = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
            return lines.enter_context(closing(made))

        for host in ("127.0.0.1", "localhost"):
            status, headers, body = get(state, port, "/readyz", host)
            assert (status, json.loads(body)) == (200, {"status": "ready"}), host
        assert "server" not in {name.lower() for name in headers}
        assert get(state, port, "/v1/whoami")[0] == 401
        get(state, port, f"/v1/whoami?t={token}", authorization=f"Bearer {token}")
        get(state, port, "/canary-4711", **{"x-canary": "canary-4711"})
        with pytest.raises(ssl.SSLError):
            old.wrap_socket(line(), server_hostname="localhost")
        plain = line()
        plain.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"HTTP" not in plain.recv(1000)
        idle = lines.enter_context(
            closing(trusting(state).wrap_socket(line(), server_hostname="localhost"))
        )
        idle.sendall(b"GET / HTTP/1.1\r\n")
        process.send_signal(signal.SIGTERM)
        # Far less than the 30 s that a graceful stop may take, though a line is idle.
        _, log = process.communicate(timeout=20)
        # Windows has no SIGTERM to catch.
        assert os.name == "nt" or process.returncode == 0
        assert idle.fileno() >= 0
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert "broker_started" in events
    assert events.count("request_completed") == 5
    assert os.name == "nt" or events[-1] == "broker_stopped"
    assert token not in log
    assert "canary" not in log


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
def test_a_server_that_is_interrupted_ends_well_and_says_so(broker: Any, state: Path) -> None:
    with serving(state) as (process, _):
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    assert json.loads(log.splitlines()[-1])["event"] == "broker_stopped"


def failing(state: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "--state", str(state), "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def test_without_a_certificate_nothing_is_served(command: Any, state: Path) -> None:
    command("init")
    assert "there is no TLS certificate" in failing(state)


def test_without_tls_only_loopback_is_served(command: Any, state: Path) -> None:
    command("init")
    message = failing(state, "--insecure-plain-http", "--host", "0.0.0.0")
    assert "listens on loopback only" in message
    with serving(state, "--insecure-plain-http") as (process, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        with closing(connection):
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_S)
    assert "insecure_setting_used" in log


def test_a_broker_that_does_not_know_its_address_or_whose_port_is_taken_is_not_served(
    broker: Any, state: Path
) -> None:
    for host in ("0.0.0.0", "::"):
        said = failing(state, "--host", host)
        assert "does not know the one that agencies call" in said, host
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        assert "cannot listen" in failing(state, "--port", port)


@pytest.mark.long
def test_another_schema_is_not_served_and_brought_to_the_newest_if_asked(
    broker: Any, state: Path
) -> None:
    from alembic import command as alembic

    from app.db import Database
    from app.migrations.steps import config_for

    # There is one revision so far, before which is nothing at all.
    (state / "broker.db").unlink()
    database = Database(f"sqlite:///{state / 'broker.db'}")
    with database.engine.begin() as connection:
        alembic.stamp(config_for(connection), "base")
    database.close()
    assert "the database is empty" in failing(state)
    assert "no match log yet" in failing(state, "--migrate")


@pytest.mark.long
def test_settings_are_logged_when_a_broker_starts_with_others(
    broker: Any, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def logged() -> list[Any]:
        opened = open_broker(read_settings(state))
        with opened.database.read() as session:
            entries = [parse_entry(row[1], KINDS) for row in entries_at(session, "", 0, 100)]
        opened.close()
        return [entry.body for entry in entries if entry.kind == "configuration-changed"]

    assert "other than the match log has it" in broker("doctor").stdout
    for _ in range(2):
        with serving(state) as (_, port):
            assert get(state, port, "/readyz")[0] == 200
        assert len(logged()) == 1
    assert "configuration: as the match log has it" in broker("doctor").stdout
    monkeypatch.setenv("BLINDLINK_READS_PER_MINUTE", "77")
    with serving(state):
        pass
    assert [body.changed for body in logged()[1:]] == [("reads-per-minute",)]


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and 127.0.0.2")
@pytest.mark.campaign("slow-clients", database="sqlite")
def test_a_crowd_that_says_nothing_keeps_nobody_else_from_an_answer(
    broker: Any, state: Path
) -> None:
    n_idle = 1200
    raise_file_limit(n_idle + 200)
    with serving(state) as (process, port):
        files = Path(f"/proc/{process.pid}/fd")
        get(state, port, "/healthz")
        n_files, kib = len(list(files.iterdir())), resident_kib(process.pid)
        started_s = time.monotonic()
        crowd = [
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) for _ in range(n_idle)
        ]
        try:
            asked_s = time.monotonic()
            assert get(state, port, "/healthz", source=("127.0.0.2", 0))[0] == 200
            assert time.monotonic() - asked_s < 1
            held = ConnectionLimits().max_per_address + MORE_PER_ADDRESS
            assert len(list(files.iterdir())) <= n_files + held + 8
            for one in crowd:
                assert dropped(one)
            assert time.monotonic() - started_s < 3 * TLS_HANDSHAKE_S
            assert get(state, port, "/healthz")[0] == 200
            assert len(list(files.iterdir())) <= n_files + 8
            assert resident_kib(process.pid) - kib < 16 * 1024
        finally:
            for one in crowd:
                one.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.campaign("slow-clients", database="sqlite")
def test_what_closed_lines_held_comes_back(broker: Any, state: Path) -> None:
    with serving(state) as (process, port):
        get(state, port, "/healthz")
        kib = resident_kib(process.pid)
        with ExitStack() as crowd:
            for _ in range(100):
                line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
                line = trusting(state).wrap_socket(line, server_hostname="localhost")
                crowd.enter_context(line).sendall(BEGUN)
            time.sleep(1)
            assert resident_kib(process.pid) - kib > 16 * 1024
        deadline_s = time.monotonic() + PATIENCE_S
        while resident_kib(process.pid) - kib > 8 * 1024:
            assert time.monotonic() < deadline_s
            time.sleep(0.1)


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and addresses")
def test_behind_the_shipped_proxy_a_crowd_of_one_network_never_reaches_the_broker(
    broker: Any, state: Path, tmp_path: Path
) -> None:
    raise_file_limit(1000)
    limits = ConnectionLimits()
    with serving(state) as (process, port), proxying(tmp_path / "nginx", port) as at_proxy:
        files = Path(f"/proc/{process.pid}/fd")
        # The broker's own certificate: nobody in between opens what is said.
        assert get(state, at_proxy, "/readyz", "localhost")[0] == 200
        n_files = len(list(files.iterdir()))
        with ExitStack() as crowd:
            idle = [
                crowd.enter_context(
                    socket.create_connection(
                        ("127.0.0.1", at_proxy), PATIENCE_S, (f"127.0.7.{at % 200 + 1}", 0)
                    )
                )
                for at in range(4 * limits.max_per_address)
            ]
            asked_s = time.monotonic()
            assert get(state, at_proxy, "/readyz", source=("127.0.8.1", 0))[0] == 200
            assert time.monotonic() - asked_s < 1
            with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
                get(state, at_proxy, "/readyz", source=("127.0.7.1", 0))
            assert len(list(files.iterdir())) <= n_files + 2
            assert all(dropped(one) for one in idle)
        assert get(state, at_proxy, "/readyz", source=("127.0.7.1", 0))[0] == 200
    log = (tmp_path / "nginx" / "broker.log").read_text()
    assert " 127.0.8.1 200 " in log
    assert " 127.0.7.1 503 " in log


def sign_in(
    port: int, source: str, tls: ssl.SSLContext | None, forwarded: str | None = None
) -> int:
    """Try to open a session with a code that nobody has; returns the status."""
    place: Any = (source, 0)
    connection = (
        http.client.HTTPConnection("127.0.0.1", port, PATIENCE_S, place)
        if tls is None
        else http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=PATIENCE_S, source_address=place, context=tls
        )
    )
    headers = {"content-type": "application/json"}
    if forwarded is not None:
        headers["x-forwarded-for"] = forwarded
    with closing(connection):
        connection.request("POST", "/session", json.dumps({"code": new_token()}), headers)
        return connection.getresponse().status


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs addresses")
@pytest.mark.parametrize("is_trusted", [True, False])
def test_behind_a_proxy_each_caller_fails_alone_and_nobody_hides_behind_a_header(
    broker: Any, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    monkeypatch.setenv("BLINDLINK_SIGN_INS_PER_MINUTE", "4")
    if is_trusted:
        monkeypatch.setenv("BLINDLINK_TRUSTED_PROXY", "127.0.0.1")
    tls, own = trusting(state), state / "tls"
    files = {"crt": own / "broker.crt", "key": own / "broker.key"}
    with (
        serving(state, "--insecure-plain-http") as (_, port),
        proxying(tmp_path / "nginx", port, HTTP, **files) as at_proxy,
    ):
        seen = [sign_in(at_proxy, "127.0.8.1", tls) for _ in range(8)]
        assert seen[0] != 429 == seen[-1]
        assert sign_in(at_proxy, "127.0.8.1", tls, "127.0.8.77") == 429
        assert (sign_in(at_proxy, "127.0.8.2", tls) == 429) != is_trusted
        # Anyone who comes past the proxy is who they are, whatever they say.
        alone = [sign_in(port, "127.0.8.3", None, f"127.0.9.{at}") for at in range(8)]
        assert alone[0] != 429 == alone[-1]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs prlimit")
def test_the_server_may_open_as_many_files_as_it_may_need(broker: Any, state: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with serving(state) as (process, _):
            allowed, _ = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert allowed == files_needed(ConnectionLimits().max_connections)


def dropped(connection: socket.socket) -> bool:
    """Wait until the other side has closed a connection on which nothing was said."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
