"""The trail of checkpoints through a log: one at the end of each batch, each signed by the key in force."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from app.auditor.errors import CheckpointMissingError, CosignatureBrokenError, RootMismatchError
from app.auditor.keys import KeyChain
from schemas.documents.errors import CheckpointError
from schemas.matchlog.checkpoint import Checkpoint, verify_cosignatures
from schemas.signing.note import Note, VerifierKey


class CheckpointBook:
    """Takes checkpoints in order.

    `batches` counts those taken, `covered` is the size of the last one and `newest` its note, `cosigned`
    gives for each witness the largest size that it signed for, `cosigned_by` the same by digests of its keys.
    """

    def __init__(self, keys: KeyChain, cosigners: Sequence[VerifierKey]) -> None:
        """Follow these log keys and take signatures of these witnesses."""
        self._keys = keys
        self._cosigners = cosigners
        self.batches = 0
        self.covered = 0
        self.newest = b""
        self.last_key = keys.present
        self.cosigned: dict[str, int] = {}
        self.cosigned_by: dict[str, dict[str, int]] = {}

    @property
    def known_keys(self) -> Sequence[VerifierKey]:
        """The log's keys so far, in the order in which they came into force."""
        return self._keys.known

    def take(self, checkpoint: Checkpoint, note: Note, root: bytes) -> None:
        """Verify the next checkpoint against the root of the entries up to it.

        Raises:
            SignatureMissingError, CosignatureBrokenError: its signatures are not what they should be.
            RootMismatchError: it is of other entries.
        """
        self.last_key = self._keys.present
        self._keys.close_batch(checkpoint, note)
        self._take_cosignatures(checkpoint, note)
        if checkpoint.root != root:
            raise RootMismatchError(
                f"entries {self.covered} to {checkpoint.size - 1} are not those that were signed",
                index=self.covered,
                evidence={
                    "checkpoint_size": checkpoint.size,
                    "first_index": self.covered,
                    "last_index": checkpoint.size - 1,
                },
            )
        self.batches += 1
        self.covered = checkpoint.size
        self.newest = note.to_bytes()

    def require_batch(self, batch: int, index: int) -> None:
        """Check that an entry's batch is the one that the next checkpoint closes."""
        if batch != self.batches:
            raise CheckpointMissingError(
                "the checkpoints do not fall on the ends of the batches",
                index=index,
                evidence={"batch": batch, "checkpoints_before": self.batches},
            )

    def require_end(self, size: int) -> None:
        """Check that the last checkpoint covers all `size` entries."""
        if self.covered != size:
            raise CheckpointMissingError(
                "the last entries are covered by no checkpoint",
                index=self.covered,
                evidence={"newest_checkpoint": self.covered, "size": size},
            )

    def _take_cosignatures(self, checkpoint: Checkpoint, note: Note) -> None:
        index = checkpoint.size - 1
        known = [self.last_key, *self._cosigners]
        signers = {key for key in known for _ in note.signatures_by(key)}
        # Strangers' lines are harmless in a note, but in a bundle they would be bytes that nobody checks.
        if len(signers) != len(note.signatures):
            raise CosignatureBrokenError(
                "a checkpoint is signed twice by one key, or by a key that is not listed",
                index=index,
            )
        try:
            cosignatures = verify_cosignatures(note, self._cosigners)
        except CheckpointError as exc:
            raise CosignatureBrokenError(
                "a witness's signature does not verify", index=index
            ) from exc
        for cosignature in cosignatures:
            name = cosignature.key.name
            self.cosigned[name] = checkpoint.size
            digest = hashlib.sha256(cosignature.key.public_key).hexdigest()
            self.cosigned_by.setdefault(name, {})[digest] = checkpoint.size
