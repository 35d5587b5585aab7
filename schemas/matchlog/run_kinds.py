"""What match-log entries say of runs: asked for, started, ended, and what they found."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from schemas.documents.document import Model
from schemas.documents.ids import RUN_PREFIX, Code, Sha256Hex
from schemas.linkage.link_quality import Concordance
from schemas.linkage.run import RunSpecification
from schemas.matchlog.party_digests import PartyDigests
from schemas.matchlog.registry import (
    ANALYSTS,
    DOCUMENT_BYTES,
    DONE_OR_REFUSED,
    Count,
    Kind,
    Ordinal,
    register,
)


class RunAsked(Model):
    """A run was asked for, by exactly this specification."""

    specification_sha256: Sha256Hex
    specification: RunSpecification

    @model_validator(mode="after")
    def _digest_fits(self) -> Self:
        if self.specification.digest() != self.specification_sha256:
            raise ValueError("the digest is not that of the specification")
        return self


class RunStarted(Model):
    """A worker began, or began again: `attempt` counts from 1."""

    attempt: Ordinal


class RunFinished(Model):
    """A run's result is stored. A count below the floor is null, as where agencies may not know it.

    `openings` are the files with which parties can open commitments of the match record. `expected_false`, in
    hundredths of a link, and `concordance` tell of the linked pairs, and are null where their number is.
    """

    specification_sha256: Sha256Hex
    auto_pairs: Count | None
    expected_false: Count | None
    concordance: Annotated[tuple[Concordance, ...], Field(max_length=16)] | None
    match_record_root: Sha256Hex
    openings: PartyDigests
    software: Code


class MatchRecordDestroyed(Model):
    """The key of a run's match record was destroyed, and with it all openings; `reason` says why then."""

    root: Sha256Hex
    reason: Code


class RunFailed(Model):
    """A run ended without a result; `code` is a stable reason."""

    code: Code
    attempt: Ordinal


class RunCancelled(Model):
    """A run was stopped by a person or a rule before it had a result."""

    reason: Code


RUN_KINDS: Final = register(
    {
        "run-asked": Kind(
            RunAsked,
            object_prefix=RUN_PREFIX,
            outcomes=DONE_OR_REFUSED,
            max_bytes=DOCUMENT_BYTES,
            duties=ANALYSTS,
        ),
        "run-started": Kind(RunStarted, object_prefix=RUN_PREFIX, by="broker"),
        "run-finished": Kind(RunFinished, object_prefix=RUN_PREFIX, by="broker"),
        "match-record-destroyed": Kind(MatchRecordDestroyed, object_prefix=RUN_PREFIX, by="broker"),
        "run-failed": Kind(
            RunFailed, object_prefix=RUN_PREFIX, outcomes=frozenset({"failed"}), by="broker"
        ),
        "run-cancelled": Kind(
            RunCancelled, object_prefix=RUN_PREFIX, duties=("analyst", "approver")
        ),
    }
)
