"""The release file: one agency's own handles with match IDs, and where the records met.

One canonical JSON header line, then one line per match, in increasing order of handle: handle and match ID in
lower-case hex, and the place of the row of the agency's own container in which the two records met, 12 digits.
A match ID is of one run; what lasts are link IDs (`claims.md`). The digest of the whole file is in the log
entry of the release. Spec page: `schemas/spec/release.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from schemas.document import Document
from schemas.errors import DocumentError
from schemas.ids import (
    HANDLE_BYTES,
    MATCH_ID_BYTES,
    Handle,
    MatchId,
    Name,
    RandomId,
    Sha256Hex,
    UtcTime,
)
from schemas.run import ReleaseMode, ReleaseNumber, RoundNumber

MAX_HEADER_LINE_BYTES = 16 * 1024
ROW_DIGITS: Final = 12
LINE_BYTES: Final = 2 * HANDLE_BYTES + 1 + 2 * MATCH_ID_BYTES + 1 + ROW_DIGITS + 1


class Match(NamedTuple):
    """What a release says of one record: its match ID, and the row of its own container where it met."""

    match_id: MatchId
    row: int


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


def parse_release(raw: bytes) -> tuple[ReleaseHeader, dict[Handle, Match]]:
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
    matches: dict[Handle, Match] = {}
    seen: set[MatchId] = set()
    previous = b""
    for offset in range(0, len(body), LINE_BYTES):
        handle, match = _parse_line(body[offset : offset + LINE_BYTES])
        if handle <= previous:
            raise DocumentError("release file: handles are not in increasing order")
        if match.match_id in seen:
            raise DocumentError("release file: a match ID occurs twice")
        previous = handle
        seen.add(match.match_id)
        matches[handle] = match
    return header, matches


def release_digest(raw: bytes) -> str:
    """Return the SHA-256 of a whole release file as lower-case hex, as its log entry states it."""
    return hashlib.sha256(raw).hexdigest()


def _parse_line(line: bytes) -> tuple[Handle, Match]:
    try:
        handle_text, match_text, row_text = line[:-1].decode("ascii").split(" ")
        handle, match_id = bytes.fromhex(handle_text), bytes.fromhex(match_text)
        match = Match(MatchId(match_id), int(row_text))
    except ValueError as exc:
        raise DocumentError("release file: a line is not a handle, a match ID and a row") from exc
    written = f"{handle.hex()} {match_id.hex()} {match.row:0{ROW_DIGITS}d}\n"
    if match.row < 0 or written.encode("ascii") != line:
        raise DocumentError("release file: a line is not a handle, a match ID and a row")
    return Handle(handle), match
