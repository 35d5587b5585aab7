"""All queries of uploads. A read for a caller starts from what the caller may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, select, update
from sqlalchemy.orm import Session

from app.db import Window, database_now_ms, look_through, scalars_of_project
from app.sealed.objects import present_objects
from app.security.actor import Actor
from app.uploads.models import EpochKey, Upload, UploadRejection, WithdrawnRecord

# Of an open round, of the last two that were linked, and of as many that were corrected.
RECENT_ROUNDS: Final = 5
# What has not ended, and is not committed.
_UNCOMMITTED = ("open", "checking")


def _seen_by(actor: Actor) -> Select[Upload]:
    """Return the uploads that an actor may see as far as its party decides; its projects come on top."""
    query = select(Upload)
    return query.where(Upload.party == actor.party) if actor.role == "agency" else query


def find_upload(
    session: Session, actor: Actor, upload: str, *, lock: bool = False
) -> Upload | None:
    """Return an upload of the actor's, or None; `lock` locks its row until the transaction ends."""
    query = _seen_by(actor).where(Upload.id == upload)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def recent_uploads(session: Session, actor: Actor, project: str) -> Sequence[Upload]:
    """Return the actor's uploads of a project's newest rounds, for a reader who looks at many projects."""
    rank = func.dense_rank().over(partition_by=Upload.project, order_by=Upload.round.desc())
    ranked = select(Upload.id, rank.label("rank")).subquery()
    key = ("recent_uploads", actor.role, actor.party)
    return scalars_of_project(
        session,
        project,
        Upload.project,
        lambda: (
            _seen_by(actor)
            .join(ranked, ranked.c.id == Upload.id)
            .where(ranked.c.rank <= RECENT_ROUNDS)
        ),
        key,
    )


def uploads_of_project(
    session: Session, actor: Actor, project: str, window: Window
) -> Sequence[Upload]:
    """Return a piece of the project's uploads that the actor may see, newest first."""
    query = _seen_by(actor).where(Upload.project == project)
    return look_through(session, query, Upload.created, Upload.id, window)


def find_by_idempotency_key(
    session: Session, actor: Actor, project: str, key: str
) -> Upload | None:
    """Return what the party opened in the project under this Idempotency-Key, or None."""
    return session.scalar(
        select(Upload).where(
            Upload.party == actor.party, Upload.project == project, Upload.idempotency_key == key
        )
    )


def find_open(session: Session, actor: Actor, project: str, partner: str) -> Upload | None:
    """Return the party's one upload for a partner that is open or being checked, locked, or None."""
    return session.scalar(
        select(Upload)
        .where(
            Upload.party == actor.party,
            Upload.project == project,
            Upload.partner == partner,
            Upload.state.in_(_UNCOMMITTED),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def count_replaced(session: Session, project: str, number: int, party: str, partner: str) -> int:
    """Return how many uploads of a party for a partner and round ended uncommitted, and are not gone."""
    query = select(func.count()).where(
        Upload.project == project,
        Upload.round == number,
        Upload.party == party,
        Upload.partner == partner,
        Upload.state == "expired",
        Upload.id.in_(present_objects()),
    )
    return session.scalar(query) or 0


def committed_for(
    session: Session, project: str, number: int, party: str, partner: str
) -> Upload | None:
    """Return what a party has committed for a partner in a round, for the broker itself; None: nothing."""
    return session.scalar(
        select(Upload).where(
            Upload.project == project,
            Upload.round == number,
            Upload.party == party,
            Upload.partner == partner,
            Upload.state == "committed",
        )
    )


def lock_committed(session: Session, uploads: Sequence[str], now: str) -> bool:
    """Tell whether these uploads are all committed and in time, and keep them until the transaction ends."""
    query = select(Upload.id).where(
        Upload.id.in_(uploads), Upload.state == "committed", Upload.keep_until > now
    )
    locked = session.scalars(query.order_by(Upload.id).with_for_update(read=True)).all()
    return len(locked) == len(set(uploads))


def withdrawn_digests(session: Session, project: str, epoch: int, party: str) -> frozenset[str]:
    """Return the digests of the handles that a party has withdrawn in an epoch."""
    query = select(WithdrawnRecord.digest).where(
        WithdrawnRecord.project == project,
        WithdrawnRecord.epoch == epoch,
        WithdrawnRecord.party == party,
    )
    return frozenset(session.scalars(query))


def get_upload(session: Session, upload: str, *, lock: bool = False) -> Upload | None:
    """Return an upload for the broker itself (worker, sweeper), or None."""
    return session.get(Upload, upload, populate_existing=True, with_for_update=lock or None)


def has_free_check(session: Session) -> bool:
    """Tell whether the check of an upload waits or was abandoned."""
    return session.scalar(select(Upload.id).where(_is_free_check()).limit(1)) is not None


def claim_check(session: Session, token: str, lease_ms: int) -> Row[str, int | None] | None:
    """Lease the check that is free and was asked for first; None where there is none."""
    first = (
        select(Upload.id)
        .where(_is_free_check())
        .order_by(Upload.expires, Upload.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return session.execute(
        update(Upload)
        .where(Upload.id == first)
        .values(
            check_token=token,
            check_until_ms=database_now_ms() + lease_ms,
            check_attempts=Upload.check_attempts + 1,
            checked=0,
        )
        .returning(Upload.id, Upload.check_attempts)
        .execution_options(synchronize_session=False)
    ).one_or_none()


def renew_check(session: Session, upload: str, token: str, checked: int, lease_ms: int) -> bool:
    """Put the end of a check's lease off, or return False where this token does not hold it."""
    changed = session.execute(
        update(Upload)
        .where(Upload.id == upload, Upload.state == "checking", Upload.check_token == token)
        .values(checked=checked, check_until_ms=database_now_ms() + lease_ms)
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def _is_free_check() -> ColumnElement[bool]:
    return and_(Upload.state == "checking", Upload.check_until_ms < database_now_ms())


def epoch_key_id(session: Session, project: str, epoch: int) -> str | None:
    """Return the key id that the epoch's first committed upload fixed; None before it."""
    return session.scalar(
        select(EpochKey.key_id).where(EpochKey.project == project, EpochKey.epoch == epoch)
    )


def epoch_of_key(session: Session, project: str, key_id: str) -> int | None:
    """Return the epoch of which the first committed upload fixed this key id; None: of none."""
    return session.scalar(
        select(EpochKey.epoch).where(EpochKey.project == project, EpochKey.key_id == key_id)
    )


def rejections(session: Session, upload: str) -> Sequence[UploadRejection]:
    """Return what an upload was refused for so far, by manifest and rule."""
    query = select(UploadRejection).where(UploadRejection.upload == upload)
    return session.scalars(
        query.order_by(UploadRejection.manifest_sha256, UploadRejection.rule)
    ).all()


def forget_rejections(session: Session, uploads: Sequence[str]) -> None:
    """Remove what uploads that are over were refused for."""
    session.execute(delete(UploadRejection).where(UploadRejection.upload.in_(uploads)))


def projects_with_overdue(session: Session, now: str) -> Sequence[str]:
    """Return the projects with open uploads beyond `expires`."""
    query = select(Upload.project).where(Upload.state == "open", Upload.expires <= now)
    return session.scalars(query.distinct()).all()


def due_open(session: Session, now: str, project: str) -> Sequence[Upload]:
    """Return, locked, a project's open uploads beyond `expires`."""
    query = select(Upload).where(
        Upload.state == "open", Upload.expires <= now, Upload.project == project
    )
    return session.scalars(query.order_by(Upload.id).with_for_update()).all()


def open_of_project(
    session: Session, project: str, party: str | None, number: int | None
) -> Sequence[Upload]:
    """Return, locked, the project's uploads that are open or being checked: all, a party's, or a round's."""
    query = select(Upload).where(Upload.project == project, Upload.state.in_(_UNCOMMITTED))
    if party is not None:
        query = query.where(Upload.party == party)
    if number is not None:
        query = query.where(Upload.round == number)
    return session.scalars(query.order_by(Upload.id).with_for_update()).all()


def committed_of_project(
    session: Session,
    project: str,
    *,
    party: str | None = None,
    upload: str | None = None,
    number: int | None = None,
) -> Sequence[Upload]:
    """Return, locked, the project's committed uploads for the broker itself: all, a party's, one, a round's."""
    query = select(Upload).where(Upload.project == project, Upload.state == "committed")
    if party is not None:
        query = query.where(Upload.party == party)
    if upload is not None:
        query = query.where(Upload.id == upload)
    if number is not None:
        query = query.where(Upload.round == number)
    query = query.order_by(Upload.id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def ids_of_party(session: Session, project: str, party: str) -> Sequence[str]:
    """Return the ids of all uploads that a party ever committed in a project, for the broker itself."""
    query = select(Upload.id).where(
        Upload.project == project, Upload.party == party, Upload.committed.is_not(None)
    )
    return session.scalars(query.order_by(Upload.id)).all()


def present_of_project(session: Session, actor: Actor, project: str) -> Sequence[Upload]:
    """Return those of the project's uploads that the actor may see and of which something may be left."""
    key = ("present_upload", actor.role, actor.party)
    return scalars_of_project(
        session,
        project,
        Upload.project,
        lambda: _seen_by(actor).where(Upload.id.in_(present_objects())).order_by(Upload.id),
        key,
    )
