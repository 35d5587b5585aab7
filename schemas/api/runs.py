"""The bodies of the HTTP API that are about runs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.documents.document import Document, Model, Size
from schemas.documents.ids import Code, Name, RandomId, Sha256Hex, UtcTime
from schemas.linkage.link_quality import Concordance
from schemas.linkage.run import (
    MatchingPolicy,
    RoundNumber,
    RunSpecification,
)

# awaiting: parties that the agreement asks have yet to approve it.
RunState = Literal["awaiting", "queued", "running", "succeeded", "failed", "cancelled"]


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
