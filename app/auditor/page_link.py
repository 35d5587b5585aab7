"""A link that signs the auditor in to the broker's pages."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx2

from app.auditor.errors import AddressError, NotAuthorisedError, UnreachableError
from app.auditor.source import TIMEOUT_S, authorisation, is_url, lost, require_safe, tls_context
from schemas.api.bodies import SessionLink, sign_in_url
from schemas.documents.canonical import parse_json
from schemas.documents.errors import FormatError

PATH: Final = "/v1/session-links"
MAX_ANSWER_BYTES: Final = 4096


def new_page_link(broker: str, token_file: Path, ca_file: Path | None) -> str:
    """Return an address of the broker's that opens a page session once, within 60 s."""
    if not is_url(broker):
        raise AddressError("the broker has a URL")
    require_safe(broker)
    root = urlunsplit(urlsplit(broker)._replace(path="", query="", fragment=""))
    answer = _ask(f"{root}{PATH}", token_file, ca_file)
    try:
        return sign_in_url(root, SessionLink.from_json(parse_json(answer)).code)
    except FormatError as exc:
        raise UnreachableError("the broker's answer is not a link for its pages") from exc


def _ask(address: str, token_file: Path, ca_file: Path | None) -> bytes:
    headers = {"Accept-Encoding": "identity", **authorisation(token_file)}
    try:
        with (
            httpx2.Client(verify=tls_context(ca_file), timeout=TIMEOUT_S) as client,
            client.stream("POST", address, headers=headers) as response,
        ):
            if response.status_code in {401, 403}:
                raise NotAuthorisedError("the broker does not take this token")
            if response.status_code != 201:
                raise UnreachableError(f"the broker answered with status {response.status_code}")
            return next(response.iter_bytes(MAX_ANSWER_BYTES), b"")
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        raise lost(exc, address) from exc
