"""The bodies of the HTTP API under `/v1`, as broker and agency both read them.

Refusals are `schemas.documents.problem.Problem`; parts of an upload and release files are raw bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from schemas.documents.document import Document, Size
from schemas.documents.ids import KeyIdHex, Name, RandomId, Sha256Hex, UtcTime
from schemas.documents.problem import Problem
from schemas.linkage.row_layout import MAX_RECORDS
from schemas.linkage.run import (
    RoundNumber,
)
from schemas.matchlog.hand_over import HandOver
from schemas.rounds.match_record import Decision, MatchRecordHeader
from schemas.signing.identity import Duty, Role

# checking: a commit was asked for, and the parts are read.
UploadState = Literal["open", "checking", "committed", "expired", "destroyed"]

# A row has about 340 bytes, so that a page of a match record stays below 2 MB.
MAX_RECORD_ROWS: Final = 5_000


class WhoAmI(Document):
    """Whom the broker takes the caller for."""

    KIND: ClassVar[str] = "caller"

    party: Name
    person: RandomId
    role: Role
    duties: tuple[Duty, ...] = ()
    expires: UtcTime | None


class UploadRequest(Document):
    """Opens an upload: what will come, so that the broker can refuse early and count parts.

    `partner` is the agency that the container was made for, `head_bytes` the length of its head, which is part
    0; the other parts follow from `records` and `rows` (`schemas.rounds.upload.Parts`).
    """

    KIND: ClassVar[str] = "upload request"

    epoch: Annotated[int, Field(ge=1, le=10**6)]
    round: RoundNumber
    partner: Name
    profile: Sha256Hex
    key_id: KeyIdHex
    container_sha256: Sha256Hex
    container_bytes: Annotated[int, Field(ge=1, le=2**50)]
    head_bytes: Annotated[int, Field(ge=1, le=2**15)]
    records: Annotated[int, Field(ge=1, le=MAX_RECORDS)]
    rows: Annotated[int, Field(ge=1, le=2**40)]


class UploadView(Document):
    """An upload as its own party (and, without `parts`, an auditor or operator) sees it.

    Parts are numbered from 0. `committed` is null until it is committed. `checked` is how many parts the check
    of a commit has read so far, null where there is none. `refusal` is why the last check ended without a
    commit, null where none has.
    """

    KIND: ClassVar[str] = "upload"

    upload: RandomId
    project: Name
    round: RoundNumber
    party: Name
    partner: Name
    state: UploadState
    parts: Annotated[int, Field(ge=1)]
    container_sha256: Sha256Hex
    container_bytes: Size
    records: Size
    created: UtcTime
    committed: UtcTime | None
    checked: Size | None = None
    refusal: Problem | None = None


class UploadList(Document):
    """Uploads, newest first."""

    KIND: ClassVar[str] = "upload list"

    uploads: tuple[UploadView, ...]


class PartList(Document):
    """The numbers of the parts that are stored durably, in increasing order."""

    KIND: ClassVar[str] = "part list"

    stored: tuple[Annotated[int, Field(ge=0)], ...]


class PartStored(Document):
    """One part is stored durably under this digest; sending it again changes nothing."""

    KIND: ClassVar[str] = "stored part"

    part: Annotated[int, Field(ge=0)]
    sha256: Sha256Hex


class MatchRecordPage(Document):
    """Some rows of a run's match record, for auditors: decisions, and bare leaf hashes of what is withheld.

    `root` is what the match log says of the whole record; `first` is the number of the first row here, from
    1; `next` that of the next page's, null on the last one. The header and the rows of all pages, one line
    each, are the record as `schemas/spec/match-record.md` defines it.
    """

    KIND: ClassVar[str] = "page of a match record"

    header: MatchRecordHeader
    root: Sha256Hex
    first: Annotated[int, Field(ge=1)]
    rows: Annotated[tuple[Decision | Sha256Hex, ...], Field(max_length=MAX_RECORD_ROWS)]
    next: Annotated[int, Field(ge=1)] | None

    def lines(self) -> Iterator[bytes]:
        """Yield the rows as the record's lines, each with its newline."""
        for row in self.rows:
            yield (row.encode("ascii") if isinstance(row, str) else row.to_canonical()) + b"\n"


class CosignatureRequest(Document):
    """A witness's line over the checkpoint of `size`, and the key that made it, as text.

    Either is one line; the signature's ends with its newline. The key is that of a person of the caller's
    party: kind 0x04 under the party's name, with the person's signing key.
    """

    KIND: ClassVar[str] = "cosignature"

    size: Annotated[int, Field(ge=1, le=2**53 - 1)]
    key: Annotated[str, Field(max_length=300)]
    line: Annotated[str, Field(max_length=500)]


class CosignatureStored(Document):
    """The party has cosigned the log of this size, and every one before it."""

    KIND: ClassVar[str] = "stored cosignature"

    party: Name
    size: Size
    time: UtcTime


class SessionLink(Document):
    """A one-time code for the pages: works once, for 60 seconds; the code goes into the fragment."""

    KIND: ClassVar[str] = "session link"

    # It is printed as part of an address: nothing that a terminal would take for a command.
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    expires: UtcTime


def sign_in_url(broker: str, code: str) -> str:
    """Return the address that opens a page session once; the code is in the fragment, which is never sent."""
    return f"{broker.rstrip('/')}/sign-in#{code}"


def sign_on_link_url(broker: str, code: str) -> str:
    """Return the address that links a single sign-on with a person's keys once; the code is in the fragment."""
    return f"{broker.rstrip('/')}/sign-on/link#{code}"


class LogCheckpoint(Document):
    """The newest signed checkpoint, with a consistency proof from the size the caller knows.

    `log_key` signed it; `hand_overs` lead there, oldest first, from the key that signed at the caller's size.
    """

    KIND: ClassVar[str] = "log checkpoint"

    checkpoint: str
    old_size: Size
    proof: tuple[Annotated[str, Field(min_length=44, max_length=44)], ...]
    log_key: str
    hand_overs: Annotated[tuple[HandOver, ...], Field(max_length=64)] = ()
