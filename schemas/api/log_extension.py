"""Whether what a broker shows of its log extends what was kept, along the keys that the log was handed over to.

Pure: who keeps pins, and where evidence goes, is the caller's.
Spec page: `schemas/spec/checkpoint.md`.
"""

from __future__ import annotations

from schemas.api.bodies import LogCheckpoint
from schemas.documents.errors import CheckpointError, DocumentError, ProofError
from schemas.documents.merkle import verify_consistency
from schemas.matchlog.checkpoint import Checkpoint
from schemas.matchlog.hand_over import follow_hand_overs
from schemas.matchlog.log_keys import LogKeys
from schemas.signing.note import decode_base64


def follow_keys(answer: LogCheckpoint, known: LogKeys) -> tuple[LogKeys, tuple[bytes, ...]]:
    """Return the log's keys up to the one that signs now, and what the key before each new one signed last.

    These checkpoints are seen as well: the log goes on from there, or it is a fork.

    Raises:
        FormatError: a hand-over does not hold, or none leads to the key that signs now.
    """
    if known.text == answer.log_key:
        return known, ()
    followed = follow_hand_overs(known, answer.hand_overs)
    if followed.text != answer.log_key:
        raise CheckpointError("nothing hands over to the key that signs now")
    n_known = len(answer.hand_overs) - (len(followed.known) - len(known.known))
    new = answer.hand_overs[n_known:]
    return followed, tuple(hand_over.checkpoint.encode("utf-8") for hand_over in new)


def is_contradiction(old: Checkpoint, new: Checkpoint) -> bool:
    """Tell whether two checkpoints of one log show by themselves that the newer one is of another history."""
    return new.size < old.size or (new.size == old.size and new.root != old.root)


def require_extension(answer: LogCheckpoint, old: Checkpoint, new: Checkpoint) -> None:
    """Check the answer's proof that the log of `new`, the answer's own checkpoint, extends that of `old`.

    Raises:
        DocumentError: the proof is about another checkpoint than was asked for.
        ProofError: the log of `new` is another one, or shorter.
    """
    # Every log extends the empty one.
    if not old.size:
        return
    if answer.old_size != old.size:
        raise DocumentError("the broker proves another checkpoint than it was asked about")
    try:
        proof = [decode_base64(text, "a hash") for text in answer.proof]
    except CheckpointError as exc:
        raise ProofError("a hash of the proof is not base64") from exc
    verify_consistency(old.size, new.size, proof, old.root, new.root)
