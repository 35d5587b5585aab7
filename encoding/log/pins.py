"""The broker's match log as this agency last saw it, and the check that it has only grown since.

The log's keys are pinned too: the first one that was given or seen, and each that it was handed over to.

A pin is a signed checkpoint that is kept. Each contact asks for the newest checkpoint with proof that it
extends every pin, and then keeps the newest one alone. A log that was rewritten, cut off, or shown
differently to different parties cannot give such a proof; the evidence is kept beside the pins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from encoding.errors import (
    BrokerAnswerError,
    BrokerRefusedError,
    LogError,
    LogKeyError,
    LogRewrittenError,
)
from encoding.files import write_durably
from schemas.api.bodies import LogCheckpoint
from schemas.api.log_extension import follow_keys, is_contradiction, require_extension
from schemas.documents.errors import CheckpointError, DocumentError, FormatError, ProofError
from schemas.matchlog.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoints,
    serialise_checkpoints,
)
from schemas.matchlog.log_keys import LogKeys
from schemas.signing.note import VerifierKey

# A busy log grows between two questions; the pins are then kept side by side until a quieter moment.
MAX_ROUNDS: Final = 5


class LogSource(Protocol):
    """Anyone who can be asked for checkpoints: the broker's client."""

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
        key_file: holds the log's keys, one a line.
    """

    folder: Path
    key_file: Path

    def key(self, given: str | None, source: LogSource) -> LogKeys:
        """Return the log's keys; the given one, else the one that is seen first, is pinned where none is yet.

        Raises:
            LogKeyError: malformed, or none of those that are pinned, nor one that the log was handed over to.
        """
        if not self.has_key() and given is None:
            given = source.log_checkpoint(0).log_key
        elif self.has_key() and given is not None and given not in self.keys().texts():
            # The operator may give the key of today to an agency that has not been here since another.
            self._follow(source.log_checkpoint(0))
        return self.pinned_key(given)

    def pinned_key(self, given: str | None) -> LogKeys:
        """Return the pinned keys without asking anyone; a given one is pinned where none is yet.

        Raises:
            LogKeyError: malformed, not pinned yet, or another key than those that are pinned.
        """
        if not self.has_key():
            self._pin(_key_of(given or ""))
        keys = self.keys()
        if given is not None and given not in keys.texts():
            raise LogKeyError(
                "the log key in the settings is not the one that this workspace has pinned",
                hint="ask the operator, by telephone, which one is right",
            )
        return keys

    def keys(self) -> LogKeys:
        """Return the keys that are pinned.

        Raises:
            LogKeyError: none is, or the file is damaged.
        """
        try:
            return LogKeys.from_lines(self.key_file.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError, CheckpointError) as exc:
            raise LogKeyError(
                "the log key in the workspace cannot be read",
                hint="restore it from the backup of the workspace",
            ) from exc

    @property
    def name(self) -> str:
        """The log's name: signed requests and agreements state it.

        Raises:
            LogKeyError: as `keys`.
        """
        return self.keys().present.name

    def has_key(self) -> bool:
        """Tell whether a log key has been pinned yet."""
        return self.key_file.exists()

    def pins(self) -> tuple[Pin, ...]:
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
            keys = self.keys()
            return tuple(Pin(open_checkpoint(note, keys), note) for note in notes)
        except CheckpointError as exc:
            raise LogError(
                "the pins in the workspace are damaged, or of another log",
                hint="restore the folder pins from the backup of the workspace",
            ) from exc

    def has_evidence(self) -> bool:
        """Tell whether the log was ever shown rewritten or cut off: then the evidence is kept."""
        return any(self.folder.glob("evidence-*"))

    def settled(self) -> Pin | None:
        """Return the pin that was shown to extend every earlier one; None where one is still to be shown.

        Raises:
            LogError: as `pins`.
        """
        kept = self.pins()
        return kept[0] if len(kept) == 1 else None

    def pin(self, note: bytes) -> None:
        """Keep one more checkpoint, such as a receipt's, until a newer one is shown to extend it."""
        self._keep([*self.pins(), Pin(_open(note, self.keys()), note)])

    def vouch(self, note: bytes, source: LogSource) -> None:
        """Make sure that a checkpoint that came with a receipt is of this log, and pin it, or a newer one.

        Nobody is asked where it is the one that was settled last.

        Raises:
            LogError: the log's keys have not signed it.
            LogRewrittenError, LogKeyError, BrokerAnswerError: as `check`.
        """
        settled = self.settled()
        if settled is None or settled.checkpoint != _open(note, self.keys()):
            self.pin(note)
            self.check(source)

    def check(self, source: LogSource) -> Checkpoint:
        """Ask for the newest checkpoint, make sure that it extends every pin, and pin it.

        Where the log was handed over to another key since, that one is pinned, too.

        Raises:
            LogRewrittenError: it does not; what was pinned and what was shown are kept as evidence.
            LogKeyError: it is signed by another key, to which nothing hands over.
            BrokerAnswerError: the answer is about other checkpoints than was asked.
        """
        for _ in range(MAX_ROUNDS):
            newest, others = self._newest(source)
            settled = [self._extends(pin, newest, source) for pin in others]
            if all(settled):
                self._keep([newest])
                return newest.checkpoint
        self._keep([*self.pins(), newest])
        return newest.checkpoint

    def compare(self, note: bytes, source: LogSource) -> Checkpoint:
        """Make sure that a checkpoint which someone else has seen is of this log, and return it.

        Raises:
            LogRewrittenError: it is of another one; it is kept as evidence, beside what was shown here.
            LogError: the log's keys have not signed it.
            LogKeyError, BrokerAnswerError: as `check`.
        """
        for _ in range(MAX_ROUNDS):
            # First, since the log may have been handed over to the key that has signed the other one.
            newest = Pin(self.check(source), b"")
            other = Pin(_open(note, self.keys()), note)
            if self._extends(other, newest, source):
                return other.checkpoint
        # A busy log: from now on every check has to extend this one as well.
        self.pin(note)
        return other.checkpoint

    def _newest(self, source: LogSource) -> tuple[Pin, list[Pin]]:
        """Return the newest checkpoint, which extends the oldest pin, and the other pins."""
        pins = self.pins()
        # On a quiet log the others are this very checkpoint, and nobody has to be asked about them.
        asked = pins[0] if pins else None
        answer = self._ask(source, asked) if asked else source.log_checkpoint(0)
        newest = self._shown(answer)
        if asked:
            self._verify(asked, newest, answer)
        # Anew, since a hand-over of the log's key is a pin as well.
        return newest, [pin for pin in self.pins() if pin != asked]

    def _extends(self, pin: Pin, newest: Pin, source: LogSource) -> bool:
        """Make sure that `newest` extends `pin`; false if the log has meanwhile grown beyond it."""
        if pin.checkpoint == newest.checkpoint:
            return True
        answer = self._ask(source, pin)
        shown = self._shown(answer)
        self._verify(pin, shown, answer)
        return shown.checkpoint == newest.checkpoint

    def _ask(self, source: LogSource, pin: Pin) -> LogCheckpoint:
        """Return the newest checkpoint with the proof that it extends a pin."""
        try:
            return source.log_checkpoint(pin.checkpoint.size)
        except BrokerRefusedError as exc:
            if exc.problem != "not-in-log":
                raise
            shown = self._shown(source.log_checkpoint(0))
            self._keep_evidence([pin, shown])
            raise _rewritten() from exc

    def _verify(self, pin: Pin, shown: Pin, answer: LogCheckpoint) -> None:
        try:
            require_extension(answer, pin.checkpoint, shown.checkpoint)
        except (DocumentError, ProofError) as exc:
            # What the log has signed is evidence, whatever else is wrong with the answer.
            is_bent = isinstance(exc, DocumentError)
            if is_bent and not is_contradiction(pin.checkpoint, shown.checkpoint):
                raise BrokerAnswerError(str(exc)) from exc
            self._keep_evidence([pin, shown])
            raise _rewritten() from exc

    def _shown(self, answer: LogCheckpoint) -> Pin:
        self._follow(answer)
        note = answer.checkpoint.encode("utf-8")
        return Pin(_open(note, self.keys()), note)

    def _follow(self, answer: LogCheckpoint) -> None:
        """Pin the keys that the log was handed over to, if it is signed by another one than the pinned."""
        keys = self.keys()
        try:
            followed, handed_over = follow_keys(answer, keys)
        except FormatError as exc:
            raise _other_key() from exc
        if followed != keys:
            self._pin(followed)
        for note in handed_over:
            self.pin(note)

    def _pin(self, keys: LogKeys) -> None:
        write_durably(self.key_file, keys.to_lines().encode("ascii"))

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


def _rewritten() -> LogRewrittenError:
    return LogRewrittenError(
        "the broker's match log is not the one that this agency has seen before:"
        " it was rewritten or cut off",
        hint="send nothing more, keep the workspace as it is, and call your security officer",
    )


def _other_key() -> LogKeyError:
    return LogKeyError(
        "the broker's log is signed by a different key from the one this agency knows",
        hint="send nothing more, and ask the operator by telephone whether the key was changed",
    )


def _key_of(text: str) -> LogKeys:
    try:
        return LogKeys.only(VerifierKey.from_text(text))
    except CheckpointError as exc:
        raise LogKeyError("the log key must be the one line that the operator gave you") from exc


def _open(note: bytes, keys: LogKeys) -> Checkpoint:
    try:
        return open_checkpoint(note, keys)
    except CheckpointError as exc:
        raise LogError(f"the broker's checkpoint cannot be trusted: {exc}") from exc
