"""What an agency sends: the container of rows, the manifest that vouches for it, and the receipt it gets.

A container is one line `blindlink/container/2`, four bytes of header length, a canonical JSON header, the table
of handles, then the rows. It is made for one pair of agencies and one round, and sent in parts of which each is
the head, a piece of the table, or a piece of the rows. The header holds the Merkle root over the pieces, so
that its digest stands for the whole. Spec pages: `schemas/spec/container.md`, `manifest.md`, `receipt.md`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.documents.document import Document, Model
from schemas.documents.errors import ContainerError, DocumentError
from schemas.documents.ids import (
    HANDLE_BYTES,
    Code,
    IsoDate,
    KeyIdHex,
    Name,
    RandomId,
    Sha256Hex,
    UtcTime,
)
from schemas.documents.merkle import Frontier, hash_leaf
from schemas.linkage.counts import FileCounts
from schemas.linkage.privacy_audit import PrivacyAudit
from schemas.linkage.profile import Side
from schemas.linkage.row_layout import MAX_RECORDS, STORED_ROW_BYTES
from schemas.linkage.run import RoundNumber

MAGIC: Final = b"blindlink/container/2\n"
MAX_HEADER_BYTES: Final = 16 * 1024
# Small enough to send again after a fault: 4 MiB of handles, and just below that of whole rows.
HANDLES_PER_PIECE: Final = 262_144
ROWS_PER_PIECE: Final = 49_152
MAX_PART_BYTES: Final = 4 * 1024 * 1024

Count = Annotated[int, Field(ge=0, le=2**40)]
Records = Annotated[int, Field(ge=1, le=MAX_RECORDS)]


class ContainerHeader(Document):
    """The head of a container: for whom and from what it was made, and how much follows.

    `rows` is `records` times the rows a record that the profile gives this side. `root` is the Merkle root over
    the digests of all pieces, in order.
    """

    KIND: ClassVar[str] = "container header"

    version: Literal["blindlink/container/2"] = "blindlink/container/2"
    project: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)]
    round: RoundNumber
    party: Name
    partner: Name
    side: Side
    profile: Sha256Hex
    key_id: KeyIdHex
    records: Records
    rows: Annotated[int, Field(ge=1, le=2**40)]
    root: Sha256Hex


@dataclass(frozen=True, slots=True)
class Parts:
    """How a container is cut: part 0 is the head, then pieces of the table of handles, then of the rows."""

    head_bytes: int
    records: int
    rows: int

    @property
    def n_table(self) -> int:
        """How many parts the table of handles has."""
        return -(-self.records // HANDLES_PER_PIECE)

    @property
    def n_parts(self) -> int:
        """How many parts there are, the head included."""
        return 1 + self.n_table + -(-self.rows // ROWS_PER_PIECE)

    def length(self, number: int) -> int:
        """Return the length in bytes of a part.

        Raises:
            ContainerError: there is no part of this number.
        """
        if not 0 <= number < self.n_parts:
            raise ContainerError("the container has no part of this number")
        if number == 0:
            return self.head_bytes
        if number <= self.n_table:
            left = self.records - (number - 1) * HANDLES_PER_PIECE
            return min(HANDLES_PER_PIECE, left) * HANDLE_BYTES
        return self.rows_of(number) * STORED_ROW_BYTES

    def first_row(self, number: int) -> int:
        """Return the place of the first row of a part of rows."""
        return (number - 1 - self.n_table) * ROWS_PER_PIECE

    def rows_of(self, number: int) -> int:
        """Return how many rows a part of rows holds."""
        return min(ROWS_PER_PIECE, self.rows - self.first_row(number))


def merkle_root(piece_digests: Iterable[bytes]) -> str:
    """Return the root over the SHA-256 digests of a container's pieces, as lower-case hex (RFC 6962)."""
    frontier = Frontier()
    for digest in piece_digests:
        frontier.append(hash_leaf(digest))
    return frontier.root().hex()


@dataclass(frozen=True, slots=True)
class ParsedHeader:
    """A container's header and the offset in bytes at which the table of handles begins."""

    header: ContainerHeader
    body_offset: int


def serialise_header(header: ContainerHeader) -> bytes:
    """Return the bytes that stand before the table of handles."""
    body = header.to_canonical()
    if len(body) > MAX_HEADER_BYTES:
        raise ContainerError("the container header is too long")
    return MAGIC + struct.pack(">I", len(body)) + body


def parse_header(start: bytes) -> ParsedHeader:
    """Read the head of a container from its first bytes; `start` may run on into what follows.

    Raises:
        ContainerError: another format or version, or `start` ends before the header does.
    """
    if not start.startswith(MAGIC):
        raise ContainerError("not a Blindlink container of version 2")
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

    `container_sha256` is the digest of the container's head, which holds the root over all that follows.
    `counts` are those of the larger file; null in the smaller, and where a file is too small to be counted.
    `partner_root` is the root of the partner's container where that was committed before, and `last_message`
    the digest of the newest sealed message seen: null where there is none. `quality_digest` is
    null where the agency made no data check, and `privacy_audit` where the file is too small for one.
    """

    KIND: ClassVar[str] = "manifest"

    version: Literal["blindlink/manifest/4"] = "blindlink/manifest/4"
    project: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)]
    round: RoundNumber
    party: Name
    partner: Name
    side: Side
    agreement: Sha256Hex
    profile: Sha256Hex
    key_id: KeyIdHex
    container_sha256: Sha256Hex
    container_bytes: Annotated[int, Field(ge=1, le=2**50)]
    records: Records
    rows: Annotated[int, Field(ge=1, le=2**40)]
    root: Sha256Hex
    partner_root: Sha256Hex | None
    last_message: Sha256Hex | None
    counts: FileCounts | None
    as_of: IsoDate
    population: Code
    quality_digest: Sha256Hex | None = None
    privacy_audit: PrivacyAudit | None = None
    created: UtcTime
    software: Code

    @model_validator(mode="after")
    def _counts_are_of_the_larger_file(self) -> Self:
        if self.side == "smaller" and self.counts is not None:
            raise ValueError("the counts are those of the larger file")
        return self


class Signature(Model):
    """One person's Ed25519 signature, standard base64; `key` is the SHA-256 of the raw public key."""

    party: Name
    person: RandomId
    key: Sha256Hex
    signature: Annotated[str, Field(min_length=88, max_length=88)]


class SignedManifest(Document):
    """A manifest with the signature of the person who commits it."""

    KIND: ClassVar[str] = "signed manifest"

    manifest: Manifest
    signatures: Annotated[tuple[Signature, ...], Field(min_length=1, max_length=8)]
