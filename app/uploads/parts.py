"""What one part must be: its length, its digest, and what can be told of its content without the others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.errors import RefusedError
from app.matching.blocks.checks import RowCheck, check_alone
from app.matching.blocks.errors import RowMatchingError
from app.matching.blocks.rows import read_rows
from app.uploads.errors import (
    BUCKET_SIZE,
    CONTAINER_DIGEST,
    HEADER_DIFFERS,
    MALFORMED_CONTAINER,
    PART_DIGEST,
    PART_LENGTH,
    RECORD_ORDER,
    UNKNOWN_PART,
    UploadRejectedError,
    rejection_of,
)
from schemas.documents.errors import ContainerError
from schemas.documents.ids import HANDLE_BYTES
from schemas.linkage.profile import EncodingProfile, Side
from schemas.rounds.review import BUCKET_BYTES
from schemas.rounds.upload import ContainerHeader, Parts, parse_header

_CONTENT_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


@dataclass(frozen=True, slots=True)
class ExpectedContainer:
    """What a container must be, from the upload's request and the terms.

    `header` states all but the root, of which the commit decides. `sha256` is the digest of the head. `bucket`
    is how many records a bucket of its handles needs; None where the partner's agency does not review.
    """

    header: dict[str, object]
    sha256: str
    parts: Parts
    profile: EncodingProfile
    side: Side
    bucket: int | None = None


def length_of(parts: Parts, number: int) -> int:
    """Return the length in bytes of a part, counted from 0; raises unknown-part where there is none."""
    try:
        return parts.length(number)
    except ContainerError:
        raise RefusedError(UNKNOWN_PART, "The upload has no part of this number.") from None


def parse_content_digest(header: str | None) -> str:
    """Return the hex SHA-256 that a Content-Digest header announces; it must name sha-256 alone.

    Source: RFC 9530, Digest Fields.
    """
    match = _CONTENT_DIGEST.fullmatch(header or "")
    raw = base64.b64decode(match[1]) if match else b""
    # One spelling a digest: lenient readers ignore the last character's spare bits.
    if match is None or base64.b64encode(raw).decode("ascii") != match[1]:
        raise RefusedError(PART_DIGEST, "A part needs a Content-Digest header with one SHA-256.")
    return raw.hex()


def check_bytes(body: bytes, length: int, sha256: str) -> None:
    """Assert a part's length and digest."""
    if len(body) != length:
        raise RefusedError(
            PART_LENGTH, "The part does not have the length that its number requires."
        )
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), sha256):
        raise RefusedError(PART_DIGEST, "The part's bytes do not match its digest.")


def check_content(number: int, body: bytes, expected: ExpectedContainer) -> None:
    """Check one part against what the container must be, as far as it goes without the other parts."""
    if number == 0:
        read_head(body, expected)
    elif number <= expected.parts.n_table:
        HandleCheck().add(handles_in(body))
    else:
        with _as_rejection():
            check_alone(read_rows(body), expected.profile, expected.side, expected.parts.records)


def read_head(body: bytes, expected: ExpectedContainer) -> ContainerHeader:
    """Return the header in a container's part 0."""
    if hashlib.sha256(body).hexdigest() != expected.sha256:
        raise UploadRejectedError(
            CONTAINER_DIGEST, "The head does not have the digest that was announced."
        )
    try:
        parsed = parse_header(body)
    except ContainerError as exc:
        raise UploadRejectedError(MALFORMED_CONTAINER, f"The container is refused: {exc}.") from exc
    if parsed.body_offset != len(body):
        raise UploadRejectedError(
            MALFORMED_CONTAINER, "The container's head does not have the announced length."
        )
    stated = parsed.header.to_json()
    for name, value in expected.header.items():
        if stated[name] != value:
            raise UploadRejectedError(
                HEADER_DIFFERS, f"The header's {name.replace('_', ' ')} is not the upload's."
            )
    return parsed.header


def handles_in(body: bytes) -> NDArray[np.uint8]:
    """Return the handles in a part of the table, uint8 of shape (n, 16), without copying them."""
    return np.frombuffer(body, dtype=np.uint8).reshape(-1, HANDLE_BYTES)


class HandleCheck:
    """Takes the table of handles piece by piece, in order, and sees that it strictly increases."""

    def __init__(self) -> None:
        """Expect the first piece."""
        self._last = b""

    def add(self, handles: NDArray[np.uint8]) -> None:
        """Take the next handles; raises record-order."""
        texts = np.ascontiguousarray(handles).view(f"S{HANDLE_BYTES}").reshape(-1)
        is_rising = bool((texts[:-1] < texts[1:]).all())
        if not is_rising or handles[0].tobytes() <= self._last:
            raise UploadRejectedError(RECORD_ORDER, "The handles do not strictly increase.")
        self._last = handles[-1].tobytes()


class PartRows:
    """Takes parts of rows, in order, and refuses them by the upload's own errors."""

    def __init__(self, expected: ExpectedContainer) -> None:
        """Expect the first part."""
        self._check = RowCheck(expected.profile, expected.side, expected.parts.records)
        self.first_tokens: list[bytes] = []

    def add(self, body: bytes) -> None:
        """Take the next part."""
        rows = read_rows(body)
        self.first_tokens.append(rows["token"][0].tobytes())
        with _as_rejection():
            self._check.add(rows)

    def finish(self) -> None:
        """Tell whether all rows were there; raises row-count."""
        with _as_rejection():
            self._check.finish()


@contextmanager
def _as_rejection() -> Iterator[None]:
    """Turn what the engine finds wrong with rows into the upload's refusal by the same code."""
    try:
        yield
    except RowMatchingError as exc:
        raise rejection_of(exc.code, f"The rows are refused: {exc}.", None) from exc


class BucketCheck:
    """Takes the table of handles piece by piece, in order, and sees that each label has records enough.

    A file with fewer records than a bucket has needs labels that all differ: it has no review.
    """

    def __init__(self, bucket: int, records: int) -> None:
        """Expect the first piece of a table of so many records."""
        self._least = bucket if records >= bucket else 1
        self._most = records if records >= bucket else 1
        self._last, self._n_last = -1, 0

    def add(self, handles: NDArray[np.uint8]) -> None:
        """Take the next handles, which strictly increase; raises bucket-size."""
        labels, counts = count_labels([handles])
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True):
            if label == self._last:
                self._n_last += count
            else:
                self._close()
                self._last, self._n_last = label, count

    def finish(self) -> None:
        """Tell whether the last label has records enough, too; raises bucket-size."""
        self._close()

    def _close(self) -> None:
        if self._n_last and not self._least <= self._n_last <= self._most:
            raise UploadRejectedError(
                BUCKET_SIZE,
                "The buckets of its handles have fewer records than the agreement asks for.",
                clause="review",
            )


def labels_of(handles: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the label of each handle, as a number.

    Args:
        handles: uint8 of shape (n, 16).
    """
    columns = np.ascontiguousarray(handles[:, :BUCKET_BYTES]).view(">u4").reshape(-1)
    return columns.astype(np.uint32)


def count_labels(
    pieces: Iterable[NDArray[np.uint8]],
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the labels of handles, in increasing order, and how many handles have each.

    Args:
        pieces: the handles, uint8 of shape (n, 16), some at a time.
    """
    counted = [np.unique(labels_of(piece), return_counts=True) for piece in pieces]
    counted.append((np.empty(0, np.uint32), np.empty(0, np.int64)))
    labels, counts = (np.concatenate(some) for some in zip(*counted, strict=True))
    # A label may go on in the next piece.
    found, place = np.unique(labels, return_inverse=True)
    n_each = np.zeros(len(found), dtype=np.int64)
    np.add.at(n_each, place, counts)
    return found, n_each
