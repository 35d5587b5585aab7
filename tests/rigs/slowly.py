"""A request whose body comes so slowly that something else happens before it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from httpx2 import Response
from rigs.enrolled import stated
from rigs.linkage import CHILD_WELFARE, Linkage

from schemas.documents.canonical import canonical_bytes
from schemas.signing.signed_request import HEADER


def send_slowly(
    linkage: Linkage,
    path: str,
    said: Any,
    meanwhile: Callable[[], object],
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> Response:
    """Send a document, signed by an agency's person where `headers` are not given, of which the body waits.

    `meanwhile` is called when the broker has let the request in, and asks for its body.
    """
    body = canonical_bytes(said)
    sent_headers = headers or {
        **linkage.as_party(CHILD_WELFARE),
        HEADER: linkage.person(CHILD_WELFARE).sign(f"{method} {path}", stated(path, body)),
    }
    named = {
        "host": "broker.test",
        "content-type": "application/json",
        "content-length": str(len(body)),
        **sent_headers,
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        "client": ("testclient", 50000),
        "server": ("broker.test", 443),
    }
    sent: list[Any] = []
    waiting = [body]

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        await asyncio.to_thread(meanwhile)
        return {"type": "http.request", "body": waiting.pop(), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(linkage.client.app(scope, receive, send))  # type: ignore[arg-type]
    content = b"".join(one.get("body", b"") for one in sent[1:])
    return Response(sent[0]["status"], content=content)
