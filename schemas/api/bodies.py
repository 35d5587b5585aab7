"""The bodies of the HTTP API under `/v1`, as broker and agency both read them.

Refusals are `schemas.documents.problem.Problem`; parts of an upload and release files are raw bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from schemas.agreement.agreement import ProjectTerms
from schemas.documents.document import Document, Model
from schemas.documents.ids import Code, KeyIdHex, Name, RandomId, Sha256Hex, UtcTime
from schemas.documents.problem import Problem
from schemas.linkage.link_quality import Concordance
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.row_layout import MAX_RECORDS
from schemas.linkage.run import (
    MatchingPolicy,
    RoundNumber,
    RunSpecification,
)
from schemas.matchlog.hand_over import HandOver
from schemas.rounds.match_record import Decision, MatchRecordHeader
from schemas.signing.identity import Duty, Role

# checking: a commit was asked for, and the parts are read.
UploadState = Literal["open", "checking", "committed", "expired", "destroyed"]
# awaiting: parties that the agreement asks have yet to approve it.
RunState = Literal["awaiting", "queued", "running", "succeeded", "failed", "cancelled"]
Size = Annotated[int, Field(ge=0, le=2**50)]

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


class ProjectView(Document):
    """A project as one of its parties sees it: the terms in force and what they are checked against."""

    KIND: ClassVar[str] = "project"

    project: Name
    agreement: Sha256Hex
    terms: ProjectTerms
    profile: EncodingProfile
    in_force: bool


class ProjectList(Document):
    """The projects that name the caller's party."""

    KIND: ClassVar[str] = "project list"

    projects: tuple[ProjectView, ...]


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


class RunRequest(Document):
    """Asks once more for the run of a pair in the round that is open, after one has failed or was cancelled.

    The first one starts by itself. `policy` is another one within the range that the agreement leaves; null
    asks for the agreed one.
    """

    KIND: ClassVar[str] = "run request"

    round: RoundNumber
    partner: Name
    policy: MatchingPolicy | None = None


class RunProgress(Model):
    """How far a run is: rows read and to read, their rate a second, and seconds left if known."""

    stage: Literal["waiting", "comparing", "deciding", "releasing", "done"]
    rows_done: Size
    rows_total: Size
    rate: Size
    seconds_left: Size | None


class RunCounts(Model):
    """What a run found.

    A count is null where it, or one that could be computed from it and others, lies below the project's
    floor; to whom the matches belong, their number is shown in any case. `expected_false` is how many of the
    linked pairs are expected to be wrong, in hundredths; `rejected_before` how many pairs met that a reviewer
    had rejected in an earlier round, which are none of the others. In hundredths, `expected_missed` is how many
    matches are expected among the pairs that met and were not linked: no agency sees it. `concordance` is how
    the linked pairs agree, null where their number is not shown.
    """

    candidate_pairs: Size | None
    auto_pairs: Size | None
    review_pairs: Size | None
    expected_false: Size | None
    rejected_before: Size | None = None
    expected_missed: Size | None = None
    concordance: tuple[Concordance, ...] | None = None


class RunFinality(Model):
    """Which parties have cosigned a checkpoint that covers the run's end, and how many have to.

    The broker says so; what the cosigned checkpoints themselves say is in the match log's bundle.
    """

    cosigned_by: Annotated[tuple[Name, ...], Field(max_length=64)]
    needed: Annotated[int, Field(ge=0, le=64)]
    is_final: bool


class RunView(Document):
    """A run as a party of its project sees it; `failure` is a stable code where it failed.

    `finality` is null until it has succeeded; `match_record` is the root of its match record, null where
    there is none.
    """

    KIND: ClassVar[str] = "run"

    run: RandomId
    project: Name
    state: RunState
    specification: RunSpecification
    specification_sha256: Sha256Hex
    progress: RunProgress
    counts: RunCounts | None
    failure: Code | None
    created: UtcTime
    finished: UtcTime | None
    finality: RunFinality | None = None
    match_record: Sha256Hex | None = None


class RunList(Document):
    """Runs, newest first."""

    KIND: ClassVar[str] = "run list"

    runs: tuple[RunView, ...]


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
