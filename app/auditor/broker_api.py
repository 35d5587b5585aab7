"""What the auditor's tool asks a broker, beside bundles: checkpoints and match records, answer by answer."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx2

from app.auditor.errors import AddressError, NotAuthorisedError, UnreachableError
from app.auditor.source import TIMEOUT_S, answered, authorisation, is_url, require_safe, tls_context
from schemas.api.bodies import MAX_RECORD_ROWS, MatchRecordPage
from schemas.documents.canonical import parse_json
from schemas.documents.document import Document
from schemas.documents.errors import FormatError
from schemas.shared.slow_answers import SlowAnswerWatch

# A page of a match record stays below 2 MB, and every other answer far below that.
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024

_Answer = TypeVar("_Answer", bound=Document)


class BrokerApi:
    """One broker; a context manager.

    Raises, from every method:
        NotAuthorisedError: the broker does not let the token in, or not see this.
        UnreachableError: no answer, or none that can be read.
        BrokerUntrustedError: it is not known to be the broker that answered.
    """

    def __init__(self, broker: str, token_file: Path | None, ca_file: Path | None) -> None:
        """Prepare to ask the broker at this URL; nothing is sent yet.

        Raises:
            AddressError: it is no URL, or one that would show the token to the network.
            TokenFileError, CaFileError: a file does not hold what it should.
        """
        if not is_url(broker):
            raise AddressError("the broker has a URL")
        require_safe(broker)
        self._root = urlunsplit(urlsplit(broker)._replace(path="", query="", fragment=""))
        headers = {"Accept-Encoding": "identity", **authorisation(token_file)}
        self._http = httpx2.Client(verify=tls_context(ca_file), timeout=TIMEOUT_S, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def checkpoint(self, old_size: int) -> bytes | None:
        """Return the answer, unread: the newest checkpoint, with proof that it extends that of `old_size`.

        A log that is shorter than `old_size`, or cut otherwise, gives none.
        """
        return self._fetch(f"/v1/log/checkpoint?old={old_size}")

    def match_record(self, run: str, first: int, release: int = 1) -> MatchRecordPage | None:
        """Return rows of a run's match record from number `first` on; None where the caller may not see it."""
        query = f"first={first}&limit={MAX_RECORD_ROWS}&release={release}"
        return self._get(MatchRecordPage, f"/v1/runs/{run}/match-record?{query}")

    def _get(self, kind: type[_Answer], path: str) -> _Answer | None:
        body = self._fetch(path)
        return None if body is None else read_answer(kind, body)

    def _fetch(self, path: str) -> bytes | None:
        watch = SlowAnswerWatch(self._http.close)
        with (
            answered(self._root),
            watch,
            self._http.stream("GET", f"{self._root}{path}") as response,
        ):
            if response.status_code == HTTPStatus.NOT_FOUND:
                return None
            _require_success(response.status_code)
            return _body(watch.pieces(response.iter_raw()))


def read_answer(kind: type[_Answer], body: bytes) -> _Answer:
    """Read an answer of a broker.

    Raises:
        UnreachableError: it breaks its format.
    """
    try:
        return kind.from_json(parse_json(body))
    except FormatError as exc:
        raise UnreachableError("the broker's answer breaks its format") from exc


def _require_success(status: int) -> None:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotAuthorisedError("the broker does not let this token read that")
    if status != HTTPStatus.OK:
        raise UnreachableError(f"the broker answered with status {status}")


def _body(pieces: Iterator[bytes]) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise UnreachableError("the broker's answer is too long")
    return bytes(body)
