"""A connection to the broker: requests under one credential, repeated where that may help, refusals as errors.

No body, header or token is ever logged or put into an error.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import httpx2

from encoding.broker.credential import SignIn
from encoding.errors import (
    AgencyError,
    BrokerAnswerError,
    BrokerRefusedError,
    BrokerUnreachableError,
    ConfigError,
    NotAuthorisedError,
)
from encoding.files import why_unread
from schemas.documents.canonical import parse_json
from schemas.documents.errors import FormatError
from schemas.documents.printable import printable
from schemas.documents.problem import Problem
from schemas.shared.amounts import duration
from schemas.shared.slow_answers import SlowAnswerWatch, TooSlowError
from schemas.shared.trust import trust_only
from schemas.signing.signed_request import HEADER, Where

# The longest honest answers, lists of years, are far below both; a reader's memory grows with the values.
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
MAX_ANSWER_VALUES: Final = 500_000
MAX_RETRY_AFTER_S: Final = 120.0
FIRST_DELAY_S: Final = 0.5
MAX_DELAY_S: Final = 30.0
TIMEOUT: Final = httpx2.Timeout(60.0, connect=10.0)
# After so long a person wonders whether anything happens.
SILENT_S: Final = 1.0
# Not 507: a disk is full until a person makes room, and the same command later goes on where it ended.
AGAIN: Final = frozenset({429, 500, 502, 503, 504})

_Taken = TypeVar("_Taken")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a client goes on asking, how it waits, and whom it tells, once, before it does."""

    patience_s: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = lambda _: None


class Connection:
    """Sends requests to one broker under one credential; None is for what anybody may ask.

    Raises, from `ask` and `stream`:
        BrokerUnreachableError: no answer within the patience given.
        NotAuthorisedError, BrokerRefusedError: the broker says no, and why.
        BrokerAnswerError: the answer is too long.
    """

    def __init__(
        self,
        url: str,
        credential: SignIn | None,
        *,
        tls: ssl.SSLContext | None = None,
        waiting: Waiting | None = None,
        transport: httpx2.BaseTransport | None = None,
        where: Callable[[], Where] = Where,
    ) -> None:
        """Take where to, and as whom; `where` says, at each request, where the person acts as they know it."""
        self._waiting = waiting or Waiting()
        self._address = url.rstrip("/")
        self._credential = credential
        self._where = where
        self._has_told = False
        self._new_http = partial(
            httpx2.Client,
            base_url=f"{self._address}/v1/",
            headers={"Accept-Encoding": "identity"},
            # True is the computer's own trust store, where an agency's proxy certificate is, too.
            verify=True if tls is None else tls,
            timeout=TIMEOUT,
            transport=transport,
        )
        self._http = self._new_http()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        states: str | None = None,
    ) -> bytes:
        """Return the body of the answer; `states` is the digest that the person signs with the request."""
        return self.stream(method, path, _bounded_body, body, headers, states=states)

    def stream(
        self,
        method: str,
        path: str,
        take: Callable[[Iterator[bytes]], _Taken],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        states: str | None = None,
    ) -> _Taken:
        """Send a request until it is answered; `take` reads a success, from its start at each attempt."""
        waited_s, delay_s = 0.0, FIRST_DELAY_S
        while True:
            try:
                signed = self._signed(f"{method} /v1/{path}", states)
                return self._attempt(method, path, body, {**(headers or {}), **signed}, take)
            except _TryAgainError as again:
                # Jitter, so that agencies that were cut off together do not all come back at once.
                pause_s = max(again.at_least_s, delay_s * (0.5 + secrets.randbelow(1000) / 1000))
                if waited_s + pause_s > self._waiting.patience_s:
                    raise again.failure from None
                left = duration(self._waiting.patience_s - waited_s)
                self._tell(f"{again.failure}; trying again for up to {left}")
            self._waiting.sleep(pause_s)
            waited_s, delay_s = waited_s + pause_s, min(MAX_DELAY_S, delay_s * 2)

    def _tell(self, sentence: str) -> None:
        """Say why nothing is heard; what is tried afterwards is tried quietly."""
        if not self._has_told:
            self._has_told = True
            self._waiting.tell(sentence)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Send a body to a path below the broker's address, once and without a credential."""
        url = f"{self._address}{path}"
        return self._once("POST", url, body, headers, _bounded_body)

    def _signed(self, asks: str, states: str | None) -> dict[str, str]:
        if self._credential is None:
            return {}
        return {HEADER: self._credential.sign(asks, states, self._where()).to_header()}

    def _attempt(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        take: Callable[[Iterator[bytes]], _Taken],
    ) -> _Taken:
        if self._credential is None:
            return self._once(method, path, body, headers, take)
        url = f"{self._address}/v1/{path.partition('?')[0]}"
        shown = self._credential.headers(method, url, self.post)
        try:
            return self._once(method, path, body, {**headers, **shown}, take)
        except NotAuthorisedError as exc:
            # A token may end on the way; a new one is asked for once, and refused for good after that.
            if exc.problem != "not-authenticated" or not self._credential.renew():
                raise
        shown = self._credential.headers(method, url, self.post)
        return self._once(method, path, body, {**headers, **shown}, take)

    def _once(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        take: Callable[[Iterator[bytes]], _Taken],
    ) -> _Taken:
        connecting = _Connecting(
            lambda: self._tell(f"{_unreached(self._address)} yet; waiting for it")
        )
        extensions = {"trace": connecting}
        watch = SlowAnswerWatch(self._http.close, len(body or b""))
        try:
            with (
                watch,
                self._http.stream(
                    method, path, content=body, headers=headers, extensions=extensions
                ) as response,
            ):
                if response.is_success:
                    return take(watch.pieces(response.iter_raw()))
                failure = _refusal(response, watch, self._credential)
                if response.status_code in AGAIN:
                    raise _TryAgainError(failure, _retry_after_s(response))
                raise failure
        except TooSlowError:
            self._http = self._new_http()
            raise BrokerUnreachableError(
                "the broker's answer came too slowly and was cut off", hint=_TOO_SLOW
            ) from None
        except httpx2.RequestError as exc:
            raise _lost(exc, self._address) from exc


class _Connecting:
    """Follows a request, as httpcore tells of it: where the connection is long in coming, it says so."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._timer: threading.Timer | None = None

    def __call__(self, event: str, _: Mapping[str, object]) -> None:
        if event == "connection.connect_tcp.started":
            self._timer = threading.Timer(SILENT_S, self._tell)
            self._timer.daemon = True
            self._timer.start()
        elif event.startswith("connection.connect_tcp.") and self._timer is not None:
            self._timer.cancel()


class _TryAgainError(Exception):
    """The same request may succeed later; `failure` is what to say if there is no later."""

    def __init__(self, failure: AgencyError, at_least_s: float = 0.0) -> None:
        super().__init__()
        self.failure = failure
        self.at_least_s = at_least_s


def certificates_in(ca_file: Path) -> ssl.SSLContext:
    """Return what trusts the certificates in one file and no others.

    Raises:
        ConfigError: the file cannot be read, or holds no certificate.
    """
    try:
        return trust_only(ca_file)
    except OSError as exc:
        otherwise = f"the file {ca_file} has no certificate in PEM format"
        raise ConfigError(
            why_unread(exc, ca_file, otherwise),
            hint="the operator has the certificate; name your copy as ca_file in the section [broker]",
        ) from exc


def _bounded_body(received: Iterator[bytes], limit: int = MAX_ANSWER_BYTES) -> bytes:
    pieces, size = [], 0
    for piece in received:
        size += len(piece)
        if size > limit:
            raise BrokerAnswerError("the broker's answer is too long")
        pieces.append(piece)
    body = b"".join(pieces)
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_ANSWER_VALUES:
        raise BrokerAnswerError("the broker's answer has too many values")
    return body


def _refusal(
    response: httpx2.Response, watch: SlowAnswerWatch, credential: SignIn | None
) -> BrokerRefusedError:
    kind = NotAuthorisedError if response.status_code in {401, 403} else BrokerRefusedError
    try:
        problem = Problem.from_json(
            parse_json(_bounded_body(watch.pieces(response.iter_raw()), 65_536))
        )
    except (FormatError, BrokerAnswerError):
        return kind(f"the broker answered with status {response.status_code} and no reason")
    refusal = refusal_of(problem, kind)
    if refusal.hint is None and response.status_code == 401 and credential is not None:
        refusal.hint = credential.hint(_broker_time(response))
    return refusal


def refusal_of(
    problem: Problem, kind: type[BrokerRefusedError] = BrokerRefusedError
) -> BrokerRefusedError:
    """Return what the broker says no with as an error."""
    clause = f" (clause {problem.clause})" if problem.clause else ""
    hint = _plain(problem.hint) if problem.hint else None
    if hint is None and problem.code == "not-found":
        hint = _OFF_THE_ROSTER
    return kind(
        f"the broker says: {_plain(problem.detail)}{clause}", hint=hint, problem=problem.code
    )


def _plain(text: str) -> str:
    """Return a sentence of the broker's as this command line writes them."""
    shown = printable(text[:500].strip())
    return shown[:1].lower() + shown[1:].removesuffix(".")


def _retry_after_s(response: httpx2.Response) -> float:
    stated = response.headers.get("Retry-After", "")
    return min(MAX_RETRY_AFTER_S, float(stated)) if stated.isdecimal() else 0.0


def _broker_time(response: httpx2.Response) -> datetime | None:
    """Return the broker's clock as its answer states it; None where it does not."""
    try:
        stated = parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, OverflowError):
        return None
    return stated if stated.tzinfo is not None else None


_OFF_THE_ROSTER: Final = (
    "if it should exist, ask a steward of your party whether the list of authorized users names you:"
    " blindlink people list"
)
_TOO_SLOW: Final = "try again later; if it stays so, call the operator"
_SET_CLOCK: Final = "check this computer's date and time; if they are right, call the operator"
_OTHER_ADDRESS: Final = (
    "the broker's certificate is for a different address",
    "check the broker's address; if it is right, call the operator",
)
# The codes of X509_verify_cert_error_string, <openssl/x509_vfy.h>, which never change.
_WRONG_CERTIFICATE: Final = {
    9: ("by the clock of this computer the broker's certificate is not valid yet", _SET_CLOCK),
    10: ("by the clock of this computer the broker's certificate has expired", _SET_CLOCK),
    62: _OTHER_ADDRESS,
    64: _OTHER_ADDRESS,
}
_UNTRUSTED: Final = (
    "this computer does not trust the broker's certificate",
    "ask the operator for the certificate file and name it as ca_file",
)


_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_NO_NAME: Final = "check the broker's address; if it is right, check this computer's network"


def _unreached(address: str) -> str:
    url = httpx2.URL(address)
    return f"the broker cannot be reached at {url.host}, port {url.port or 443}"


def _lost(exc: httpx2.RequestError, address: str) -> Exception:
    """Return what to raise where no answer came from an address."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            sentence, hint = _WRONG_CERTIFICATE.get(cause.verify_code, _UNTRUSTED)
            return BrokerUnreachableError(sentence, hint=hint)
        if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
            sentence = f"the server at {address} does not use TLS, so it is not a broker"
            return BrokerUnreachableError(sentence, hint="check the broker's address and port")
        if isinstance(cause, socket.gaierror):
            sentence = f"no computer has the name {httpx2.URL(address).host}"
            return _TryAgainError(BrokerUnreachableError(sentence, hint=_NO_NAME))
        cause = cause.__cause__ or cause.__context__
    if isinstance(exc, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
        sentence = _unreached(address)
    else:
        sentence = "the connection to the broker was lost"
    return _TryAgainError(BrokerUnreachableError(sentence, hint="try again later; nothing is lost"))
