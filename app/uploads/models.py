"""Tables of uploads, of refusals, and of the key id that an epoch's first upload fixed."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

# Times are `clock.utc_text`: they compare as text, alike on both databases.
TIME = String(20)
DIGEST = String(64)
CODE = String(60)
RANDOM_ID = String(36)

_IS_OPEN = text("state IN ('open', 'checking')")


class Upload(Base):
    """One container on its way, committed, or gone; `state` is one of schemas.api.bodies.UploadState.

    `agreement` and `purpose` are those of the terms that it was committed under.
    An open upload ends at `expires`, a committed one at `keep_until`. `entry` is the index of its
    `upload-received` entry in the match log, `entry_size` the size of the checkpoint that first covered it. All
    of these are null until it is committed. Its parts are pieces of the sealed object of its id.

    While it is checked, `asked` holds what its commit asked for, and by whom, and `checked` counts the parts
    that were read. `check_token` names who reads them, until `check_until_ms` (database time); `check_attempts`
    counts who began. All are null otherwise. `refusal` is why the last check ended without a commit.
    """

    __tablename__ = "upload"
    __table_args__ = (
        UniqueConstraint("project", "party", "idempotency_key"),
        Index(
            "ix_upload_open",
            "project",
            "party",
            "partner",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
    )

    id: Mapped[str] = mapped_column(RANDOM_ID, primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("project.name"))
    party: Mapped[str] = mapped_column(ForeignKey("party.name"))
    person: Mapped[str] = mapped_column(RANDOM_ID)
    state: Mapped[str] = mapped_column(String(12), index=True)
    epoch: Mapped[int] = mapped_column(Integer)
    round: Mapped[int] = mapped_column(Integer)
    partner: Mapped[str] = mapped_column(ForeignKey("party.name"))
    profile: Mapped[str] = mapped_column(DIGEST)
    key_id: Mapped[str] = mapped_column(String(16))
    container_sha256: Mapped[str] = mapped_column(DIGEST)
    container_bytes: Mapped[int] = mapped_column(BigInteger)
    head_bytes: Mapped[int] = mapped_column(Integer)
    records: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column("n_rows", BigInteger)
    created: Mapped[str] = mapped_column(TIME)
    expires: Mapped[str] = mapped_column(TIME)
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    request_sha256: Mapped[str] = mapped_column(DIGEST)
    committed: Mapped[str | None] = mapped_column(TIME)
    keep_until: Mapped[str | None] = mapped_column(TIME)
    agreement: Mapped[str | None] = mapped_column(DIGEST)
    purpose: Mapped[str | None] = mapped_column(String(60))
    manifest: Mapped[str | None] = mapped_column(Text)
    manifest_sha256: Mapped[str | None] = mapped_column(DIGEST)
    entry: Mapped[int | None] = mapped_column(BigInteger)
    entry_size: Mapped[int | None] = mapped_column(BigInteger)

    asked: Mapped[str | None] = mapped_column(Text)
    checked: Mapped[int | None] = mapped_column(BigInteger)
    check_token: Mapped[str | None] = mapped_column(String(32))
    check_until_ms: Mapped[int | None] = mapped_column(BigInteger)
    check_attempts: Mapped[int | None] = mapped_column(Integer)
    refusal: Mapped[str | None] = mapped_column(Text)


class UploadRejection(Base):
    """A rule that a manifest was refused by for an upload, in the words of the answer.

    It is in the match log once, and where it lasts, the parts are not read again for it.
    """

    __tablename__ = "upload_rejection"

    upload: Mapped[str] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    manifest_sha256: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    rule: Mapped[str] = mapped_column(CODE, primary_key=True)
    detail: Mapped[str] = mapped_column(Text)
    clause: Mapped[str | None] = mapped_column(CODE)


class EpochKey(Base):
    """The key id of an epoch, fixed by its first committed upload; it outlives that upload."""

    __tablename__ = "epoch_key"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True)
    key_id: Mapped[str] = mapped_column(String(16))


class WithdrawnRecord(Base):
    """A record that no run of the epoch compares; `digest` stands for its handle, which is kept nowhere."""

    __tablename__ = "withdrawn_record"

    project: Mapped[str] = mapped_column(ForeignKey("project.name"), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True)
    party: Mapped[str] = mapped_column(ForeignKey("party.name"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
