"""An application that is asked in memory, in the asking thread: no event loop, and no thread beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from typing import Any, Final
from urllib.parse import unquote

import anyio.to_thread
import httpx2
from starlette.types import Message

_hand_to_a_thread: Final = anyio.to_thread.run_sync
_asking = threading.local()


async def _call(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call here what the application hands to a thread of its pool, if it is asked in line."""
    if getattr(_asking, "depth", 0):
        return copy_context().run(function, *args)
    return await _hand_to_a_thread(function, *args, **options)


anyio.to_thread.run_sync = _call  # type: ignore[assignment]


class InLineClient(httpx2.Client):
    """A client whose requests are function calls; what a request does may ask again.

    Starlette's own goes through an event loop of another thread, and endpoints through a third one, which
    takes a tenth of the time of tests that ask much. Streams, disconnections and slow clients need a server.
    """

    def __init__(self, app: Any, base_url: str) -> None:
        super().__init__(
            transport=InLineTransport(app),
            base_url=base_url,
            headers={"user-agent": "testclient"},
            follow_redirects=True,
        )
        self.app = app


class InLineTransport(httpx2.BaseTransport):
    """Hands requests to an application, which may be replaced by another one."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer, or a plain 500 where the application raises instead."""
        answer = _Answer(request.read())
        with suppress(Exception):
            copy_context().run(_drive, self.app(_scope_of(request), answer.receive, answer.send))
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=httpx2.ByteStream(b"" if request.method == "HEAD" else b"".join(answer.parts)),
        )


def _drive(asking: Coroutine[Any, Any, None]) -> None:
    _asking.depth = getattr(_asking, "depth", 0) + 1
    try:
        asking.send(None)
    except StopIteration:
        return
    finally:
        _asking.depth -= 1
    asking.close()
    raise RuntimeError("the application waits for an event, and nobody is there to bring it")


def _scope_of(request: httpx2.Request) -> dict[str, Any]:
    url = request.url
    path = url.raw_path.split(b"?", 1)[0]
    return {
        "type": "http",
        # From 2.4 on, anyone who sends a stream does not listen for the client's leaving at the same time.
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "path": unquote(url.path),
        "raw_path": path,
        "root_path": "",
        "scheme": url.scheme,
        "query_string": url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("testclient", 50000),
        "server": (url.host, url.port or {"http": 80, "https": 443}[url.scheme]),
        "extensions": {},
        "state": {},
    }


class _Answer:
    """What the application reads and says, in the middle of one request."""

    def __init__(self, body: bytes) -> None:
        self.status, self.headers = 500, list[tuple[bytes, bytes]]()
        self.parts: list[bytes] = []
        self._body: bytes | None = body

    async def receive(self) -> Message:
        if self._body is None:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        elif message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))
