"""The blind release: every record of one agency with a match ID that only the recipient can open.

The agency fetches it and learns nothing from it, not even which of its records were linked: matched or not,
each has a sealed match ID of the same form, in the order of random handles. Spec page:
`schemas/spec/blind-release.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import Field

from schemas.documents.canonical import canonical_bytes
from schemas.documents.errors import DocumentError, SealedError
from schemas.documents.ids import (
    HANDLE_BYTES,
    MATCH_ID_BYTES,
    Handle,
    MatchId,
    Name,
    RandomId,
    Sha256Hex,
    UtcTime,
)
from schemas.linkage.run import RoundNumber
from schemas.signing.sealing import SealedHeader

NONCE_BYTES: Final = 12
SEALED_MATCH_ID_BYTES: Final = NONCE_BYTES + MATCH_ID_BYTES + 16
MAX_HEADER_LINE_BYTES: Final = 64 * 1024
RECORD_BYTES: Final = HANDLE_BYTES + SEALED_MATCH_ID_BYTES

_MATCH_ID_LABEL: Final = b"blindlink/v1/blind-match-id\n"


class BlindHeader(SealedHeader):
    """Of which run the match IDs are, whose records they stand beside, and who can open them.

    `agency` is the party whose upload it is and who fetches the file, `partner` the one whose file it was
    compared with, `recipient` the one who opens the match IDs. As many records follow as the upload has,
    whatever the run found.
    """

    KIND: ClassVar[str] = "blind release header"
    LABEL: ClassVar[bytes] = b"blindlink/v1/blind-release\n"

    version: Literal["blindlink/blind-release/2"] = "blindlink/blind-release/2"
    release: RandomId
    run: RandomId
    specification: Sha256Hex
    project: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)]
    round: RoundNumber
    agreement: Sha256Hex
    recipient: Name
    agency: Name
    partner: Name
    space: Name
    upload: RandomId
    records: Annotated[int, Field(ge=1, le=2**40)]
    created: UtcTime


@dataclass(frozen=True, slots=True)
class MatchIdSeal:
    """Seals and opens the match IDs of one blind release, under its key of 32 bytes."""

    _cipher: AESGCM = field(repr=False)
    _bound: bytes = field(repr=False)

    @classmethod
    def of(cls, key: bytes, release: str, agency: str) -> MatchIdSeal:
        """Return the seal of the release to which this agency's records belong."""
        bound = canonical_bytes({"agency": agency, "release": release})
        return cls(AESGCM(key), _MATCH_ID_LABEL + bound)

    def close(self, match_id: MatchId, nonce: bytes) -> bytes:
        """Return the 44 bytes of a sealed match ID; the nonce has 12 random bytes that never come again."""
        return nonce + self._cipher.encrypt(nonce, match_id, self._bound)

    def open(self, sealed: bytes) -> MatchId:
        """Return the match ID.

        Raises:
            SealedError: it was sealed under another key, for another release or agency, or was changed.
        """
        if len(sealed) != SEALED_MATCH_ID_BYTES:
            raise SealedError("a sealed match ID does not have 44 bytes")
        try:
            return MatchId(
                self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound)
            )
        except InvalidTag:
            raise SealedError("a sealed match ID is not one of this release") from None


@dataclass(frozen=True, slots=True)
class ParsedBlindHeader:
    """A blind release's header, and the offset in bytes at which its records begin."""

    header: BlindHeader
    body_offset: int


def serialise_blind_release(
    header: BlindHeader, records: Iterable[tuple[Handle, bytes]]
) -> Iterator[bytes]:
    """Yield the pieces of a blind release; records are a handle and a sealed match ID, in order of handles."""
    yield header.to_canonical() + b"\n"
    for handle, sealed in records:
        yield handle + sealed


def parse_blind_header(start: bytes) -> ParsedBlindHeader:
    """Read the head of a blind release from its first bytes; `start` may run on into the records.

    Raises:
        DocumentError: another format or version, or `start` ends before the header does.
    """
    head, separator, _ = start.partition(b"\n")
    if not separator or len(head) > MAX_HEADER_LINE_BYTES:
        raise DocumentError("blind release: the header line is missing or too long")
    return ParsedBlindHeader(BlindHeader.from_canonical(head), len(head) + 1)


def blind_release_bytes(parsed: ParsedBlindHeader) -> int:
    """Return the size of the whole file, which follows from its header."""
    return parsed.body_offset + parsed.header.records * RECORD_BYTES
