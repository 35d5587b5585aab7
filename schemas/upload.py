"""What an agency sends: the container of encodings, the manifest that vouches for it, and the receipt it gets.

A container is one line `blindlink-container/1`, four bytes of header length, a canonical JSON header, then
fixed-width records in strictly increasing order of (handle, variant). Handles are random, so the order
says nothing about the agency's file, shows every duplicate to a reader that keeps one record in memory,
and numbers the records alike on every machine. Spec pages: `schemas/spec/container.md`, `manifest.md`,
`receipt.md`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from schemas.document import Document, Model
from schemas.errors import ContainerError, DocumentError
from schemas.ids import (
    HANDLE_BYTES,
    Code,
    IsoDate,
    KeyIdHex,
    Name,
    RandomId,
    Sha256Hex,
    UtcTime,
)

MAGIC: Final = b"blindlink-container/1\n"
VARIANT_BYTES: Final = 1
MAX_VARIANTS: Final = 255
MAX_HEADER_BYTES: Final = 16 * 1024
# A container is cut into parts of this size, the last one shorter; small enough to send again after a fault.
PART_BYTES: Final = 4 * 1024 * 1024

Count = Annotated[int, Field(ge=0, le=2**40)]


class ContainerHeader(Document):
    """The head of a container: what its records hold and how many there are.

    `tokens` leaves room for keyed exact tokens after each encoding; version 1 has none.
    """

    KIND: ClassVar[str] = "container header"

    version: Literal["blindlink/container/1"] = "blindlink/container/1"
    project: Name
    party: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)]
    profile: Sha256Hex
    key_id: KeyIdHex
    encoding_bits: Annotated[int, Field(ge=8, le=4096)]
    tokens: Annotated[tuple[Code, ...], Field(max_length=0)] = ()
    records: Annotated[int, Field(ge=1, le=2**40)]
    encodings: Annotated[int, Field(ge=1, le=2**40)]

    @property
    def encoding_bytes(self) -> int:
        """Bytes of one encoding; the last byte is padded with zero bits."""
        return (self.encoding_bits + 7) // 8

    @property
    def record_bytes(self) -> int:
        """Bytes of one row of the container: handle, variant, encoding."""
        return HANDLE_BYTES + VARIANT_BYTES + self.encoding_bytes

    def container_bytes(self) -> int:
        """Return the size of the whole container, head included."""
        return len(serialise_header(self)) + self.encodings * self.record_bytes


@dataclass(frozen=True, slots=True)
class ParsedHeader:
    """A container's header and the offset in bytes at which its records begin."""

    header: ContainerHeader
    body_offset: int


def serialise_header(header: ContainerHeader) -> bytes:
    """Return the bytes that stand before the first record."""
    body = header.to_canonical()
    if len(body) > MAX_HEADER_BYTES:
        raise ContainerError("the container header is too long")
    return MAGIC + struct.pack(">I", len(body)) + body


def parse_header(start: bytes) -> ParsedHeader:
    """Read the head of a container from its first bytes; `start` may run on into the records.

    Raises:
        ContainerError: another format or version, or `start` ends before the header does.
    """
    if not start.startswith(MAGIC):
        raise ContainerError("not a Blindlink container of version 1")
    if len(start) < len(MAGIC) + 4:
        raise ContainerError("the container ends inside its header")
    (length,) = struct.unpack_from(">I", start, len(MAGIC))
    if length > MAX_HEADER_BYTES:
        raise ContainerError("the container header is too long")
    end = len(MAGIC) + 4 + length
    if len(start) < end:
        raise ContainerError("the container ends inside its header")
    try:
        header = ContainerHeader.from_canonical(start[len(MAGIC) + 4 : end])
    except DocumentError as exc:
        raise ContainerError(str(exc)) from exc
    return ParsedHeader(header, end)


class Manifest(Document):
    """What the agency vouches for when it commits an upload; `as_of` is the day the file describes.

    `quality_digest` and `privacy_audit_digest` are null where the agency made no such report.
    """

    KIND: ClassVar[str] = "manifest"

    version: Literal["blindlink/manifest/1"] = "blindlink/manifest/1"
    project: Name
    party: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)]
    agreement: Sha256Hex
    profile: Sha256Hex
    key_id: KeyIdHex
    container_sha256: Sha256Hex
    container_bytes: Annotated[int, Field(ge=1, le=2**50)]
    records: Annotated[int, Field(ge=1, le=2**40)]
    encodings: Annotated[int, Field(ge=1, le=2**40)]
    as_of: IsoDate
    population: Code
    quality_digest: Sha256Hex | None = None
    privacy_audit_digest: Sha256Hex | None = None
    created: UtcTime
    software: Code


class Signature(Model):
    """One person's Ed25519 signature, standard base64; `key` is the SHA-256 of the raw public key."""

    party: Name
    person: RandomId
    key: Sha256Hex
    signature: Annotated[str, Field(min_length=88, max_length=88)]


class SignedManifest(Document):
    """A manifest with the signatures over it; none where the project does not ask for them."""

    KIND: ClassVar[str] = "signed manifest"

    manifest: Manifest
    signatures: Annotated[tuple[Signature, ...], Field(max_length=8)] = ()


class Receipt(Document):
    """Proof that the broker logged an entry: the entry, its place, and the way to a signed checkpoint.

    `entry` is the canonical JSON text of the log entry, `proof` the inclusion proof as base64 hashes from
    leaf to root, `checkpoint` a C2SP signed note whose size is above `index`.
    """

    KIND: ClassVar[str] = "receipt"

    version: Literal["blindlink/receipt/1"] = "blindlink/receipt/1"
    subject: RandomId
    entry: Annotated[str, Field(max_length=8192)]
    index: Count
    proof: Annotated[
        tuple[Annotated[str, Field(min_length=44, max_length=44)], ...], Field(max_length=64)
    ]
    checkpoint: Annotated[str, Field(max_length=8192)]
