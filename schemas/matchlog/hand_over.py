"""Following a log from one key to the next: the old key signs the entry that names the new one.

Spec page: `schemas/spec/checkpoint.md`, section "Hand-over of the log's key".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.document import Model
from schemas.documents.errors import CheckpointError, SignatureError
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.log_kinds import LOG_KINDS, LogKeyRotated
from schemas.matchlog.proof import LogProof, verify_proof
from schemas.signing.note import LOG_KEY, VerifierKey
from schemas.signing.signatures import verify_document


class HandOver(Model):
    """Proof that the log was handed to another key, with the fields of a receipt.

    `checkpoint` is that of the entry's batch, which the old key signed.
    """

    entry: Annotated[str, Field(max_length=8192)]
    index: Annotated[int, Field(ge=0, le=MAX_INTEGER)]
    proof: Annotated[
        tuple[Annotated[str, Field(min_length=44, max_length=44)], ...], Field(max_length=64)
    ]
    checkpoint: Annotated[str, Field(max_length=8192)]

    @classmethod
    def of(cls, proof: LogProof) -> Self:
        """Return a proof as it is sent."""
        return cls(
            entry=proof.entry.decode(),
            index=proof.index,
            proof=proof.hash_texts(),
            checkpoint=proof.checkpoint.decode(),
        )

    def to_proof(self) -> LogProof:
        """Return what it says, unverified."""
        return LogProof.from_texts(self.entry, self.index, self.proof, self.checkpoint)


def verify_hand_over(body: LogKeyRotated, known: Sequence[VerifierKey]) -> VerifierKey:
    """Return the key that an entry hands the log to, once it is shown to be whole.

    That the entry is in the log is the caller's to check.

    Args:
        known: the log's keys until now, the present one last.
    Raises:
        CheckpointError: by another key than the present one, or the new one is not a key of this log, or
            was one before, or did not sign for itself.
    """
    present = known[-1]
    if body.old != present.text:
        raise CheckpointError("a log key is handed over by a key not in force")
    new = VerifierKey.from_text(body.new)
    if new.kind != LOG_KEY or new.name != present.name or new in known:
        # What a former key signs counts no more: it may be anybody's by now.
        raise CheckpointError("a new log key is not another key of this log")
    document = {"log": present.name, "new": body.new, "old": body.old}
    try:
        public_key = Ed25519PublicKey.from_public_bytes(new.public_key)
        verify_document("key-rotation", document, body.possession, public_key)
    except SignatureError as exc:
        raise CheckpointError("a new log key did not sign for itself") from exc
    return new


def follow_hand_overs(keys: LogKeys, hand_overs: Iterable[HandOver]) -> LogKeys:
    """Return the keys and those that they were handed over to, one after the other.

    Args:
        keys: those that are known, of which only the present one may hand over.
        hand_overs: in their order; those that are known are passed over.
    Raises:
        CheckpointError: one is not signed by the key in force, or hands nothing over.
        ProofError, EntryError: one is not in the log.
    """
    for hand_over in hand_overs:
        proof = hand_over.to_proof()
        body = _body_of(proof)
        if body.new in keys.texts():
            continue
        _, checkpoint = verify_proof(proof, [keys.present], LOG_KINDS)
        new = verify_hand_over(body, [key for _, key in keys.known])
        keys = keys.handed_over(new, checkpoint.size)
    return keys


def _body_of(proof: LogProof) -> LogKeyRotated:
    body = parse_entry(proof.entry, LOG_KINDS).body
    if not isinstance(body, LogKeyRotated):
        raise CheckpointError("an entry is no hand-over of the log's key")
    return body
