"""The release file: one agency's own handles with link IDs, and nothing else.

One canonical JSON header line, then one line per link: handle and link ID in lower-case hex with one space
between, in increasing order of handle. The digest of the whole file is in the log entry of the release.
Spec page: `schemas/spec/release.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.document import Document
from schemas.errors import DocumentError
from schemas.ids import (
    HANDLE_BYTES,
    LINK_ID_BYTES,
    Handle,
    LinkId,
    Name,
    RandomId,
    Sha256Hex,
    UtcTime,
)
from schemas.run import ReleaseMode

MAX_HEADER_LINE_BYTES = 16 * 1024
LINE_BYTES = 2 * HANDLE_BYTES + 1 + 2 * LINK_ID_BYTES + 1


class ReleaseHeader(Document):
    """Who may read the file, from which run, under which agreement, and how many links follow.

    A file of mode `linked` has the links of the recipient's `upload`. One of mode `count` has no links and
    no upload, and states in `total` how many groups the run found, null where they are below the floor.
    """

    KIND: ClassVar[str] = "release header"

    version: Literal["blindlink/release/1"] = "blindlink/release/1"
    release: RandomId
    run: RandomId
    specification: Sha256Hex
    project: Name
    epoch: Annotated[int, Field(ge=1, le=10**6)]
    agreement: Sha256Hex
    recipient: Name
    mode: ReleaseMode
    space: Name
    upload: RandomId | None
    links: Annotated[int, Field(ge=0, le=2**40)]
    total: Annotated[int, Field(ge=0, le=2**40)] | None = None
    created: UtcTime

    @model_validator(mode="after")
    def _fields_belong_to_mode(self) -> Self:
        if self.mode == "count" and (self.links or self.upload is not None):
            raise ValueError("a file of mode count has neither links nor an upload")
        if self.mode != "count" and (self.upload is None or self.total is not None):
            raise ValueError("an upload, and no total, belong to this mode")
        return self


def serialise_release(
    header: ReleaseHeader, links: Iterable[tuple[Handle, LinkId]]
) -> Iterator[bytes]:
    """Yield the lines of a release file; `links` must come in increasing order of handle."""
    yield header.to_canonical() + b"\n"
    for handle, link_id in links:
        yield f"{handle.hex()} {link_id.hex()}\n".encode("ascii")


def parse_release(raw: bytes) -> tuple[ReleaseHeader, dict[Handle, LinkId]]:
    """Read a release file in whole.

    Raises:
        DocumentError: a malformed header or line, links out of order or repeated, or a count that differs
            from the header's.
    """
    head, separator, body = raw.partition(b"\n")
    if not separator or len(head) > MAX_HEADER_LINE_BYTES:
        raise DocumentError("release file: the header line is missing or too long")
    header = ReleaseHeader.from_canonical(head)
    if len(body) != header.links * LINE_BYTES:
        raise DocumentError("release file: its length differs from the number of links it states")
    links: dict[Handle, LinkId] = {}
    previous = b""
    for offset in range(0, len(body), LINE_BYTES):
        handle, link_id = _parse_line(body[offset : offset + LINE_BYTES])
        if handle <= previous:
            raise DocumentError("release file: handles are not in increasing order")
        previous = handle
        links[handle] = link_id
    return header, links


def release_digest(raw: bytes) -> str:
    """Return the SHA-256 of a whole release file as lower-case hex, as its log entry states it."""
    return hashlib.sha256(raw).hexdigest()


def _parse_line(line: bytes) -> tuple[Handle, LinkId]:
    middle = 2 * HANDLE_BYTES
    try:
        handle = bytes.fromhex(line[:middle].decode("ascii"))
        link_id = bytes.fromhex(line[middle + 1 : -1].decode("ascii"))
    except ValueError as exc:
        raise DocumentError("release file: a line is not a handle and a link ID") from exc
    if f"{handle.hex()} {link_id.hex()}\n".encode("ascii") != line:
        raise DocumentError("release file: a line is not a handle and a link ID")
    return Handle(handle), LinkId(link_id)
