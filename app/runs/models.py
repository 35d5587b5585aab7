"""Tables of runs and of their tasks, which are also the queue of the workers, and of approvals."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

TIME = String(20)
DIGEST = String(64)
NAME = String(40)
CODE = String(60)
RANDOM_ID = String(36)

_IS_PENDING = text("state IN ('awaiting', 'queued', 'running')")


class Run(Base):
    """One run of a pair of a round; `state` is one of schemas.api.bodies.RunState, `stage` of RunProgress.

    While it runs, `lease_token` names the worker that holds it until `lease_until_ms` (database time); every
    write of a worker is conditioned on its token. `stalled_attempts` counts attempts since the last range that
    was stored, or the last outage. `request_sha256` is null where nobody asked by hand. A count is null until
    the run has succeeded; `expected_false` and `expected_missed` are in hundredths, `rejected_before` counts
    pairs that a reviewer rejected in an earlier round, `rival_pairs` those behind a better pair of one of their
    records, `histogram` a JSON list of whole bits
    of total weight, each with how many candidate pairs have it, `concordance` one of fields: name, and linked
    pairs that are apart, wholly other, and missing in it. `match_record` is the root of its match record,
    `log_size` the size of the checkpoint that first covered its end; both are null until it has succeeded. Its
    keys are sealed objects, its ranges pieces of the one of its id; all end when it does.
    """

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("project", "party", "idempotency_key"),
        Index(
            "ix_run_pending",
            "project",
            "round",
            "larger",
            "smaller",
            unique=True,
            sqlite_where=_IS_PENDING,
            postgresql_where=_IS_PENDING,
        ),
    )

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    round: Mapped[int] = mapped_column(Integer)
    larger: Mapped[str] = mapped_column(NAME)
    smaller: Mapped[str] = mapped_column(NAME)
    party: Mapped[str] = mapped_column(NAME)
    person: Mapped[str] = mapped_column(RANDOM_ID)
    state: Mapped[str] = mapped_column(String(12), index=True)
    stage: Mapped[str] = mapped_column(String(12), default="waiting")
    purpose: Mapped[str] = mapped_column(CODE)
    specification: Mapped[str] = mapped_column(Text)
    specification_sha256: Mapped[str] = mapped_column(DIGEST)
    created: Mapped[str] = mapped_column(TIME)
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    request_sha256: Mapped[str | None] = mapped_column(DIGEST)

    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until_ms: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    stalled_attempts: Mapped[int] = mapped_column(Integer, default=0)
    # Fixed with the run: the ranges must be the same for every worker that takes it up.
    range_rows: Mapped[int] = mapped_column(BigInteger)

    rows_done: Mapped[int] = mapped_column(BigInteger, default=0)
    rows_total: Mapped[int] = mapped_column(BigInteger, default=0)
    rate: Mapped[int] = mapped_column(BigInteger, default=0)

    finished: Mapped[str | None] = mapped_column(TIME)
    failure: Mapped[str | None] = mapped_column(CODE)
    candidate_pairs: Mapped[int | None] = mapped_column(BigInteger)
    auto_pairs: Mapped[int | None] = mapped_column(BigInteger)
    review_pairs: Mapped[int | None] = mapped_column(BigInteger)
    expected_false: Mapped[int | None] = mapped_column(BigInteger)
    rejected_before: Mapped[int | None] = mapped_column(BigInteger)
    expected_missed: Mapped[int | None] = mapped_column(BigInteger)
    rival_pairs: Mapped[int | None] = mapped_column(BigInteger)
    concordance: Mapped[str | None] = mapped_column(Text)
    histogram: Mapped[str | None] = mapped_column(Text)
    match_record: Mapped[str | None] = mapped_column(DIGEST)
    log_size: Mapped[int | None] = mapped_column(BigInteger)


class RunTask(Base):
    """A range of tokens that a run under way compares: how many rows begin in it, and its meetings once done.

    Until then `meetings` is null, and `lease_token` names the worker that is at it until `lease_until_ms`
    (database time): anyone who holds the run, or one that helps.
    """

    __tablename__ = "run_task"

    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    rows: Mapped[int] = mapped_column("n_rows", BigInteger)
    meetings: Mapped[int | None] = mapped_column(BigInteger)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until_ms: Mapped[int | None] = mapped_column(BigInteger)


class ApprovedStep(Base):
    """A party's approval of a step of a run (`run` or `release`); `document` is the signed statement."""

    __tablename__ = "run_approval"
    __table_args__ = (UniqueConstraint("run", "step", "party"),)

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    run: Mapped[str] = mapped_column(ForeignKey("run.id"))
    step: Mapped[str] = mapped_column(String(8))
    party: Mapped[str] = mapped_column(NAME)
    document: Mapped[str] = mapped_column(Text)


class StandingGrant(Base):
    """A party's approval of runs in advance; `document` is the signed statement.

    `revoked` is null while it stands.
    """

    __tablename__ = "standing_approval"

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"), index=True)
    agreement: Mapped[str] = mapped_column(DIGEST, index=True)
    party: Mapped[str] = mapped_column(NAME)
    policy_sha256: Mapped[str] = mapped_column(DIGEST)
    until: Mapped[str] = mapped_column(String(10))
    runs: Mapped[int] = mapped_column(Integer)
    document: Mapped[str] = mapped_column(Text)
    received: Mapped[str] = mapped_column(TIME)
    revoked: Mapped[str | None] = mapped_column(TIME)


class StandingUse(Base):
    """A standing approval that stands for its party's approval of a run."""

    __tablename__ = "standing_use"

    run: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    party: Mapped[str] = mapped_column(NAME, primary_key=True)
    approval: Mapped[str] = mapped_column(ForeignKey("standing_approval.id"), index=True)
