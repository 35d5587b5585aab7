"""The release file: one agency's own handles with match IDs, and where the records met.

One canonical JSON header line, then one line per match, in increasing order of handle: handle and match ID in
lower-case hex, and the place of the row of the agency's own container in which the two records met, 12 digits.
A match ID is of one run; what lasts are link IDs (`claims.md`). The digest of the whole file is in the log
entry of the release. Spec page: `schemas/spec/release.md`.
"""

from __future__ import annotations

import hashlib
import re
from binascii import hexlify, unhexlify
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from schemas.documents.document import Document
from schemas.documents.errors import DocumentError
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
from schemas.linkage.run import ReleaseMode, ReleaseNumber, RoundNumber

MAX_HEADER_LINE_BYTES = 16 * 1024
ROW_DIGITS: Final = 12
_ID_DIGITS: Final = 2 * HANDLE_BYTES
_LINE: Final = re.compile(
    rf"([0-9a-f]{{{_ID_DIGITS}}}) ([0-9a-f]{{{2 * MATCH_ID_BYTES}}}) [0-9]{{{ROW_DIGITS}}}\n".encode()
)
LINE_BYTES: Final = 2 * HANDLE_BYTES + 1 + 2 * MATCH_ID_BYTES + 1 + ROW_DIGITS + 1


class Match(NamedTuple):
    """What a release says of one record: its match ID, and the row of its own container where it met."""

    match_id: MatchId
    row: int


@dataclass(frozen=True, slots=True, eq=False)
class MatchLines(Mapping[Handle, Match]):
    """The matches of a release file as its lines, each read when it is asked for, in order of handle."""

    text: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.text) // LINE_BYTES

    def __iter__(self) -> Iterator[Handle]:
        return (Handle(unhexlify(self.text[at : at + _ID_DIGITS])) for at in self._places())

    def __getitem__(self, handle: Handle) -> Match:
        wanted, text = hexlify(handle), self.text
        place = bisect_left(self._places(), wanted, key=lambda at: text[at : at + _ID_DIGITS])
        at = place * LINE_BYTES
        if text[at : at + _ID_DIGITS] != wanted:
            raise KeyError(handle)
        return _match(text[at : at + LINE_BYTES])

    def _places(self) -> range:
        return range(0, len(self.text), LINE_BYTES)


class ReleaseHeader(Document):
    """Who may read the file, from which run, under which agreement, and how many matches follow.

    `number` is 1, or that of a supplementary release, which holds what clerical review accepted.
    A file of mode `linked` has the matches of the recipient's `upload` with that of `partner`. One of mode
    `count` has no matches, upload or partner, and states in `total` how many the run found, null where they are
    below the floor.
    """

    KIND: ClassVar[str] = "release header"

    version: Literal["blindlink/release/2"] = "blindlink/release/2"
    release: RandomId
    run: RandomId
    specification: Sha256Hex
    project: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)]
    round: RoundNumber
    number: ReleaseNumber = 1
    agreement: Sha256Hex
    recipient: Name
    partner: Name | None
    mode: ReleaseMode
    space: Name
    upload: RandomId | None
    matches: Annotated[int, Field(ge=0, le=2**32)]
    total: Annotated[int, Field(ge=0, le=2**32)] | None = None
    created: UtcTime

    @model_validator(mode="after")
    def _fields_belong_to_mode(self) -> Self:
        own = self.upload is not None and self.partner is not None
        if self.mode == "count" and (self.matches or self.upload or self.partner):
            raise ValueError("a file of mode count has no matches, upload or partner")
        if self.mode != "count" and (not own or self.total is not None):
            raise ValueError("an upload and a partner, and no total, belong to this mode")
        return self


def serialise_release(
    header: ReleaseHeader, matches: Iterable[tuple[Handle, Match]]
) -> Iterator[bytes]:
    """Yield the lines of a release file; `matches` must come in increasing order of handle."""
    yield header.to_canonical() + b"\n"
    for handle, match in matches:
        yield f"{handle.hex()} {match.match_id.hex()} {match.row:0{ROW_DIGITS}d}\n".encode("ascii")


def parse_release(raw: bytes) -> tuple[ReleaseHeader, MatchLines]:
    """Read a release file in whole.

    Raises:
        DocumentError: a malformed header or line, matches out of order or repeated, or a count that differs
            from the header's.
    """
    head, separator, body = raw.partition(b"\n")
    if not separator or len(head) > MAX_HEADER_LINE_BYTES:
        raise DocumentError("release file: the header line is missing or too long")
    header = ReleaseHeader.from_canonical(head)
    if len(body) != header.matches * LINE_BYTES:
        raise DocumentError("release file: its length differs from the number of matches it states")
    seen: set[bytes] = set()
    previous = b""
    for offset in range(0, len(body), LINE_BYTES):
        line = _LINE.match(body, offset)
        if line is None:
            raise DocumentError("release file: a line is not a handle, a match ID and a row")
        handle, match = line.groups()
        if handle <= previous:
            raise DocumentError("release file: handles are not in increasing order")
        previous = handle
        seen.add(unhexlify(match))
    if len(seen) != header.matches:
        raise DocumentError("release file: a match ID occurs twice")
    return header, MatchLines(body)


def release_digest(raw: bytes) -> str:
    """Return the SHA-256 of a whole release file as lower-case hex, as its log entry states it."""
    return hashlib.sha256(raw).hexdigest()


def _match(line: bytes) -> Match:
    start = _ID_DIGITS + 1
    match_id = unhexlify(line[start : start + 2 * MATCH_ID_BYTES])
    return Match(MatchId(match_id), int(line[-ROW_DIGITS - 1 : -1]))
