"""All queries of the match log. Sizes are numbers of entries; a node is (level, index)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import (
    Executable,
    LargeBinary,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from app.db import holds_bytes
from app.matchlog.models import (
    HEAD_ID,
    NO_PROJECT,
    LogCheckpoint,
    LogCosignature,
    LoggedSetting,
    LogHead,
    LogKey,
    LogLeaf,
    LogNode,
    LogPerson,
    LogRequest,
)
from schemas.documents.merkle import Node

_HEAD: Final = select(
    LogHead.size, LogHead.batch, LogHead.time, LogHead.frontier, LogHead.key
).where(LogHead.id == HEAD_ID)
_LOCKED_HEAD: Final = _HEAD.with_for_update()

# What every append and every proof asks for is made once. Rows go straight into the tables: the mapper has
# nothing to add to what is never read back as objects.
_ADD_LEAVES: Final = insert(cast(Table, LogLeaf.__table__))
_ADD_NODES: Final = insert(cast(Table, LogNode.__table__))
_ADD_REQUESTS: Final = insert(cast(Table, LogRequest.__table__))
_ADD_CHECKPOINT: Final = insert(cast(Table, LogCheckpoint.__table__))
_MOVE_HEAD: Final = update(cast(Table, LogHead.__table__)).where(LogHead.id == HEAD_ID)
_NEWEST: Final = (
    select(LogLeaf.place, LogLeaf.leaf_hash)
    .where(LogLeaf.project == bindparam("of"))
    .order_by(LogLeaf.place.desc())
    .limit(1)
)
_LEAF_AT: Final = select(LogLeaf.leaf_hash).where(
    LogLeaf.project == bindparam("of"), LogLeaf.place == bindparam("at")
)
_LEAF_HASHES: Final = select(LogLeaf.seq, LogLeaf.leaf_hash).where(
    LogLeaf.seq.in_(bindparam("places", expanding=True))
)
_NODE_HASHES: Final = select(LogNode.level, LogNode.idx, LogNode.hash).where(
    tuple_(LogNode.level, LogNode.idx).in_(bindparam("places", expanding=True))
)
_NOTES_BETWEEN: Final = (
    select(LogCheckpoint.size, LogCheckpoint.note)
    .where(LogCheckpoint.size > bindparam("above"), LogCheckpoint.size <= bindparam("up_to"))
    .order_by(LogCheckpoint.size)
)
_LINES_BETWEEN: Final = (
    select(LogCosignature.size, LogCosignature.key, LogCosignature.line)
    .where(LogCosignature.size > bindparam("above"), LogCosignature.size <= bindparam("up_to"))
    .order_by(LogCosignature.size, LogCosignature.key)
)
_FIRST_KEY: Final = select(func.min(LogCosignature.key).label("key")).cte(
    "cosigner", recursive=True
)
_COSIGNER: Final = _FIRST_KEY.union_all(
    select(
        select(func.min(LogCosignature.key))
        .where(LogCosignature.key > _FIRST_KEY.c.key)
        .scalar_subquery()
    ).where(_FIRST_KEY.c.key.is_not(None))
)
_NEWEST_OF: Final = select(
    _COSIGNER.c.key,
    select(func.max(LogCosignature.size))
    .where(LogCosignature.key == _COSIGNER.c.key, LogCosignature.size <= bindparam("up_to"))
    .scalar_subquery()
    .label("size"),
).subquery()
_NEWEST_COSIGNED: Final = (
    select(LogCosignature.key, LogCosignature.size, LogCosignature.time_s)
    .join(
        _NEWEST_OF,
        tuple_(LogCosignature.key, LogCosignature.size)
        == tuple_(_NEWEST_OF.c.key, _NEWEST_OF.c.size),
    )
    .order_by(LogCosignature.size.desc(), LogCosignature.key)
)
_ENTRY_AT: Final = select(LogLeaf.entry).where(LogLeaf.seq == bindparam("at"))
_NOTE_OF: Final = select(LogCheckpoint.note).where(LogCheckpoint.size == bindparam("at"))


@dataclass(frozen=True, slots=True)
class Head:
    """The state of the log: entries, batches, time of the last entry, frontier, key in force."""

    size: int
    batch: int
    time: str
    frontier: bytes
    key: str

    @property
    def origin(self) -> str:
        """The log's name, which every one of its keys bears."""
        return self.key.partition("+")[0]


ANY_SIZE: Final = 2**63 - 1
# SQLite takes at most 500 parts of a compound select.
MAX_FIRSTS: Final = 200


@dataclass(frozen=True, slots=True)
class Chain:
    """The entries of a project, or of none: how many, and the leaf hash of the newest one."""

    length: int = 0
    leaf: bytes | None = None


def lock_head(session: Session) -> Head | None:
    """Return the head, locked until the transaction ends; None before the log is started.

    On SQLite the writer's transaction holds the lock already (BEGIN IMMEDIATE).
    """
    return _head(session, _LOCKED_HEAD)


def read_head(session: Session) -> Head | None:
    """Return the head as this transaction sees it; None before the log is started."""
    return _head(session, _HEAD)


def add_head(session: Session, key: str, time: str) -> None:
    """Add the head of an empty log and its first key."""
    head = {"id": HEAD_ID, "size": 0, "batch": 0, "time": time, "frontier": b"", "key": key}
    session.execute(insert(LogHead), [head])
    add_key(session, 0, key)


def move_head(session: Session, *, size: int, batch: int, time: str, frontier: bytes) -> None:
    """Store the log's new state."""
    state = {"size": size, "batch": batch, "time": time, "frontier": frontier}
    session.execute(_MOVE_HEAD, state)


def change_key(session: Session, after_size: int, key: str) -> None:
    """Store that checkpoints of more than `after_size` entries are signed by another key."""
    statement = update(LogHead).where(LogHead.id == HEAD_ID).values(key=key)
    session.execute(statement.execution_options(synchronize_session=False))
    add_key(session, after_size, key)


def add_key(session: Session, after_size: int, key: str) -> None:
    """Add a log key."""
    session.execute(insert(LogKey), [{"after_size": after_size, "key": key}])


def add_leaves(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add leaves; each row has the columns of `LogLeaf`."""
    session.execute(_ADD_LEAVES, rows)


def add_nodes(session: Session, nodes: Iterable[tuple[Node, bytes]]) -> None:
    """Add full nodes above the leaves."""
    rows = [{"level": level, "idx": index, "hash": value} for (level, index), value in nodes]
    if rows:
        session.execute(_ADD_NODES, rows)


def add_checkpoint(session: Session, size: int, batch: int, note: bytes) -> None:
    """Add a batch's signed checkpoint."""
    session.execute(_ADD_CHECKPOINT, {"size": size, "batch": batch, "note": note})


def chain_of(session: Session, project: str) -> Chain:
    """Return the chain of a project's entries, or of those of none where it is empty."""
    newest = session.execute(_NEWEST, {"of": project}).one_or_none()
    return Chain() if newest is None else Chain(newest.place + 1, newest.leaf_hash)


def leaf_at(session: Session, project: str, place: int) -> bytes | None:
    """Return the leaf hash of the entry at a place of a project; None where there is none yet."""
    return session.execute(_LEAF_AT, {"of": project, "at": place}).scalar_one_or_none()


def next_place(session: Session, project: str) -> int:
    """Return the number of entries of a project, or of none where it is empty."""
    return chain_of(session, project).length


def count_up_to(session: Session, project: str, seq: int) -> int:
    """Return how many entries of a project, or of none where it is empty, have at most this index."""
    query = select(func.max(LogLeaf.place)).where(LogLeaf.project == project, LogLeaf.seq <= seq)
    last: int | None = session.execute(query).scalar_one()
    return 0 if last is None else last + 1


def log_size(session: Session) -> int:
    """Return how many entries the log has."""
    last: int | None = session.execute(select(func.max(LogLeaf.seq))).scalar_one()
    return 0 if last is None else last + 1


def find_entry(session: Session, seq: int) -> bytes | None:
    """Return an entry's bytes; None where the log has no such index."""
    return session.execute(_ENTRY_AT, {"at": seq}).scalar_one_or_none()


def first_entries_from(session: Session, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Return the first entry of each project from an index of its own on; who has none is missing."""
    found: dict[str, bytes] = {}
    wanted = sorted(sizes.items())
    for start in range(0, len(wanted), MAX_FIRSTS):
        firsts = (
            select(LogLeaf.project, LogLeaf.entry)
            .where(LogLeaf.project == project, LogLeaf.seq >= seq)
            .order_by(LogLeaf.seq)
            .limit(1)
            .subquery()
            for project, seq in wanted[start : start + MAX_FIRSTS]
        )
        rows = session.execute(union_all(*(select(first) for first in firsts)))
        found.update((row[0], row[1]) for row in rows)
    return found


def entries_holding(session: Session, mark: bytes, seq: int) -> Iterator[tuple[str, bytes]]:
    """Yield project and bytes of the log's entries from an index on that hold a mark, newest first."""
    query = select(LogLeaf.project, LogLeaf.entry).where(
        LogLeaf.seq >= seq, holds_bytes(LogLeaf.entry, literal(mark, LargeBinary))
    )
    for row in session.execute(query.order_by(LogLeaf.seq.desc())):
        yield row[0], row[1]


def entries_at(session: Session, project: str, start: int, end: int) -> list[tuple[int, bytes]]:
    """Return (place, entry) of the places from `start` up to `end` of a project, or of none if empty."""
    statement = (
        select(LogLeaf.place, LogLeaf.entry)
        .where(LogLeaf.project == project, LogLeaf.place >= start, LogLeaf.place < end)
        .order_by(LogLeaf.place)
    )
    return [(place, entry) for place, entry in session.execute(statement)]


def visible_leaves(
    session: Session, start: int, end: int, project: str | None
) -> list[tuple[bytes, bytes | None]]:
    """Return leaf hash and entry from index `start` up to `end`.

    The entry is None where a reader of `project` may not see it; with no project all is visible.
    """
    columns = select(LogLeaf.leaf_hash, LogLeaf.entry, LogLeaf.project)
    rows = session.execute(
        columns.where(LogLeaf.seq >= start, LogLeaf.seq < end).order_by(LogLeaf.seq)
    )
    scope = {NO_PROJECT, project}
    return [
        (leaf_hash, entry if project is None or owner in scope else None)
        for leaf_hash, entry, owner in rows
    ]


def read_nodes(session: Session, nodes: Sequence[Node]) -> dict[Node, bytes]:
    """Return the hashes of full nodes; level 0 are the leaves. What is not there is missing."""
    leaves = [index for level, index in nodes if level == 0]
    above = [node for node in nodes if node[0]]
    found: dict[Node, bytes] = {}
    if leaves:
        rows = session.execute(_LEAF_HASHES, {"places": leaves})
        found.update(((0, seq), value) for seq, value in rows)
    if above:
        nodes_above = session.execute(_NODE_HASHES, {"places": above})
        found.update(((level, idx), value) for level, idx, value in nodes_above)
    return found


def find_checkpoint(session: Session, size: int) -> bytes | None:
    """Return the signed checkpoint of exactly this size, without cosignatures; None if there is none."""
    return session.execute(_NOTE_OF, {"at": size}).scalar_one_or_none()


def checkpoints_between(
    session: Session, start: int, end: int, cosigners: Collection[str] | None = None
) -> list[tuple[int, bytes, str]]:
    """Return (size, note, cosignature lines) of sizes above `start` up to `end`, in order.

    Only the lines of these cosigners' keys; None: of all.
    """
    between = {"above": start, "up_to": end}
    notes = session.execute(_NOTES_BETWEEN, between).all()
    lines: dict[int, str] = {}
    for size, key, line in session.execute(_LINES_BETWEEN, between):
        if cosigners is None or key in cosigners:
            lines[size] = lines.get(size, "") + line
    return [(size, note, lines.get(size, "")) for size, note in notes]


def log_keys(session: Session, size: int) -> list[tuple[int, str]]:
    """Return (after size, key) of the keys that sign checkpoints up to this size, the first key first."""
    statement = (
        select(LogKey.after_size, LogKey.key)
        .where(LogKey.after_size < size)
        .order_by(LogKey.after_size)
    )
    return [(after, key) for after, key in session.execute(statement)]


def cosigners_of(session: Session, size: int) -> list[str]:
    """Return the keys of the witnesses who cosigned the checkpoint of this size, in order of their text."""
    statement = select(LogCosignature.key).where(LogCosignature.size == size)
    return sorted(session.execute(statement).scalars())


def newest_cosigned(session: Session, up_to: int = ANY_SIZE) -> dict[str, tuple[int, int]]:
    """Return, for each witness's key, the largest size up to one that it cosigned and when, in Unix seconds.

    Who cosigned the largest comes first. Keys are few and cosignatures many: each key is looked up after the
    one before it.
    """
    found = session.execute(_NEWEST_COSIGNED, {"up_to": up_to})
    return {key: (size, time_s) for key, size, time_s in found}


def add_cosignature(session: Session, size: int, key: str, line: str, time_s: int) -> None:
    """Store a witness's line, in place of an earlier one of the same key over the same checkpoint."""
    row = session.get(LogCosignature, (size, key))
    if row is None:
        session.add(LogCosignature(size=size, key=key, line=line, time_s=time_s))
    else:
        row.line, row.time_s = line, time_s


def logged_settings(session: Session) -> dict[str, str]:
    """Return the settings that were logged last, by name, each as canonical JSON."""
    return {row.name: row.value for row in session.scalars(select(LoggedSetting))}


def replace_settings(session: Session, settings: Mapping[str, str]) -> None:
    """Let these be the settings that were logged last."""
    session.execute(delete(LoggedSetting))
    session.add_all(LoggedSetting(name=name, value=value) for name, value in settings.items())
    session.flush()


def persons_among(session: Session, persons: Collection[str]) -> dict[str, LogPerson]:
    """Return those of these persons who were enrolled in the log, by id, as they are now."""
    query = select(LogPerson).where(LogPerson.id.in_(persons))
    rows = session.scalars(query.execution_options(populate_existing=True))
    return {row.id: row for row in rows}


def add_person(session: Session, person: str, signing_key: str) -> LogPerson:
    """Note a person whom an entry enrols."""
    row = LogPerson(id=person, signing_key=signing_key, is_revoked=False)
    session.add(row)
    return row


def has_request(session: Session, digests: Collection[str]) -> bool:
    """Tell whether an entry holds one of these signed requests."""
    query = select(LogRequest.sha256).where(LogRequest.sha256.in_(digests)).limit(1)
    return session.execute(query).first() is not None


def add_requests(session: Session, requests: Mapping[str, str]) -> None:
    """Note signed requests that entries hold: when each was signed, by its digest."""
    rows = [{"sha256": sha256, "at": at} for sha256, at in requests.items()]
    session.execute(_ADD_REQUESTS, rows)


def forget_requests(session: Session, before: str) -> None:
    """Forget the requests that were signed before a time."""
    session.execute(delete(LogRequest).where(LogRequest.at < before))


def _head(session: Session, statement: Executable) -> Head | None:
    row = session.execute(statement).one_or_none()
    return None if row is None else Head(**row._mapping)
