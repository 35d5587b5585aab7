"""Checks a container while it streams by: one piece and one record in memory, whatever its size.

Everything that the header, the manifest and the terms say about a container is held against its bytes.
The first rule that is broken raises; nothing of the container is in the error. Order of the rules: head,
then for each record its place, its padding and its weight, then size, counts and digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.uploads.errors import (
    BlankEncodingError,
    ContainerDigestError,
    ContainerSizeError,
    CountDiffersError,
    DuplicateRecordError,
    EncodingWeightError,
    HeaderDiffersError,
    MalformedContainerError,
    OtherEpochError,
    OtherKeyError,
    OtherProfileError,
    PaddingBitsError,
    RecordOrderError,
    TooManyVariantsError,
    VariantGapError,
)
from schemas.errors import ContainerError
from schemas.ids import HANDLE_BYTES
from schemas.upload import MAGIC, MAX_HEADER_BYTES, ContainerHeader, ParsedHeader, parse_header

# Enough of a container to hold any head.
_HEAD_BYTES: Final = len(MAGIC) + 4 + MAX_HEADER_BYTES

Rows: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ExpectedContainer:
    """What a container must be, from the upload's request, the manifest and the terms.

    `least_weight` and `most_weight` bound the set bits of an encoding, both included.
    """

    header: ContainerHeader
    sha256: str
    size_bytes: int
    max_variants: int
    least_weight: int
    most_weight: int


def check_container(pieces: Iterable[bytes], expected: ExpectedContainer) -> None:
    """Read a whole container in order, in pieces of any sizes, and raise at the first broken rule.

    Raises:
        UploadRejectedError: one of its subclasses; see the module's docstring for the order.
    """
    measured = _Measured(pieces)
    parsed, stream = _read_head(iter(measured), expected)
    order = _RecordOrder(expected.max_variants)
    for rows in _rows(stream, parsed.header.record_bytes):
        order.check(rows[:, :HANDLE_BYTES], rows[:, HANDLE_BYTES])
        _check_encodings(rows[:, HANDLE_BYTES + 1 :], expected)
    header = expected.header
    if measured.size_bytes != expected.size_bytes:
        raise ContainerSizeError("The container is shorter or longer than its header says.")
    if (order.records, order.encodings) != (header.records, header.encodings):
        raise CountDiffersError("The container holds another number of records than it states.")
    if measured.sha256() != expected.sha256:
        raise ContainerDigestError("The container is not the one that the upload announced.")


class _Measured:
    """Passes pieces on, and measures them."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.size_bytes = 0
        self._pieces = pieces
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._digest.update(piece)
            self.size_bytes += len(piece)
            yield piece

    def sha256(self) -> str:
        """Return the digest of all pieces so far, in hex."""
        return self._digest.hexdigest()


def _read_head(
    pieces: Iterator[bytes], expected: ExpectedContainer
) -> tuple[ParsedHeader, Iterator[bytes]]:
    """Return the header, checked, and the stream of what follows it."""
    start = b""
    while len(start) < _HEAD_BYTES and (piece := next(pieces, None)) is not None:
        start += piece
    try:
        parsed = parse_header(start)
    except ContainerError as exc:
        raise MalformedContainerError(f"The container cannot be read: {exc}.") from exc
    _check_header(parsed.header, expected.header)
    if parsed.header.container_bytes() != expected.size_bytes:
        raise ContainerSizeError("The container's size does not follow from its header.")
    return parsed, _chained(start[parsed.body_offset :], pieces)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _check_header(header: ContainerHeader, expected: ContainerHeader) -> None:
    if header.epoch != expected.epoch:
        raise OtherEpochError("The container was made for another epoch of the project.")
    if header.profile != expected.profile:
        raise OtherProfileError("The container was made with another encoding profile.")
    if header.key_id != expected.key_id:
        raise OtherKeyError("The container was made with another secret than the upload states.")
    if (header.records, header.encodings) != (expected.records, expected.encodings):
        raise CountDiffersError("The header counts other records than the manifest.")
    if header != expected:
        raise HeaderDiffersError("The header names another project, party or encoding width.")


def _rows(pieces: Iterator[bytes], record_bytes: int) -> Iterator[Rows]:
    """Yield whole records, shape (n, record_bytes); bytes of an unfinished last record are an error."""
    rest = b""
    for piece in pieces:
        joined = rest + piece if rest else piece
        n_rows, n_rest = divmod(len(joined), record_bytes)
        if n_rows:
            flat = np.frombuffer(joined, dtype=np.uint8, count=n_rows * record_bytes)
            yield flat.reshape(n_rows, record_bytes)
        rest = joined[len(joined) - n_rest :]
    if rest:
        raise ContainerSizeError("The container ends inside a record.")


class _RecordOrder:
    """Counts records, and holds each against the one before it, across pieces."""

    def __init__(self, max_variants: int) -> None:
        self.records = 0
        self.encodings = 0
        self._max_variants = max_variants
        self._last_handle = np.zeros((0, 2), dtype=np.uint64)
        self._last_variant = np.zeros(0, dtype=np.uint8)

    def check(self, handles: Rows, variants: NDArray[np.uint8]) -> None:
        """Take the next records: strictly increasing (handle, variant), variants from 0 without gaps."""
        numbers = np.ascontiguousarray(handles).view(">u8").astype(np.uint64)
        before = np.concatenate([self._last_handle, numbers[:-1]])
        # The very first record has none before it; it is held against nothing but variant 0.
        n_first = len(numbers) - len(before)
        now = numbers[n_first:]
        same = (now == before).all(axis=1)
        less = (now[:, 0] < before[:, 0]) | (
            (now[:, 0] == before[:, 0]) & (now[:, 1] < before[:, 1])
        )
        step = variants[n_first:].astype(np.int16) - np.concatenate(
            [self._last_variant, variants[:-1]]
        ).astype(np.int16)
        new = np.concatenate([np.ones(n_first, dtype=bool), ~same])
        if less.any() or (same & (step < 0)).any():
            raise RecordOrderError("The records are not in increasing order of handle and variant.")
        if (same & (step == 0)).any():
            raise DuplicateRecordError("A handle and variant occur twice.")
        if (same & (step > 1)).any() or variants[new].any():
            raise VariantGapError("A handle's variants are not numbered from 0 without gaps.")
        if (variants >= self._max_variants).any():
            raise TooManyVariantsError(
                "A record has more variants than the terms allow.", clause="max-variants"
            )
        self.records += int(new.sum())
        self.encodings += len(variants)
        self._last_handle, self._last_variant = numbers[-1:], variants[-1:]


def _check_encodings(encodings: Rows, expected: ExpectedContainer) -> None:
    bits = expected.header.encoding_bits
    n_padding = -bits % 8
    # Bit 0 is the most significant bit of byte 0, so padding is the low end of the last byte.
    if n_padding and (encodings[:, -1] & ((1 << n_padding) - 1)).any():
        raise PaddingBitsError("An encoding has bits set after its last one.")
    weights = np.bitwise_count(encodings).sum(axis=1, dtype=np.int64)
    if ((weights == 0) | (weights == bits)).any():
        raise BlankEncodingError("An encoding has no bit set, or all of them.")
    if ((weights < expected.least_weight) | (weights > expected.most_weight)).any():
        raise EncodingWeightError("An encoding has more or fewer bits set than this profile gives.")
