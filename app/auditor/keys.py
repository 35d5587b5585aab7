"""The log's keys, each handed over by the one before it."""

from __future__ import annotations

import os
from pathlib import Path

from app.auditor.errors import KeyChainError, PinUnreadableError, SignatureMissingError
from schemas.documents.errors import CheckpointError
from schemas.matchlog.checkpoint import Checkpoint, verify_log_signature
from schemas.matchlog.hand_over import verify_hand_over
from schemas.matchlog.log_kinds import LogKeyRotated
from schemas.signing.note import LOG_KEY, Note, VerifierKey


class KeyChain:
    """Follows the log's key from the first one: a hand-over counts from the next batch on.

    `signed_with` lists the keys that signed a checkpoint, in order, and `after` for each the size that its
    checkpoints exceed. `known` has the keys in force so far.
    """

    def __init__(self, first: VerifierKey) -> None:
        """Begin with the key that the first checkpoint must be signed by."""
        self.present = first
        self.known = [first]
        self.signed_with: list[str] = []
        self.after: list[int] = []
        self._closed = 0
        self._next: VerifierKey | None = None

    def hand_over(self, body: LogKeyRotated, index: int) -> None:
        """Take a hand-over entry."""
        if self._next is not None:
            raise KeyChainError("a log key is handed over twice in one batch", index=index)
        try:
            self._next = verify_hand_over(body, self.known)
        except CheckpointError as exc:
            raise KeyChainError(str(exc), index=index) from exc

    def close_batch(self, checkpoint: Checkpoint, note: Note) -> None:
        """Check a batch's checkpoint against the key in force, and move to the next key if one is due."""
        try:
            verify_log_signature(checkpoint, note, [self.present])
        except CheckpointError as exc:
            raise SignatureMissingError(
                f"the checkpoint of {checkpoint.size} entries is not signed by the log's key in force",
                index=checkpoint.size - 1,
                evidence={"checkpoint_size": checkpoint.size},
            ) from exc
        if self.present.text not in self.signed_with[-1:]:
            self.signed_with.append(self.present.text)
            self.after.append(self._closed)
        self._closed = checkpoint.size
        if self._next is not None:
            self.present, self._next = self._next, None
            self.known.append(self.present)


def read_log_key(text_or_path: str) -> VerifierKey:
    """Read the log's first key, given as text or as the path of a file whose first line it is.

    Raises:
        PinUnreadableError: it is neither.
    """
    text, path = text_or_path, Path(text_or_path)
    try:
        is_file = path.is_file()
        if is_file:
            with path.open(encoding="utf-8") as file:
                text = file.readline(1000).strip()
        key = VerifierKey.from_text(text)
    except (OSError, UnicodeDecodeError, CheckpointError) as exc:
        raise PinUnreadableError(_no_log_key(path)) from exc
    if key.kind != LOG_KEY:
        raise PinUnreadableError("the log key is a witness's key")
    return key


def _no_log_key(path: Path) -> str:
    # Unlike Path.is_file, this takes any text, such as one too long for a name.
    if os.path.isfile(path):
        return f"the file {path.name} holds no log key"
    # A key as text has a plus; what has none was meant as the name of a file.
    if "+" in str(path):
        return "the log key is not one, and no file of that name is there either"
    return f"the file {path.name} of the log key does not exist"
