"""What a client does when the broker refuses, is late, or is not there."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rigs.near_broker import ADDRESS, NearBroker, problem
from samples.refusals import raises

from encoding.broker.client import BrokerClient
from encoding.broker.connection import Connection, Waiting, certificates_in
from encoding.broker.credential import SignIn
from encoding.errors import (
    BrokerAnswerError,
    BrokerRefusedError,
    BrokerUnreachableError,
    ConfigError,
    NotAuthorisedError,
)
from schemas.api.bodies import UploadRequest
from schemas.shared import slow_answers


class Sleeps(list[float]):
    """Counts the seconds that a client would have slept."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def sleeps() -> Sleeps:
    """What the clients of this test have waited, without waiting."""
    return Sleeps()


@pytest.fixture
def client(broker: NearBroker, sleeps: Sleeps) -> Iterator[BrokerClient]:
    """An agency's connection to the broker, signed in."""
    sign_in = SignIn(broker.seated("welfare"), ADDRESS, lambda: broker.now)
    waiting = Waiting(patience_s=20, sleep=sleeps)
    connection = Connection(ADDRESS, sign_in, waiting=waiting, transport=broker.courier)
    with BrokerClient(connection) as client:
        client.whoami()
        broker.courier.requests.clear()
        yield client


class FailFirst:
    """Answers the first requests with a failure."""

    def __init__(self, n_failures: int, fail: Callable[[], httpx2.Response]) -> None:
        self.left = n_failures
        self.fail = fail

    def __call__(self, request: httpx2.Request) -> httpx2.Response | None:
        self.left -= 1
        return self.fail() if self.left >= 0 else None


def lose_connection() -> httpx2.Response:
    raise httpx2.ReadError("connection reset by peer")


def refuse_connection() -> httpx2.Response:
    raise httpx2.ConnectError("connection refused")


def answering(status: int, **more: Any) -> Callable[[], httpx2.Response]:
    return lambda: httpx2.Response(status, content=b"x", **more)


def test_passing_failure_is_tried_again_until_the_patience_ends(
    broker: NearBroker, client, sleeps
) -> None:
    failures = [lose_connection, refuse_connection]
    for fail in (*failures, *map(answering, (429, 500, 502, 503, 504))):
        broker.courier.before = FailFirst(3, fail)
        sleeps.clear()
        assert client.project("foster-pupils").project == "foster-pupils"
        assert len(sleeps) == 3
        assert sleeps[0] < 1 < sum(sleeps)
    for fail in failures:
        broker.courier.before = FailFirst(999, fail)
        sleeps.clear()
        with pytest.raises(BrokerUnreachableError) as caught:
            client.project("foster-pupils")
        assert caught.value.exit_code == 5
        # Five pauses of half of 0.5, 1, 2, 4 and 8 s are the least after which the next may be too long.
        assert 7.75 <= sum(sleeps) <= 20


def test_retry_after_is_honoured_unless_it_is_absurd(broker: NearBroker, client, sleeps) -> None:
    broker.courier.before = FailFirst(1, answering(429, headers={"Retry-After": "7"}))
    client.project("foster-pupils")
    assert sleeps[0] >= 7
    sleeps.clear()
    broker.courier.before = FailFirst(99, answering(429, headers={"Retry-After": "9" * 40}))
    with pytest.raises(BrokerRefusedError):
        client.project("foster-pupils")
    assert sleeps == []


def test_question_whose_answer_was_lost_is_asked_again_under_the_same_idempotency_key(
    broker: NearBroker, client: BrokerClient
) -> None:
    keys: list[str | None] = []

    def lose_first(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        keys.append(request.headers.get("Idempotency-Key"))
        return lose_connection() if len(keys) == 1 else response

    broker.courier.after = lose_first
    request = UploadRequest(
        epoch=1,
        round=1,
        partner="schools",
        profile="a" * 64,
        key_id="b" * 16,
        container_sha256="c" * 64,
        container_bytes=99,
        head_bytes=40,
        records=1,
        rows=1,
    )
    with pytest.raises(BrokerRefusedError):
        client.open_upload("foster-pupils", request)
    assert keys[0] is not None
    assert keys == keys[:1] * 2


@pytest.mark.parametrize("status", [401, 403])
def test_unknown_token_is_not_authorised_and_not_tried_again(
    broker: NearBroker, sleeps: Sleeps, status: int
) -> None:
    refusal = problem(status, "token-unknown", detail="The token has expired.")
    broker.courier.before = FailFirst(1, lambda: refusal)
    waiting = Waiting(patience_s=20, sleep=sleeps)
    connection = Connection(ADDRESS, None, waiting=waiting, transport=broker.courier)
    with (
        BrokerClient(connection) as client,
        pytest.raises(
            NotAuthorisedError, match=r"the broker says: the token has expired$"
        ) as caught,
    ):
        client.project("foster-pupils")
    assert caught.value.exit_code == 4
    assert sleeps == []


def test_a_refusal_is_told_at_once_with_clause_and_hint_and_without_control_characters(
    broker: NearBroker, client, sleeps
) -> None:
    def refused(answer: httpx2.Response, said: str) -> BrokerRefusedError:
        broker.courier.before = FailFirst(1, lambda: answer)
        with pytest.raises(BrokerRefusedError, match=said) as caught:
            client.project("foster-pupils")
        return caught.value

    full = problem(507, "storage-full", detail="The broker's disk is nearly full.")
    assert refused(full, "the broker's disk is nearly full").exit_code == 1
    ended = problem(
        409, "not-in-force", detail="The project has ended.", clause="end", hint="Sign."
    )
    found = refused(ended, r"the project has ended \(clause end\)")
    assert (found.exit_code, found.problem, found.hint) == (1, "not-in-force", "sign")
    steering = refused(problem(409, "x", detail="\x1b]0;owned\x07\u202eNo\n"), "owned")
    assert str(steering).isprintable()
    # Without a problem document it gives the status; a redirect is not followed.
    refused(httpx2.Response(404, content=b"<html>"), "status 404")
    n_asked = len(broker.courier.requests)
    headers = {"Location": "https://elsewhere.test/"}
    refused(httpx2.Response(302, content=b"", headers=headers), "status 302")
    assert len(broker.courier.requests) == n_asked + 1
    assert sleeps == []


def test_answer_that_breaks_its_format_is_refused(broker, client) -> None:
    for body in (b"", b"[]", b'{"project": 1}', b'{"a": NaN}', b"\xff"):
        broker.courier.before = FailFirst(1, lambda body=body: httpx2.Response(200, content=body))
        with pytest.raises(BrokerAnswerError):
            client.project("foster-pupils")


def test_endless_answer_is_cut_off() -> None:
    def endless(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=(b"x" * 10**6 for _ in range(10**9)))

    transport = httpx2.MockTransport(endless)
    with (
        BrokerClient(Connection(ADDRESS, None, transport=transport)) as client,
        pytest.raises(BrokerAnswerError, match="too long"),
    ):
        client.project("foster-pupils")


def test_an_answer_of_more_values_than_any_has_is_refused_before_it_is_read() -> None:
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, stream=httpx2.ByteStream(b"[" + b"[]," * 300_000 + b"[]]"))
    )
    with (
        BrokerClient(Connection(ADDRESS, None, transport=transport)) as client,
        pytest.raises(BrokerAnswerError, match="too many values"),
    ):
        client.project("foster-pupils")


def test_a_date_beyond_all_calendars_is_no_clock(broker: NearBroker, client) -> None:
    refused = problem(401, "not-signed-in", detail="Sign in.")
    refused.headers["Date"] = "Thu, 01 Jan 99999999999 00:00:00 GMT"
    broker.courier.before = FailFirst(1, lambda: refused)
    with pytest.raises(NotAuthorisedError) as caught:
        client.whoami()
    assert "confirm your keys first" in str(caught.value.hint)


@pytest.mark.needs("process")
@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 503 No\r\n\r\n", b"x"),
    ],
)
def test_an_answer_that_drips_is_cut_off_and_the_next_one_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleeps, start: bytes, again: bytes
) -> None:
    monkeypatch.setattr(slow_answers, "GRACE_S", 0.4)
    is_over, asked = threading.Event(), 0

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal asked
            asked += 1
            if asked > 1:
                self.send_error(404)
                return
            with contextlib.suppress(OSError):
                self.wfile.write(start)
                while not is_over.wait(0.02):
                    self.wfile.write(again)

        def log_message(self, *args: object) -> None:
            pass

    with serving(tmp_path, handler=Dripping) as served:
        tls = certificates_in(served.ca_file)
        waiting = Waiting(patience_s=3, sleep=sleeps)
        with BrokerClient(Connection(served.url, None, tls=tls, waiting=waiting)) as client:
            with pytest.raises(BrokerUnreachableError, match="too slowly"):
                client.project("foster-pupils")
            with pytest.raises(BrokerRefusedError, match="status 404"):
                client.project("foster-pupils")
        is_over.set()
    assert sleeps == []


class Served(NamedTuple):
    url: str
    ca_file: Path


@contextlib.contextmanager
def serving(
    tmp_path: Path,
    days: tuple[int, int] = (-1, 1),
    address: str = "127.0.0.1",
    handler: type[BaseHTTPRequestHandler] | None = None,
) -> Iterator[Served]:
    """Run an HTTPS server on loopback, with a certificate from one day to another, for one address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    ca_file = tmp_path / "broker-ca.pem"
    ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    chain = tmp_path / "chain.pem"
    chain.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + ca_file.read_bytes()
    )

    class Quiet(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with HTTPServer(("127.0.0.1", 0), handler or Quiet) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Served(f"https://127.0.0.1:{server.server_port}", ca_file)
        server.shutdown()
        thread.join()


def test_a_certificate_is_refused_at_once_until_it_is_given(tmp_path: Path, sleeps) -> None:
    with serving(tmp_path, (-1, 1), "127.0.0.1") as served:
        with pytest.raises(BrokerUnreachableError, match="does not trust") as caught:
            ask(served.url, None, sleeps)
        assert "ca_file" in str(caught.value.hint)
        assert sleeps == []
        with pytest.raises(BrokerRefusedError, match="status 404"):
            ask(served.url, certificates_in(served.ca_file), sleeps)


def ask(url: str, tls: ssl.SSLContext | None, sleep: Callable[[float], None]) -> None:
    waiting = Waiting(patience_s=3, sleep=sleep)
    with BrokerClient(Connection(url, None, tls=tls, waiting=waiting)) as client:
        client.project("foster-pupils")


def test_a_server_without_tls_is_told_at_once(sleeps) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(BrokerUnreachableError, match="does not use TLS"):
            ask(f"https://127.0.0.1:{server.server_port}", None, sleeps)
        thread.join()
    assert sleeps == []


def test_a_name_that_nobody_has_and_a_closed_port_are_told(sleeps) -> None:
    with pytest.raises(BrokerUnreachableError, match="no computer has the name nowhere"):
        ask("https://nowhere.invalid", None, sleeps)
    with pytest.raises(BrokerUnreachableError, match=r"cannot be reached at 127\.0\.0\.1, port 1"):
        ask("https://127.0.0.1:1", None, sleeps)


def test_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    with raises(ConfigError, match="there is no file"):
        certificates_in(path)
    path.write_bytes(b"no certificate")
    with raises(ConfigError, match="has no certificate in PEM format"):
        certificates_in(path)


def test_who_waits_is_told_once_and_for_how_long() -> None:
    told: list[str] = []
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{nobody.getsockname()[1]}"
        waiting = Waiting(patience_s=20, sleep=lambda _: None, tell=told.append)
        with (
            BrokerClient(Connection(url, None, waiting=waiting)) as client,
            pytest.raises(BrokerUnreachableError),
        ):
            client.project("foster-pupils")
    (sentence,) = told
    assert sentence.endswith("; trying again for up to 20 s")


def test_a_connection_that_is_long_in_coming_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a firewall that drops what is sent: the computer waits for seconds, and nothing comes."""
    told = threading.Event()

    def connect(*_: object, **__: object) -> object:
        assert told.wait(60)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    waiting = Waiting(patience_s=0, tell=lambda _: told.set())
    with (
        BrokerClient(Connection("https://127.0.0.1:1", None, waiting=waiting)) as client,
        pytest.raises(BrokerUnreachableError),
    ):
        client.project("foster-pupils")


@pytest.mark.parametrize(
    ("days", "address", "said", "hint"),
    [
        ((-2, -1), "127.0.0.1", "by the clock of this computer .* has expired", "date and time"),
        ((1, 2), "127.0.0.1", "by the clock of this computer .* is not valid yet", "date and time"),
        ((-1, 1), "127.0.0.2", "for a different address", "the broker's address"),
    ],
)
def test_what_is_wrong_with_a_trusted_certificate_is_said(
    tmp_path: Path, sleeps, days: tuple[int, int], address: str, said: str, hint: str
) -> None:
    with (
        serving(tmp_path, days, address) as served,
        pytest.raises(BrokerUnreachableError, match=said) as caught,
    ):
        ask(served.url, certificates_in(served.ca_file), sleeps)
    assert hint in str(caught.value.hint)
    assert "ca_file" not in str(caught.value.hint)
    assert sleeps == []
