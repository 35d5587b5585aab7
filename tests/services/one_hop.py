"""An application that is asked in memory: each request is one step into its event loop, and one out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, TypeAlias
from urllib.parse import unquote

import httpx2
from anyio.from_thread import BlockingPortal
from starlette.testclient import TestClient
from starlette.types import Message

PortalFactory: TypeAlias = Callable[[], AbstractContextManager[BlockingPortal]]


class OneHopClient(TestClient):
    """A client that takes each answer whole, once the application has ended it.

    Starlette's own goes into the loop eight times for a request, which takes longer than most of ours do.
    """

    def __init__(self, app: Any, base_url: str) -> None:
        super().__init__(app, base_url=base_url, raise_server_exceptions=False)
        self._transport = OneHopTransport(app, self._portal_factory)


class OneHopTransport(httpx2.BaseTransport):
    """Hands requests to an application, which may be replaced by another one."""

    def __init__(self, app: Any, portal: PortalFactory) -> None:
        self.app = app
        self._portal = portal

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer, or a plain 500 where the application raises instead."""
        answer = _Answer(request.read())
        with self._portal() as portal, suppress(Exception):
            portal.call(self.app, _scope_of(request), answer.receive, answer.send)
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=httpx2.ByteStream(b"" if request.method == "HEAD" else b"".join(answer.parts)),
        )


def _scope_of(request: httpx2.Request) -> dict[str, Any]:
    url = request.url
    path = url.raw_path.split(b"?", 1)[0]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
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
        self._ended: asyncio.Event | None = None

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        self._ended = self._ended or asyncio.Event()
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        elif message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))
            if not message.get("more_body", False) and self._ended is not None:
                self._ended.set()
