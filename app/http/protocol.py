"""HTTP/1.1 with deadlines: anyone who sends too slowly, reads too slowly or holds too many lines is cut off.

uvicorn waits for ever for a head or a body that does not come, and its graceful stop waits with it. This is
its own protocol with a watch beside it; parsing and answering stay as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.errors import MALFORMED_HTTP, TOO_SLOW, BrokerError, RefusedError, UnavailableError
from app.http.envelope import REQUEST_ID_HEADER, SECURITY_HEADERS
from app.http.problems import RETRY_AFTER_S
from app.ids import new_id
from app.problem_details import problem_of
from app.settings import Settings
from schemas.documents.ids import REQUEST_PREFIX
from schemas.documents.problem import MEDIA_TYPE
from schemas.rounds.upload import MAX_PART_BYTES

log = structlog.get_logger()

# The longest request line and headers together; ours are far shorter, and h11 holds them in memory.
MAX_HEAD_BYTES: Final = 16 * 1024
# A reader that has not taken the 48 KiB between asyncio's two water marks by then is not reading.
WRITE_TIMEOUT_S: Final = 60.0
# What a refused sender gets to read its refusal before the connection is dropped.
LINGER_S: Final = 2.0
TLS_HANDSHAKE_S: Final = 3.0
TLS_SHUTDOWN_S: Final = 2.0


class TooManyConnectionsError(UnavailableError):
    """There are as many connections as the broker holds, in all or from this address."""

    code = "too-many-connections"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How long the broker waits, in seconds, and how many connections it holds.

    A body may take `body_timeout_s` for each begun `MAX_PART_BYTES` of it, and after `body_grace_s` must have
    come at `body_bytes_per_s`; the time in which the broker itself does not read is not counted. The watch
    looks every `tick_s`.
    """

    head_timeout_s: float = 10.0
    body_timeout_s: float = 120.0
    body_grace_s: float = 10.0
    body_bytes_per_s: float = 16 * 1024
    write_timeout_s: float = WRITE_TIMEOUT_S
    max_connections: int = 512
    max_per_address: int = 128
    tick_s: float = 1.0


def limits_of(settings: Settings) -> ConnectionLimits:
    """Return the limits that the settings ask for; behind a proxy all come from one address."""
    return ConnectionLimits(
        head_timeout_s=settings.head_timeout_s,
        body_timeout_s=settings.body_timeout_s,
        body_grace_s=settings.body_grace_s,
        body_bytes_per_s=settings.body_bytes_per_s,
        max_connections=settings.max_connections,
        max_per_address=settings.max_connections
        if settings.insecure_plain_http or settings.trusted_proxy is not None
        else settings.max_connections_per_address,
    )


def watched_protocol(limits: ConnectionLimits) -> type[H11Protocol]:
    """Return the protocol class for uvicorn's `http` setting, with these limits."""
    return type("WatchedProtocolWithLimits", (WatchedProtocol,), {"limits": limits})


class WatchedProtocol(H11Protocol):
    """uvicorn's protocol, watched once a tick for a head, body or reader that is too slow."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = StrictConnection(h11.SERVER, MAX_HEAD_BYTES)
        self._ticker: asyncio.TimerHandle | None = None
        self._phase: object = None
        self._waited_s = 0.0
        self._received_bytes = 0
        self._unread_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it where there are too many."""
        super().connection_made(transport)
        if self._is_beyond_cap():
            self._cut(TooManyConnectionsError("The broker holds too many connections already."))
            return
        self._tick_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes of a head or body."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._note_phase()
        self._received_bytes += len(data)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP as a problem; uvicorn's own answer is plain text."""
        del msg
        self._cut(RefusedError(MALFORMED_HTTP, "The request is not valid HTTP."))

    def _note_phase(self) -> None:
        # A new head or body starts the watch anew; one that trickles on does not.
        phase = (self.conn.their_state, self.cycle)
        if phase != self._phase:
            self._phase = phase
            self._waited_s = 0.0
            self._received_bytes = 0

    def _tick_later(self) -> None:
        self._ticker = self.loop.call_later(self.limits.tick_s, self._tick)

    def _tick(self) -> None:
        if self.transport.is_closing():
            return
        self._note_phase()
        self._watch_reader()
        # Between requests uvicorn's own keep-alive timer runs; it stops at the first byte of a head.
        if self.timeout_keep_alive_task is not None:
            self._waited_s = 0.0
        elif not self.flow.read_paused:
            self._waited_s += self.limits.tick_s
        if self._is_too_slow():
            self._cut(RefusedError(TOO_SLOW, "The request was too slow and was cut off."))
        elif not self.transport.is_closing():
            self._tick_later()

    def _is_too_slow(self) -> bool:
        limits, state = self.limits, self.conn.their_state
        if state is h11.IDLE:
            return self._waited_s >= limits.head_timeout_s
        if state is not h11.SEND_BODY:
            return False
        is_under_rate = self._received_bytes < self._waited_s * limits.body_bytes_per_s
        # Messages and deliveries are many times as long as a part, and come over the same lines.
        n_begun = 1 + self._received_bytes // MAX_PART_BYTES
        return self._waited_s >= n_begun * limits.body_timeout_s or (
            self._waited_s >= limits.body_grace_s and is_under_rate
        )

    def _watch_reader(self) -> None:
        self._unread_s = self._unread_s + self.limits.tick_s if self.flow.write_paused else 0.0
        if self._unread_s >= self.limits.write_timeout_s:
            log.info("connection_cut", code="slow-reader")
            self.transport.abort()

    def _is_beyond_cap(self) -> bool:
        mine = self.client[0] if self.client else None
        # All of them are of this class, whatever uvicorn's own protocols are.
        clients = [getattr(other, "client", None) for other in self.connections]
        addresses = [client[0] for client in clients if client]
        return (
            len(self.connections) > self.limits.max_connections
            or addresses.count(mine or "") > self.limits.max_per_address
        )

    def _cut(self, error: BrokerError) -> None:
        log.info("connection_cut", code=error.code)
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.write(_raw_answer(error))
            self.loop.call_later(LINGER_S, self.transport.abort)
            self.transport.close()
        else:
            self.transport.abort()


def _raw_answer(error: BrokerError) -> bytes:
    problem = problem_of(error, new_id(REQUEST_PREFIX))
    body = problem.to_canonical()
    lines = [
        f"HTTP/1.1 {error.status} Refused",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        f"{REQUEST_ID_HEADER}: {problem.request}",
        *(f"{name}: {value}" for name, value in SECURITY_HEADERS.items()),
        "connection: close",
    ]
    if error.status == UnavailableError.status:
        lines.append(f"retry-after: {RETRY_AFTER_S}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


class StrictConnection(h11.Connection):
    """h11, and no head that is too long or ambiguous: h11 limits a head only while it is not whole."""

    def next_event(self) -> Any:
        """Return what came next."""
        n_waiting = len(self.trailing_data[0]) if self.their_state is h11.IDLE else 0
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if n_waiting - len(self.trailing_data[0]) > MAX_HEAD_BYTES:
                raise h11.RemoteProtocolError("the head is too long")
            if names >= {b"content-length", b"transfer-encoding"}:
                raise h11.RemoteProtocolError("the body has two lengths")
        return event


class HandshakeLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers wait for TLS 3 s at the start and 2 s at the end, not 60 and 30."""

    async def create_server(self, *args: Any, **kwargs: Any) -> asyncio.Server:
        """Start a server, with deadlines for both handshakes where it speaks TLS."""
        if kwargs.get("ssl") is not None:
            kwargs.setdefault("ssl_handshake_timeout", TLS_HANDSHAKE_S)
            kwargs.setdefault("ssl_shutdown_timeout", TLS_SHUTDOWN_S)
        start: Callable[..., Any] = super().create_server
        server: asyncio.Server = await start(*args, **kwargs)
        return server
