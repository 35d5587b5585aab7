"""Proofs from the stored tree, the newest checkpoint, and witnesses' signatures on checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.orm import Session

from app.errors import COSIGNATURE_REFUSED, LogNotStartedError, NotInLogError, RefusedError
from app.matchlog import repository
from schemas.documents import merkle
from schemas.documents.errors import CheckpointError, ProofError
from schemas.matchlog.checkpoint import (
    Checkpoint,
    Cosignature,
    parse_checkpoint,
    verify_cosignatures,
)
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import LogProof
from schemas.signing.note import Note, VerifierKey, parse_note


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint's size and its note, with the cosignatures that it has so far."""

    size: int
    note: bytes


def newest_checkpoint(session: Session) -> SignedCheckpoint:
    """Return the newest checkpoint that this transaction sees."""
    return checkpoint_of(session, _newest_size(session))


def newest_time(session: Session) -> str:
    """Return when the newest entry was made."""
    head = repository.read_head(session)
    if head is None:
        raise LogNotStartedError("this database has no match log yet")
    return head.time


def checkpoint_of(session: Session, size: int) -> SignedCheckpoint:
    """Return the checkpoint of exactly this size.

    Raises:
        NotInLogError: no batch ended there.
    """
    for found, note, lines in repository.checkpoints_between(session, size - 1, size):
        return SignedCheckpoint(found, note + lines.encode())
    raise NotInLogError("the log has no checkpoint of this size")


def recent_checkpoints(session: Session, n_entries: int) -> list[Checkpoint]:
    """Return the checkpoints of the newest entries, the newest first: at most `n_entries` of them."""
    newest = newest_checkpoint(session).size
    found = repository.checkpoints_between(session, max(newest - n_entries, 0), newest)
    return [parse_checkpoint(note)[0] for _, note, _ in reversed(found)]


def log_keys(session: Session) -> list[tuple[int, str]]:
    """Return the keys that have signed this log, each with the size that its checkpoints exceed."""
    return repository.log_keys(session, _newest_size(session))


def log_key_at(session: Session, size: int) -> str:
    """Return the key that signed the checkpoint of this size.

    Raises:
        NotInLogError: there is no such checkpoint: a log begins with its first entry.
    """
    keys = repository.log_keys(session, size)
    if not keys:
        raise NotInLogError("the log has no checkpoint of this size")
    return keys[-1][1]


def hand_overs_since(
    session: Session, old_size: int, keys: Sequence[tuple[int, str]]
) -> list[LogProof]:
    """Return the hand-overs of the log's key that lead from the key of `old_size` to the newest, in order.

    From 0 they lead there from the log's first key. `keys` are those that `log_keys` returns.
    """
    # A hand-over is a batch of its own, so its entry is the last one that the old key signs.
    return [
        entry_proof(session, after_size - 1, after_size)
        for after_size, _ in keys
        if after_size and after_size >= old_size
    ]


def inclusion_proof(session: Session, seq: int, size: int) -> list[bytes]:
    """Return the hashes from an entry's leaf to the root of the first `size` entries."""
    _require_length(session, size)
    return _hashes_to_root(session, seq, size)


def _hashes_to_root(session: Session, seq: int, size: int) -> list[bytes]:
    try:
        return merkle.inclusion_proof(partial(repository.read_nodes, session), seq, size)
    except ProofError as exc:
        raise NotInLogError("the log has no such entry") from exc


def consistency_proof(session: Session, old_size: int, new_size: int) -> list[bytes]:
    """Return the hashes that show that the log of `old_size` entries begins that of `new_size`.

    Raises:
        NotInLogError: the old size is 0 or above the new one, or the log is not that long.
    """
    _require_length(session, new_size)
    try:
        return merkle.consistency_proof(partial(repository.read_nodes, session), old_size, new_size)
    except ProofError as exc:
        raise NotInLogError("the log has no consistency proof between these sizes") from exc


def entry_proof(session: Session, seq: int, size: int | None = None) -> LogProof:
    """Return an entry with its proof under the checkpoint of `size`, or the newest: a receipt's content.

    Raises:
        NotInLogError: no such entry or checkpoint, or the checkpoint does not cover the entry.
    """
    signed = newest_checkpoint(session) if size is None else checkpoint_of(session, size)
    hashes = _hashes_to_root(session, seq, signed.size)
    entry = repository.find_entry(session, seq)
    if entry is None:
        raise NotInLogError("the log has no such entry")
    return LogProof(entry=entry, index=seq, hashes=tuple(hashes), checkpoint=signed.note)


def root_of_stored(session: Session, size: int) -> bytes:
    """Return the root of the first `size` entries, computed from the stored nodes.

    Raises:
        NotInLogError: a node is missing.
    """
    try:
        return merkle.root_at(partial(repository.read_nodes, session), size)
    except KeyError as exc:
        raise NotInLogError("the log is not that long") from exc


def add_cosignature(session: Session, size: int, line: str, key: VerifierKey) -> Cosignature:
    """Store a witness's signature line over the checkpoint of this size, once it verifies.

    Raises:
        NotInLogError: no batch ended there.
    """
    note = repository.find_checkpoint(session, size)
    if note is None:
        raise NotInLogError("the log has no checkpoint of this size")
    if not key.text.isascii():
        raise RefusedError(
            COSIGNATURE_REFUSED, "a witness's name must be ASCII, as bundles list it"
        )
    try:
        cosigned = parse_note(Note(parse_note(note).text, ()).to_bytes() + line.encode())
        (_,) = cosigned.signatures
        (cosignature,) = verify_cosignatures(cosigned, [key])
    except (CheckpointError, ValueError) as exc:
        raise RefusedError(
            COSIGNATURE_REFUSED, "the cosignature is not one of this checkpoint by this key"
        ) from exc
    repository.add_cosignature(session, size, key.text, line, cosignature.time_s)
    return cosignature


def lock_cosignatures(session: Session) -> None:
    """Let nobody else add cosignatures or entries until the caller's transaction ends."""
    repository.lock_head(session)


def cosigners_of(session: Session, size: int) -> list[str]:
    """Return the keys of all who have cosigned the checkpoint of this size, in the order of their text."""
    return repository.cosigners_of(session, size)


def cosigned_by(session: Session) -> dict[str, int]:
    """Return the largest size that each party has cosigned: a witness's key bears its party's name."""
    sizes: dict[str, int] = {}
    for key, (size, _) in newest_cosigned(session).items():
        party = VerifierKey.from_text(key).name
        sizes[party] = max(size, sizes.get(party, 0))
    return sizes


def unwitnessed_since(session: Session, sizes: Mapping[str, int]) -> dict[str, str]:
    """Return when the first entry of each project beyond its size was made; who has none is missing."""
    found = repository.first_entries_from(session, sizes)
    return {project: parse_entry(raw, KINDS).time for project, raw in found.items()}


def newest_cosigned(session: Session) -> dict[str, tuple[int, int]]:
    """Return the largest size that each witness's key cosigned, and when, in Unix seconds."""
    return repository.newest_cosigned(session)


def _newest_size(session: Session) -> int:
    head = repository.read_head(session)
    if head is None or not head.size:
        raise LogNotStartedError("this database has no match log yet")
    return head.size


def _require_length(session: Session, size: int) -> None:
    head = repository.read_head(session)
    if head is None or not 0 < size <= head.size:
        raise NotInLogError("the log is not that long")
