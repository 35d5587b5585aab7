"""How a container is cut into parts, and what one part must be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from app.uploads.errors import PartDigestError, PartLengthError, UnknownPartError

_CONTENT_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


def n_parts(container_bytes: int, part_bytes: int) -> int:
    """Return how many parts of `part_bytes` a container has, the last one shorter."""
    return -(-container_bytes // part_bytes)


def part_length(number: int, container_bytes: int, part_bytes: int) -> int:
    """Return the length in bytes of part `number`, counted from 0.

    Raises:
        UnknownPartError: the container ends before this part.
    """
    start = number * part_bytes
    if not 0 <= start < container_bytes:
        raise UnknownPartError("The upload has no part of this number.")
    return min(part_bytes, container_bytes - start)


def parse_content_digest(header: str | None) -> str:
    """Return the hex SHA-256 that a Content-Digest header announces; it must name sha-256 alone.

    Raises:
        PartDigestError: the header is missing or not of the form `sha-256=:...:`.
    Source: RFC 9530, Digest Fields.
    """
    match = _CONTENT_DIGEST.fullmatch(header or "")
    raw = base64.b64decode(match[1]) if match else b""
    # One spelling a digest: lenient readers ignore the last character's spare bits.
    if match is None or base64.b64encode(raw).decode("ascii") != match[1]:
        raise PartDigestError("A part needs a Content-Digest header with one SHA-256.")
    return raw.hex()


def check_part(body: bytes, length: int, sha256: str) -> None:
    """Assert a part's length and digest.

    Raises:
        PartLengthError: it is shorter or longer than its place demands.
        PartDigestError: its bytes are not those announced.
    """
    if len(body) != length:
        raise PartLengthError("The part is not as long as its number demands.")
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), sha256):
        raise PartDigestError("The part's bytes are not those that its digest announces.")
