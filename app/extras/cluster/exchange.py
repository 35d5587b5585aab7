"""The submitting side of an exchange: files of one attempt handed out, pairs of its blocks taken in.

Over mutual TLS, between this process and a worker, for as long as the attempt lives, to who knows its
reference. Nothing is written to a disk, and nothing that comes in is run.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

import numpy as np

from app.errors import ConfigurationError
from app.extras.cluster.fetching import CHUNK_BYTES, TIMEOUT_S
from app.extras.cluster.place import family_of
from app.extras.exhaustive.candidates import PAIR_BYTES, candidates_from_bytes
from app.extras.exhaustive.errors import DatasetError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from app.extras.cluster.place import Place
    from app.extras.exhaustive import Block, Candidates, Words

_LISTEN_BACKLOG: Final = 128
# Who has no certificate holds so many threads and files at most, each for so long.
MAX_HANDSHAKES: Final = 128
HANDSHAKE_S: Final = 3.0
# How long the end of an attempt waits at most.
_POLL_S: Final = 0.05


class Exchange:
    """The files of an attempt and the blocks that are awaited, served within a block of code.

    Attributes:
        reference: 256 random bits that name the attempt.
        host, port: where it listens.
    """

    def __init__(self, place: Place, datasets: Sequence[Words]) -> None:
        self.reference = secrets.token_urlsafe(32)
        self.host = place.own_host()
        self.arrived = threading.Event()
        self._files = [np.ascontiguousarray(words, dtype="<u8") for words in datasets]
        self._blocks: dict[int, Block] = {}
        # Weak, so that pairs go when whoever asked for them has them.
        self._awaited: WeakValueDictionary[int, Future[Candidates]] = WeakValueDictionary()
        try:
            self._server = _Server((self.host, place.data_port), place.tls(is_server=True), self)
        except OSError as exc:
            raise ConfigurationError(
                "nothing can listen on cluster_data_port", hint="another process may have it"
            ) from exc
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="cluster-exchange", daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._files.clear()

    def expect(self, block: Block) -> Future[Candidates]:
        """Return what will have the pairs of a block when a worker has brought them."""
        future: Future[Candidates] = Future()
        # From now on it cannot be cancelled: what comes is let lie.
        future.set_running_or_notify_cancel()
        self._blocks[block.number] = block
        self._awaited[block.number] = future
        return future

    def file(self, reference: str, number: int) -> memoryview | None:
        """Return the bytes of a file; None where nobody may have them."""
        if not self._is_meant(reference) or number >= len(self._files):
            return None
        words = self._files[number]
        return words.data.cast("B") if words.size else memoryview(b"")

    def most_bytes(self, reference: str, number: int) -> int | None:
        """Return how long the pairs of a block may be; None where none are awaited."""
        if not self._is_meant(reference) or number not in self._blocks:
            return None
        return PAIR_BYTES * self._blocks[number].n_comparisons

    def take(self, number: int, content: bytes) -> bool:
        """Take the pairs of a block in, False where they are none; who comes second brought the same."""
        block = self._blocks[number]
        try:
            pairs = candidates_from_bytes(content)
        except DatasetError:
            return False
        for side, start, stop in (
            (pairs.left, block.left_start, block.left_stop),
            (pairs.right, block.right_start, block.right_stop),
        ):
            if len(side) and not start <= int(side.min()) <= int(side.max()) < stop:
                return False
        future = self._awaited.get(number)
        if future is not None:
            with contextlib.suppress(InvalidStateError):
                future.set_result(pairs)
        self.arrived.set()
        return True

    def _is_meant(self, reference: str) -> bool:
        return hmac.compare_digest(reference.encode(), self.reference.encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = _LISTEN_BACKLOG

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, exchange: Exchange
    ) -> None:
        self.address_family = family_of(address[0])
        self.exchange = exchange
        self._context = context
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._handshakes = threading.BoundedSemaphore(MAX_HANDSHAKES)
        self._is_over = False
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a connection in a thread of its own, or drop it where too many are in their handshakes."""
        if self._handshakes.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the connection's own thread, so that nobody keeps others waiting by a slow handshake.
        try:
            request.settimeout(HANDSHAKE_S)
            tls = self._context.wrap_socket(request, server_side=True)
        finally:
            self._handshakes.release()
        with tls, self._known(tls):
            tls.settimeout(TIMEOUT_S)
            super().finish_request(tls, client_address)

    def hang_up(self) -> None:
        """End every connection, and those that are about to begin."""
        with self._lock:
            self._is_over = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    # Its own `shutdown` drops the TLS first: who still writes would do so in the clear.
                    socket.socket.shutdown(one, socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _known(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            if self._is_over:
                raise ConnectionAbortedError
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the standard library would print a traceback."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Hand out a file."""
        file = self.server.exchange.file(*self._named())
        if file is None:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        self._answer(HTTPStatus.OK, len(file))
        for start in range(0, len(file), CHUNK_BYTES):
            self.wfile.write(file[start : start + CHUNK_BYTES])

    def do_PUT(self) -> None:
        """Take in the pairs of a block."""
        reference, number = self._named()
        most = self.server.exchange.most_bytes(reference, number)
        text = self.headers.get("Content-Length", "")
        if most is None or not text.isdecimal() or int(text) > most:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        content = self.rfile.read(int(text))
        is_whole = len(content) == int(text)
        is_taken = is_whole and self.server.exchange.take(number, content)
        self._answer(HTTPStatus.OK if is_taken else HTTPStatus.BAD_REQUEST)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the path holds the reference."""

    def _named(self) -> tuple[str, int]:
        reference, _, number = self.path.removeprefix("/").partition("/")
        is_number = number.isascii() and number.isdecimal() and len(number) < 10
        return (reference, int(number)) if is_number else ("", 0)

    def _answer(self, status: HTTPStatus, n_bytes: int = 0) -> None:
        self.close_connection = True
        self.send_response_only(status)
        self.send_header("Content-Length", str(n_bytes))
        self.end_headers()
