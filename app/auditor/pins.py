"""Pins: checkpoints that an auditor kept from earlier, or got from an agency, and holds the log to."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.auditor.checkpoints import CheckpointBook
from app.auditor.errors import (
    LogBrokenError,
    PinContradictedError,
    PinUnreadableError,
    PinUnsignedError,
    RolledBackError,
)
from app.auditor.files import why_unreadable
from schemas.documents.errors import CheckpointError
from schemas.matchlog.checkpoint import (
    Checkpoint,
    parse_checkpoint_line,
    parse_checkpoints,
    verify_log_signature,
)
from schemas.matchlog.log_keys import LogKeys
from schemas.rules.breach import Evidence
from schemas.signing.note import Note, VerifierKey

MAX_PIN_FILE_BYTES: Final = 64 * 1024 * 1024
_LINE: Final = re.compile(r"\s*\S+\s+[0-9,.]+\s")


@dataclass(frozen=True, slots=True)
class Pin:
    """A checkpoint with the note that the log signed; `file` is what an error calls where it was kept."""

    checkpoint: Checkpoint
    note: Note
    file: str = ""

    @property
    def place(self) -> str:
        """What to call it at the beginning of a sentence."""
        return self.file or "a pin"

    def is_signed_by(self, keys: Sequence[VerifierKey] | LogKeys) -> bool:
        """Tell whether one of a log's keys signed it; until then it says nothing."""
        try:
            verify_log_signature(self.checkpoint, self.note, keys)
        except CheckpointError:
            return False
        return True

    def require_signed(self, keys: Sequence[VerifierKey] | LogKeys) -> None:
        """Refuse a pin that none of a log's keys signed.

        Raises:
            PinUnsignedError: it is damaged, forged, or of a log under another key.
        """
        if not self.is_signed_by(keys):
            where = f" in {self.file}" if self.file else ""
            raise PinUnsignedError(
                f"the pin of {self.checkpoint.size:,} entries{where} is not signed by this log"
            )

    def evidence(self, keys: Sequence[VerifierKey]) -> Evidence:
        """Return the signed note in pieces, so that a report of one line each can carry it."""
        [first, *_] = [line for key in keys for line in self.note.signatures_by(key)]
        return {
            "origin": self.checkpoint.origin,
            "pin_size": self.checkpoint.size,
            "pinned_root": base64.b64encode(self.checkpoint.root).decode("ascii"),
            "pin_signature": first.line.split()[-1],
        }


def is_pin_line(given: str) -> bool:
    """Tell whether what was given is a pin on one line, or the start of one, and not the name of a file."""
    if _LINE.match(given) is None:
        return False
    try:
        return not Path(given).exists()
    except OSError:
        # Longer than the name of any file.
        return True


def read_pins(given: Iterable[Path | str]) -> list[Pin]:
    """Read files of pins, and pins that are lines; signatures are checked when the log reaches their sizes.

    Raises:
        PinUnreadableError: a file is missing, too long, or holds something else than checkpoints; or a line is
            not whole.
    """
    return [
        pin
        for one in given
        for pin in (_read_file(one) if isinstance(one, Path) else _read_line(one))
    ]


class PinBook:
    """The pins by size, taken off one by one as the log reaches them."""

    def __init__(self, pins: Sequence[Pin], origin: str) -> None:
        """Sort the pins."""
        self._by_size: dict[int, list[Pin]] = {}
        # What the keys so far did not sign: one that the log hands over to later may have.
        self._unsigned: list[tuple[Pin, LogBrokenError | None]] = []
        self.count = len(pins)
        for pin in pins:
            if pin.checkpoint.origin != origin:
                raise PinUnreadableError(f"{pin.place} is of another log than the bundle")
            self._by_size.setdefault(pin.checkpoint.size, []).append(pin)

    def is_due(self, size: int) -> bool:
        """Tell whether anything was pinned at this size."""
        return size in self._by_size

    def take(self, size: int, root: bytes, checkpoints: CheckpointBook) -> None:
        """Hold the log's first `size` entries, of this root, to the pins of that size.

        A pin that is not signed by the log is no evidence against it, and is left for `end`.

        Raises:
            PinContradictedError: another history was pinned, or a checkpoint that the bundle lacks.
        """
        for pin in self._by_size.pop(size, ()):
            fault = _contradiction(pin, root, is_checkpoint=checkpoints.covered == size)
            keys = [checkpoints.last_key] if fault is None else checkpoints.known_keys
            if not pin.is_signed_by(keys):
                self._unsigned.append((pin, fault))
            elif fault is not None:
                fault.evidence.update(pin.evidence(keys))
                raise fault

    def end(self, size: int, checkpoints: CheckpointBook) -> None:
        """Check that the log, which ends at `size`, reached every pin, and that it signed them all.

        Raises:
            RolledBackError: it did not reach one that it signed.
            PinContradictedError: one that a later key signed is of another history.
            PinUnsignedError: a pin was not signed by the log.
        """
        keys = checkpoints.known_keys
        beyond = [pin for at in sorted(self._by_size, reverse=True) for pin in self._by_size[at]]
        left = [*self._unsigned, *((pin, _rollback(pin, size)) for pin in beyond)]
        for pin, fault in left:
            if fault is not None and pin.is_signed_by(keys):
                fault.evidence.update(pin.evidence(keys))
                raise fault
        for pin, fault in left:
            pin.require_signed([] if fault is None else keys)


def parse_pins(raw: bytes, name: str) -> list[Pin]:
    """Read the bytes of a file of pins; `name` is what an error calls it."""
    try:
        # Editors and mail programs on Windows write CRLF; a note has no carriage return of its own.
        found = parse_checkpoints(raw.replace(b"\r\n", b"\n"))
    except CheckpointError as exc:
        raise PinUnreadableError(f"the pins in {name} cannot be read") from exc
    if not found or any(checkpoint.size == 0 for checkpoint, _ in found):
        raise PinUnreadableError(f"the pins in {name} pin nothing")
    return [Pin(checkpoint, note, name) for checkpoint, note in found]


def _read_file(path: Path) -> list[Pin]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_PIN_FILE_BYTES + 1)
    except OSError as exc:
        raise PinUnreadableError(why_unreadable(path, exc)) from exc
    if len(raw) > MAX_PIN_FILE_BYTES:
        raise PinUnreadableError(f"the pin file {path.name} is too long")
    return parse_pins(raw, path.name)


def _read_line(line: str) -> list[Pin]:
    try:
        checkpoint, note = parse_checkpoint_line(" ".join(line.split()))
    except CheckpointError as exc:
        raise PinUnreadableError("the pin that was given as a line is not whole") from exc
    return [Pin(checkpoint, note)]


def _contradiction(pin: Pin, root: bytes, *, is_checkpoint: bool) -> PinContradictedError | None:
    size = pin.checkpoint.size
    if pin.checkpoint.root != root:
        return PinContradictedError(
            f"the log's first {size} entries are not those that were pinned",
            evidence={"root": base64.b64encode(root).decode("ascii")},
        )
    if not is_checkpoint:
        return PinContradictedError(
            f"the log signed a checkpoint of {size} entries that the bundle lacks", index=size - 1
        )
    return None


def _rollback(pin: Pin, size: int) -> RolledBackError:
    return RolledBackError(
        f"the log was pinned at {pin.checkpoint.size} entries, but ends after {size}",
        index=size,
        evidence={"size": size},
    )
