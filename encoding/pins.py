"""The broker's match log as this agency last saw it, and the check that it has only grown since.

A pin is a signed checkpoint that is kept. Each contact asks for the newest checkpoint with proof that it
extends every pin, and then keeps the newest one alone. A log that was rewritten, cut off, or shown
differently to different parties cannot give such a proof; the evidence is kept beside the pins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from encoding.errors import BrokerAnswerError, LogError, LogKeyError, LogRewrittenError
from encoding.files import write_durably
from schemas.api import LogCheckpoint
from schemas.errors import CheckpointError, ProofError
from schemas.matchlog.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoints,
    serialise_checkpoints,
)
from schemas.matchlog.merkle import verify_consistency
from schemas.matchlog.note import VerifierKey, decode_base64

# A busy log grows between two questions; the pins are then kept side by side until a quieter moment.
MAX_ROUNDS: Final = 5


class LogSource(Protocol):
    """Whoever can be asked for checkpoints: the broker's client."""

    def log_checkpoint(self, old_size: int) -> LogCheckpoint:
        """Return the newest checkpoint, with the proof that it extends the one of `old_size`."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A checkpoint that the log has signed, and the note that proves it."""

    checkpoint: Checkpoint
    note: bytes


@dataclass(frozen=True, slots=True)
class PinnedLog:
    """The pins of one broker's log.

    Attributes:
        folder: holds the pins, and the evidence if the log was ever rewritten: files of checkpoints all.
        key_file: holds the log's key.
    """

    folder: Path
    key_file: Path

    def key(self, given: str | None, source: LogSource) -> VerifierKey:
        """Return the log's key: the given one, else the one that was seen first; it is pinned.

        Raises:
            LogKeyError: malformed, or another key than the one that was pinned.
        """
        if given is None and not self.has_key():
            given = source.log_checkpoint(0).log_key
        return self.pinned_key(given)

    def pinned_key(self, given: str | None) -> VerifierKey:
        """Return the pinned key without asking anyone; a given one is pinned where none is yet.

        Raises:
            LogKeyError: malformed, not pinned yet, or another key than the one that was pinned.
        """
        pinned = self.key_file.read_text(encoding="ascii").strip() if self.has_key() else None
        if given is not None and pinned is not None and given != pinned:
            raise LogKeyError(
                "the log key in the settings is not the one that this workspace has pinned",
                hint="ask the operator, by telephone, which one is right",
            )
        try:
            key = VerifierKey.from_text(given or pinned or "")
        except CheckpointError as exc:
            raise LogKeyError("the log key is not a line as the operator gives it") from exc
        if pinned is None:
            write_durably(self.key_file, f"{key.text}\n".encode("ascii"))
        return key

    def has_key(self) -> bool:
        """Tell whether a log key has been pinned yet."""
        return self.key_file.exists()

    def pins(self, key: VerifierKey) -> tuple[Pin, ...]:
        """Return the pins, oldest first; none before the first contact.

        Raises:
            LogError: the file of pins is damaged, or of another log.
        """
        try:
            raw = (self.folder / "checkpoints").read_bytes()
        except FileNotFoundError:
            return ()
        try:
            notes = [note.to_bytes() for _, note in parse_checkpoints(raw)]
            return tuple(Pin(open_checkpoint(note, [key]), note) for note in notes)
        except CheckpointError as exc:
            raise LogError(
                "the pins in the workspace are damaged, or of another log",
                hint="restore the folder pins from the backup of the workspace",
            ) from exc

    def settled(self, key: VerifierKey) -> Pin | None:
        """Return the pin that was shown to extend every earlier one; None where one is still to be shown.

        Raises:
            LogError: as `pins`.
        """
        kept = self.pins(key)
        return kept[0] if len(kept) == 1 else None

    def hold(self, note: bytes, key: VerifierKey) -> None:
        """Keep one more checkpoint, such as a receipt's, until a newer one is shown to extend it."""
        self._keep([*self.pins(key), Pin(_open(note, key), note)])

    def check(self, key: VerifierKey, source: LogSource) -> Checkpoint:
        """Ask for the newest checkpoint, make sure that it extends every pin, and pin it.

        Raises:
            LogRewrittenError: it does not; what was pinned and what was shown are kept as evidence.
            BrokerAnswerError: the answer is about other checkpoints than was asked.
        """
        pins = self.pins(key)
        for _ in range(MAX_ROUNDS):
            newest = self._newest(key, source, pins[-1] if pins else None)
            settled = [self._extends(pin, newest, key, source) for pin in pins[:-1]]
            if all(settled):
                self._keep([newest])
                return newest.checkpoint
        self._keep([*pins, newest])
        return newest.checkpoint

    def _newest(self, key: VerifierKey, source: LogSource, pin: Pin | None) -> Pin:
        answer = source.log_checkpoint(pin.checkpoint.size if pin else 0)
        newest = _shown(answer, key)
        if pin:
            self._verify(pin, newest, answer)
        return newest

    def _extends(self, pin: Pin, newest: Pin, key: VerifierKey, source: LogSource) -> bool:
        """Make sure that `newest` extends `pin`; false if the log has meanwhile grown beyond it."""
        answer = source.log_checkpoint(pin.checkpoint.size)
        shown = _shown(answer, key)
        self._verify(pin, shown, answer)
        return shown.checkpoint == newest.checkpoint

    def _verify(self, pin: Pin, shown: Pin, answer: LogCheckpoint) -> None:
        old, new = pin.checkpoint, shown.checkpoint
        if answer.old_size != old.size and old.size:
            raise BrokerAnswerError("the broker proves another checkpoint than it was asked about")
        try:
            if old.size:
                proof = [decode_base64(text, "a hash") for text in answer.proof]
                verify_consistency(old.size, new.size, proof, old.root, new.root)
        except (ProofError, CheckpointError) as exc:
            self._keep_evidence([pin, shown])
            raise LogRewrittenError(
                "the broker's match log is not the one that this agency has seen before:"
                " it was rewritten or cut off",
                hint="send nothing more, keep the workspace as it is, and call your security officer",
            ) from exc

    def _keep(self, pins: Sequence[Pin]) -> None:
        in_order = sorted(pins, key=lambda pin: pin.checkpoint.size)
        write_durably(
            self.folder / "checkpoints", serialise_checkpoints(pin.note for pin in in_order)
        )

    def _keep_evidence(self, pins: Sequence[Pin]) -> None:
        sizes = "-".join(str(pin.checkpoint.size) for pin in pins)
        path = self.folder / f"evidence-{sizes}"
        if not path.exists():
            write_durably(path, serialise_checkpoints(pin.note for pin in pins))


def _shown(answer: LogCheckpoint, key: VerifierKey) -> Pin:
    if answer.log_key != key.text:
        raise LogKeyError(
            "the broker's log is signed by another key than the one this agency knows",
            hint="send nothing more, and ask the operator by telephone whether the key was changed",
        )
    note = answer.checkpoint.encode("utf-8")
    return Pin(_open(note, key), note)


def _open(note: bytes, key: VerifierKey) -> Checkpoint:
    try:
        return open_checkpoint(note, [key])
    except CheckpointError as exc:
        raise LogError(f"the broker's checkpoint cannot be trusted: {exc}") from exc
