"""Slow senders, slow readers and crowds, on real sockets against the real server."""

from __future__ import annotations

import json
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from app.cli.self_signed import write_certificate
from app.http import protocol
from app.http.envelope import SECURITY_HEADERS
from app.http.listener import MORE_PER_ADDRESS, CountingListener
from app.http.protocol import (
    MAX_HEAD_BYTES,
    ConnectionLimits,
    HandshakeLoop,
    limits_of,
    watched_protocol,
)
from app.http.server import TlsFiles, tls_context
from app.settings import Settings
from schemas.documents.problem import Problem
from schemas.rounds.upload import MAX_PART_BYTES

# A hundredth of what the broker waits, so that the tests need not.
LIMITS = ConnectionLimits(
    head_timeout_s=0.3,
    body_timeout_s=1.5,
    body_grace_s=0.3,
    body_bytes_per_s=1000,
    write_timeout_s=0.5,
    max_connections=8,
    max_per_address=6,
    tick_s=0.05,
)
# When a cut must have come at the latest, however busy the machine is.
PATIENCE_S = 15.0


def make_app() -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.post("/count")
    async def count(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    @app.post("/busy")
    async def busy(request: Request) -> int:
        """Read nothing for longer than any deadline, then all."""
        import asyncio

        await asyncio.sleep(1.0)
        return sum([len(chunk) async for chunk in request.stream()])

    @app.get("/flood")
    def flood() -> StreamingResponse:
        return StreamingResponse(b"x" * 65_536 for _ in range(2000))

    return app


class RunningServer:
    def __init__(self, limits: ConnectionLimits, tls: ssl.SSLContext | None = None) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        config = uvicorn.Config(
            make_app(),
            http=watched_protocol(limits),
            loop=f"{HandshakeLoop.__module__}:{HandshakeLoop.__name__}",
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_keep_alive=1,
            timeout_graceful_shutdown=1,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
        self.server = uvicorn.Server(config)
        counting = CountingListener(self.listener, limits)
        self.thread = threading.Thread(target=self.server.run, args=([counting],))
        self.thread.start()

    def connect(self) -> closing[socket.socket]:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        return closing(made)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()

    def connections(self) -> int:
        return len(self.server.server_state.connections)


Start = Callable[..., RunningServer]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[RunningServer] = []

    def begin(limits: ConnectionLimits, tls: ssl.SSLContext | None = None) -> RunningServer:
        running.append(RunningServer(limits, tls))
        return running[-1]

    yield begin
    for server in running:
        server.stop()


@pytest.fixture
def server(start: Start) -> RunningServer:
    return start(LIMITS)


def read_all(connection: socket.socket) -> bytes:
    """Read until the server closes; a reset ends it as well."""
    received = bytearray()
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return bytes(received)


def problem_in(answer: bytes) -> Problem:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    problem = Problem.from_canonical(body)
    assert f"x-request-id: {problem.request}".encode() in head.splitlines()
    return problem


def get(server: RunningServer, path: str = "/none") -> bytes:
    with server.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        return read_all(connection)


@pytest.mark.campaign("slow-clients")
def test_a_head_that_does_not_come_is_cut_off(server: RunningServer) -> None:
    for start_of_head in (b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n"):
        with server.connect() as connection:
            connection.sendall(start_of_head)
            assert problem_in(read_all(connection)).code == "too-slow", start_of_head
    # A body that does not come is cut off.
    with server.connect() as connection:
        connection.sendall(b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345")
        assert problem_in(read_all(connection)).code == "too-slow"


@pytest.mark.campaign("slow-clients")
def test_a_head_that_trickles_on_is_cut_off_all_the_same(server: RunningServer) -> None:
    answer = trickle(server, b"GET / HTTP/1.1\r\n", b"a: b\r\n")
    assert problem_in(answer).status == 408


@pytest.mark.campaign("slow-clients")
def test_a_body_that_trickles_on_below_the_rate_is_cut_off(server: RunningServer) -> None:
    head = b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
    assert problem_in(trickle(server, head, b"x")).code == "too-slow"


@pytest.mark.campaign("slow-clients")
def test_a_chunked_body_that_never_ends_is_cut_off(server: RunningServer) -> None:
    head = b"POST /count HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    fast_enough = b"%x\r\n%b\r\n" % (500, b"x" * 500)
    assert problem_in(trickle(server, head, fast_enough)).code == "too-slow"


def test_a_body_above_the_rate_may_take_its_time(start: Start) -> None:
    server = start(replace(LIMITS, body_timeout_s=60, body_bytes_per_s=100))
    with server.connect() as connection:
        connection.sendall(b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 8000\r\n")
        connection.sendall(b"connection: close\r\n\r\n")
        for _ in range(8):
            connection.sendall(b"x" * 1000)
            pause(0.1)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"8000")


def test_a_large_body_may_take_as_long_as_its_parts_would_one_by_one(server: RunningServer) -> None:
    with server.connect() as connection:
        head = f"content-length: {4 * MAX_PART_BYTES}\r\nconnection: close\r\n\r\n"
        connection.sendall(b"POST /count HTTP/1.1\r\nhost: x\r\n" + head.encode())
        for _ in range(4):
            connection.sendall(b"x" * MAX_PART_BYTES)
            pause(LIMITS.body_timeout_s / 2)
        assert read_all(connection).endswith(str(4 * MAX_PART_BYTES).encode())


def test_the_time_in_which_the_broker_does_not_read_is_not_the_senders(
    server: RunningServer,
) -> None:
    size = 4 * 1024 * 1024
    with server.connect() as connection:
        head = (
            f"POST /busy HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * size)
        assert read_all(connection).endswith(str(size).encode())


@pytest.mark.campaign("slow-clients")
def test_a_reader_that_does_not_read_is_cut_off(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")
        wait_until(lambda: server.connections() == 1)
        wait_until(lambda: server.connections() == 0)
        assert len(read_all(connection)) < 2000 * 65_536


@pytest.mark.campaign("slow-clients")
def test_an_idle_line_between_requests_is_closed(server: RunningServer) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /none HTTP/1.1\r\nhost: x\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 404")


@pytest.mark.campaign("slow-clients")
def test_good_senders_are_served_while_others_dawdle(start: Start) -> None:
    server = start(replace(LIMITS, max_connections=200, max_per_address=200))
    dawdlers = [server.connect() for _ in range(100)]
    for number, dawdler in enumerate(dawdlers):
        dawdler.thing.sendall(b"GET / HTTP/1.1\r\n" if number % 2 else b"")
    assert all(get(server).startswith(b"HTTP/1.1 404") for _ in range(20))
    wait_until(lambda: server.connections() == 0)
    for dawdler in dawdlers:
        dawdler.thing.close()


def test_one_address_gets_no_more_than_its_share(start: Start) -> None:
    server = start(replace(LIMITS, head_timeout_s=PATIENCE_S))
    with_share = [server.connect() for _ in range(LIMITS.max_per_address)]
    wait_until(lambda: server.connections() == LIMITS.max_per_address)
    with server.connect() as connection:
        answer = read_all(connection)
    problem = problem_in(answer)
    assert (problem.status, problem.code) == (503, "too-many-connections")
    assert b"retry-after: " in answer
    for connection in with_share:
        connection.thing.close()
    wait_until(lambda: server.connections() == 0)
    assert get(server).startswith(b"HTTP/1.1 404")


@pytest.mark.campaign("slow-clients")
def test_a_crowd_before_its_handshake_is_dropped_at_once(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "TLS_HANDSHAKE_S", PATIENCE_S)
    server = start(LIMITS, tls_of(tmp_path))
    with ExitStack() as stack:

        def is_dropped() -> bool:
            one = stack.enter_context(server.connect())
            return bool(select.select([one], [], [], 0.2)[0]) and read_all(one) == b""

        first = stack.enter_context(server.connect())
        others = [is_dropped() for _ in range(LIMITS.max_per_address + MORE_PER_ADDRESS - 1)]
        assert not any(others)
        assert is_dropped()
        assert is_dropped()
        first.close()
        wait_until(lambda: not is_dropped())


@pytest.mark.parametrize("start_of_hello", [b"", b"\x16\x03\x01\x02\x00\x01"])
@pytest.mark.campaign("slow-clients")
def test_a_tls_handshake_that_does_not_come_is_cut_off(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_of_hello: bytes
) -> None:
    monkeypatch.setattr(protocol, "TLS_HANDSHAKE_S", 0.3)
    with start(LIMITS, tls_of(tmp_path)).connect() as connection:
        connection.sendall(start_of_hello)
        assert read_all(connection) == b""


def test_behind_a_proxy_all_come_from_one_address(tmp_path: Path) -> None:
    direct = limits_of(Settings(state_dir=tmp_path))
    proxied = limits_of(Settings(state_dir=tmp_path, insecure_plain_http=True))
    named = limits_of(Settings(state_dir=tmp_path, trusted_proxy="127.0.0.1"))
    assert direct.max_per_address < direct.max_connections == proxied.max_per_address
    assert named == proxied


NOISE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"canary-4711\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: canary-4711\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"a: " + b"x" * 2 * MAX_HEAD_BYTES,
    b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\na:" + b" " * MAX_HEAD_BYTES + b"\r\n\r\n",
    b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n"
    b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
)


def test_what_is_not_http_is_refused_as_a_problem(server: RunningServer) -> None:
    for noise in NOISE:
        with server.connect() as connection:
            connection.sendall(noise)
            answer = read_all(connection)
        assert problem_in(answer).code == "malformed-http", noise[:60]
        assert b"canary-4711" not in answer


def test_a_pipelined_request_is_served_after_the_one_before(server: RunningServer) -> None:
    with server.connect() as connection:
        one = b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
        connection.sendall(one + one.replace(b"host: x", b"host: x\r\nconnection: close"))
        assert read_all(connection).count(b"HTTP/1.1 200") == 2


def test_a_pipelined_head_is_no_longer_than_any_other(server: RunningServer) -> None:
    one = b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
    longer = one.replace(b"host: x", b"host: x\r\na: " + b"x" * MAX_HEAD_BYTES)
    with server.connect() as connection:
        connection.sendall(one + longer)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert problem_in(answer[answer.rindex(b"HTTP/1.1") :]).code == "malformed-http"


def test_a_head_of_almost_the_limit_is_taken(server: RunningServer) -> None:
    with server.connect() as connection:
        head = b"GET /none HTTP/1.1\r\nhost: x\r\nconnection: close\r\na: "
        connection.sendall(head + b"x" * (MAX_HEAD_BYTES - len(head) - 4) + b"\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 404")


@pytest.mark.campaign("slow-clients")
def test_the_server_stops_in_time_whoever_dawdles(start: Start) -> None:
    server = start(replace(LIMITS, head_timeout_s=60, body_timeout_s=60, body_grace_s=60))
    with server.connect() as idle, server.connect() as half:
        half.sendall(b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n1")
        wait_until(lambda: server.connections() == 2)
        server.server.should_exit = True
        server.thread.join(PATIENCE_S)
        assert not server.thread.is_alive()
        assert idle.fileno() >= 0


def tls_of(folder: Path) -> ssl.SSLContext:
    write_certificate(folder / "tls")
    return tls_context(TlsFiles(folder / "tls" / "broker.crt", folder / "tls" / "broker.key"))


def trickle(server: RunningServer, head: bytes, piece: bytes) -> bytes:
    """Send the head, then a piece every now and then, until the server has had enough."""
    with server.connect() as connection:
        connection.sendall(head)
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            # Anyone who sends to a server that has closed meanwhile gets a reset in place of the answer.
            answered, _, _ = select.select([connection], [], [], 0.1)
            if answered:
                return connection.recv(65_536)
            connection.sendall(piece)
    raise AssertionError("the server waited for ever")


def pause(seconds: float) -> None:
    """Be slow, as the one thing that these tests are about."""
    threading.Event().wait(seconds)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s
        pause(0.02)


def test_refusals_of_the_protocol_are_canonical_and_have_the_security_headers(
    server: RunningServer,
) -> None:
    with server.connect() as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        raw, _, body = read_all(connection).partition(b"\r\n\r\n")
    sent = dict(line.split(": ", 1) for line in raw.decode("ascii").split("\r\n")[1:])
    assert {name: sent.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    # Problems of the protocol are canonical.
    assert json.loads(body)["type"] == "urn:blindlink:problem:malformed-http"
