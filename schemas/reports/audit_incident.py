"""An incident in an audit report: what a leaked upload, secret or key reached, and since when.

Spec page: `schemas/spec/audit-report.md`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.document import Model
from schemas.documents.ids import Code, Name, RandomId, UtcTime
from schemas.linkage.run import ReleaseMode, RoundNumber

Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Subject = Literal["upload", "secret", "signing-key", "receiving-key", "log-key"]
Cause = Literal["uses-upload", "asked-by-person", "approved-by-person", "sealed-to-party"]
SealedKind = Literal["share", "claims", "statement", "cards", "columns"]
RunStage = Literal["asked", "started", "finished", "failed", "cancelled"]


class ReachedUpload(Model):
    """An upload that is, or was made with, what leaked; `destroyed` is null while it is there.

    It was made by `party` for `partner`.
    """

    upload: RandomId
    project: Name
    round: RoundNumber
    party: Name
    partner: Name
    entry: Count
    received: UtcTime
    destroyed: UtcTime | None


class ReachedRun(Model):
    """A run that used such an upload, or that the person asked for or approved while the key was in force.

    `sealed-to-party`: its match IDs were sealed to the party whose receiving key leaked.
    """

    run: RandomId
    project: Name
    round: RoundNumber
    entry: Count
    asked: UtcTime
    cause: Cause
    stage: RunStage


class ReachedRelease(Model):
    """A release of such a run: for whom, how often and when they were fetched; null: never, or not destroyed.

    `agency` is the one that fetches a blind release and whose records it is about; null for others. `matches`
    is null below the floor and for blind releases.
    """

    release: RandomId
    run: RandomId
    project: Name
    recipient: Name
    agency: Name | None
    mode: ReleaseMode
    matches: Count | None
    entry: Count
    prepared: UtcTime
    fetched: Count
    first_fetched: UtcTime | None
    last_fetched: UtcTime | None
    destroyed: UtcTime | None


class SealedToParty(Model):
    """What `party` sealed to the one whose receiving key leaked, in a round.

    A share of the secret is of an epoch, and of no round. A statement is sealed to all recipients of an ID
    space; columns are those of a delivery.
    """

    what: SealedKind
    project: Name
    round: RoundNumber | None
    epoch: Annotated[int, Field(ge=1, le=MAX_INTEGER)] | None
    party: Name
    entry: Count
    received: UtcTime


class Act(Model):
    """An entry by the person whose signing key leaked, while that key was in force."""

    entry: Count
    time: UtcTime
    kind: Code
    project: Name | None


class Incident(Model):
    """What leaked and what it reached: `id` is the upload's id, the key id, or the key's digest or text.

    It was there from the entry `first` at `since` on, until `until` (destroyed, replaced, revoked; null: it
    still is). `parties` are those whose it is: the uploader, the holders of the secret, the person's party,
    none for the log. While a log key leaks, anyone who has it can write another log from `first` on.
    """

    subject: Subject
    id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,300}$")]
    parties: Annotated[tuple[Name, ...], Field(max_length=64)]
    first: Count
    since: UtcTime
    until: UtcTime | None
    uploads: Annotated[tuple[ReachedUpload, ...], Field(max_length=100_000)]
    runs: Annotated[tuple[ReachedRun, ...], Field(max_length=100_000)]
    releases: Annotated[tuple[ReachedRelease, ...], Field(max_length=100_000)]
    sealed: Annotated[tuple[SealedToParty, ...], Field(max_length=500_000)]
    acts: Annotated[tuple[Act, ...], Field(max_length=1_000_000)]
