"""Where a bundle comes from: a file, standard input, or the broker over HTTPS; read once, as a stream."""

from __future__ import annotations

import hashlib
import ipaddress
import shutil
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx2

from app.auditor.errors import (
    AddressError,
    AuditError,
    BrokerUntrustedError,
    CaFileError,
    FileUnreadableError,
    LogNotShownError,
    TokenFileError,
    UnreachableError,
    UnwritableError,
)
from app.auditor.files import why_unreadable, written_whole
from schemas.matchlog.archive import Source
from schemas.shared.slow_answers import SlowAnswerWatch, TooSlowError
from schemas.shared.trust import trust_only

# Where the broker hands out the log; a URL with a path of its own is taken as it is.
BUNDLE_PATH: Final = "/v1/log/bundle"
TIMEOUT_S: Final = 60.0
CHUNK_BYTES: Final = 256 * 1024
# The part of a disk that a download leaves free.
RESERVE: Final = 0.1


class SourceDigest:
    """Hashes all of a source on the way, also where its reader stops early: `over`, then `finish`.

    `sha256` is that of everything once it is finished, as lower-case hex; empty before.
    """

    def __init__(self) -> None:
        """Begin with no source."""
        self._source: Source | None = None
        self._digest = hashlib.sha256()
        self.sha256 = ""

    def over(self, source: Source) -> Source:
        """Return a source that gives on what this one gives."""
        self._source = source
        return self

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""
        piece = b"" if self._source is None else self._source.read(size)
        self._digest.update(piece)
        return piece

    def finish(self) -> None:
        """Read what nobody has read."""
        while self.read(CHUNK_BYTES):
            pass
        self.sha256 = self._digest.hexdigest()


def is_url(location: str) -> bool:
    """Tell whether a bundle is to be fetched rather than opened."""
    return location.startswith(("https://", "http://"))


def source_name(location: str) -> str:
    """Return what an error calls a bundle."""
    if is_url(location):
        return "what the broker sent"
    return "standard input" if location == "-" else Path(location).name


@contextmanager
def open_bundle(
    location: str, token_file: Path | None = None, ca_file: Path | None = None
) -> Iterator[Source]:
    """Open a bundle: a path, `-` for standard input, or a URL."""
    if is_url(location):
        with _fetched(location, token_file, ca_file) as source:
            yield source
    elif location == "-":
        yield sys.stdin.buffer
    else:
        try:
            file = Path(location).open("rb")  # noqa: SIM115
        except OSError as exc:
            raise FileUnreadableError(why_unreadable(Path(location), exc)) from exc
        with file:
            yield file


def bundle_url(broker: str, project: str | None) -> str:
    """Return where a broker hands out its log, or one project's part; a URL with a path stays as it is."""
    parts = urlsplit(broker)
    if parts.path.strip("/"):
        return broker
    query = urlencode({"project": project}) if project else ""
    return urlunsplit(parts._replace(path=BUNDLE_PATH, query=query))


def save_bundle(url: str, output: Path, token_file: Path | None, ca_file: Path | None) -> int:
    """Fetch a bundle into a file, in one step at its end, and return its size in bytes.

    Raises:
        UnwritableError: the file cannot be written.
        AddressError: it is no URL.
        NotAuthorisedError, UnreachableError: the broker refused, or broke off; and as `open_bundle`.
    """
    if not is_url(url):
        raise AddressError("a bundle is fetched from the URL of a broker")
    with open_bundle(url, token_file, ca_file) as source, written_whole(output) as file:
        while chunk := source.read(CHUNK_BYTES):
            disk = shutil.disk_usage(output.parent)
            if disk.free < RESERVE * disk.total:
                raise UnwritableError(
                    f"the bundle would fill the disk: a {1 / RESERVE:.0f}th of it is kept free"
                )
            file.write(chunk)
        return file.tell()


class _Download:
    """A response as a source."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        if not self._rest:
            try:
                self._rest = next(self._pieces, b"")
            except httpx2.HTTPError as exc:
                raise UnreachableError("the connection broke before the bundle ended") from exc
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


@contextmanager
def _fetched(url: str, token_file: Path | None, ca_file: Path | None) -> Iterator[Source]:
    address = bundle_url(url, None)
    require_safe(address)
    # Nothing is asked for compressed: a small answer must not swell into a large one.
    headers = {"Accept-Encoding": "identity", **authorisation(token_file)}
    with httpx2.Client(verify=tls_context(ca_file), timeout=TIMEOUT_S) as client:
        watch = SlowAnswerWatch(client.close)
        with answered(address), watch, client.stream("GET", address, headers=headers) as response:
            _require_success(response.status_code)
            yield _Download(watch.pieces(response.iter_raw()))


@contextmanager
def answered(address: str) -> Iterator[None]:
    """Say what is wrong where no whole answer comes from an address: UnreachableError and its like."""
    try:
        yield
    except TooSlowError:
        raise UnreachableError("the broker's answer came too slowly and was cut off") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        raise lost(exc, address) from exc


def lost(exc: Exception, address: str) -> AuditError:
    """Return what to raise where no answer came from an address that was asked."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return BrokerUntrustedError("this computer does not trust the broker's certificate")
        cause = cause.__cause__ or cause.__context__
    # A port that expects TLS breaks off, or is not understood, when it is spoken to without.
    broke_off = isinstance(exc, httpx2.RemoteProtocolError | httpx2.ReadError)
    if broke_off and address.startswith("http:"):
        return AddressError(
            "the broker does not answer over http: does its address begin with https?"
        )
    if isinstance(exc, httpx2.InvalidURL):
        return AddressError("the address is not a URL")
    return UnreachableError("the broker could not be reached")


def require_safe(url: str) -> None:
    """Refuse a URL without a host, or that would show a token to the network; raises AddressError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        raise AddressError("the address is not a URL") from exc
    if not host:
        raise AddressError("the address names no host")
    if parts.scheme == "http" and not _is_loopback(host):
        raise AddressError("a broker is asked over https, or on this machine")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def authorisation(token_file: Path | None) -> dict[str, str]:
    """Return the header with the token in a file; raises TokenFileError where it holds none."""
    if token_file is None:
        return {}
    try:
        token = token_file.read_text(encoding="ascii").strip()
    except OSError as exc:
        raise TokenFileError(why_unreadable(token_file, exc)) from exc
    except UnicodeDecodeError as exc:
        raise TokenFileError(f"the file {token_file.name} holds no token") from exc
    if not token:
        raise TokenFileError(f"the token file {token_file.name} is empty")
    if not token.isprintable() or " " in token:
        raise TokenFileError(f"the file {token_file.name} holds no token")
    return {"Authorization": f"Bearer {token}"}


def tls_context(ca_file: Path | None) -> ssl.SSLContext | bool:
    """Return what trusts the certificates in a file alone, or the system's; raises CaFileError."""
    if ca_file is None:
        # The system's own store, so that a school network's filter with its own certificate does not stop it.
        return True
    try:
        return trust_only(ca_file)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as exc:
        raise CaFileError(why_unreadable(ca_file, exc)) from exc
    except OSError as exc:
        raise CaFileError(f"the file {ca_file.name} holds no certificates to trust") from exc


def _require_success(status: int) -> None:
    if status in {401, 403}:
        raise LogNotShownError("the broker does not let this token read the log")
    if status in {404, 422}:
        raise LogNotShownError(
            "the broker has no such log for this token: name one of its projects"
        )
    if status != 200:
        raise UnreachableError(f"the broker answered with status {status}")
