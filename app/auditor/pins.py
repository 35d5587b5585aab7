"""Pins: checkpoints that an auditor kept from earlier, or got from an agency, and holds the log to."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.auditor.errors import PinContradictedError, PinUnreadableError, RolledBackError
from app.auditor.trail import CheckpointTrail
from schemas.errors import CheckpointError
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoints, verify_log_signature
from schemas.matchlog.note import Note

MAX_PIN_FILE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pin:
    """A checkpoint with the note that the log signed."""

    checkpoint: Checkpoint
    note: Note


def read_pins(paths: Sequence[Path]) -> list[Pin]:
    """Read files of pins; their signatures are checked when the log reaches their sizes.

    Raises:
        PinUnreadableError: a file is missing, too long, or holds something else than checkpoints.
    """
    return [pin for path in paths for pin in _read_file(path)]


class PinBoard:
    """The pins by size, taken off one by one as the log reaches them."""

    def __init__(self, pins: Sequence[Pin], origin: str) -> None:
        """Sort the pins.

        Raises:
            PinUnreadableError: one is of another log.
        """
        self._by_size: dict[int, list[Pin]] = {}
        self.count = len(pins)
        for pin in pins:
            if pin.checkpoint.origin != origin:
                raise PinUnreadableError("a pin is of another log than the bundle")
            self._by_size.setdefault(pin.checkpoint.size, []).append(pin)

    def is_due(self, size: int) -> bool:
        """Tell whether anything was pinned at this size."""
        return size in self._by_size

    def take(self, size: int, root: bytes, trail: CheckpointTrail) -> None:
        """Hold the log's first `size` entries, of this root, to the pins of that size.

        Raises:
            PinContradictedError: another history was pinned, or a checkpoint that the bundle lacks.
            PinUnreadableError: a pin was not signed by the log.
        """
        for pin in self._by_size.pop(size, ()):
            if pin.checkpoint.root != root:
                raise PinContradictedError(
                    f"the log's first {size} entries are not those that were pinned",
                    evidence={
                        "pin_size": size,
                        "pinned_root": base64.b64encode(pin.checkpoint.root).decode("ascii"),
                        "root": base64.b64encode(root).decode("ascii"),
                    },
                )
            _require_signed(pin, trail)

    def end(self, size: int) -> None:
        """Check that the log, which ends at `size`, reached every pin.

        Raises:
            RolledBackError: it did not.
        """
        if self._by_size:
            largest = max(self._by_size)
            raise RolledBackError(
                f"the log was pinned at {largest} entries, but ends after {size}",
                index=size,
                evidence={"pin_size": largest, "size": size},
            )


def parse_pins(raw: bytes, name: str) -> list[Pin]:
    """Read the bytes of a file of pins; `name` is what an error calls it.

    Raises:
        PinUnreadableError: it holds something else than checkpoints.
    """
    try:
        # Editors and mail programs on Windows write CRLF; a note has no carriage return of its own.
        found = parse_checkpoints(raw.replace(b"\r\n", b"\n"))
    except CheckpointError as exc:
        raise PinUnreadableError(f"the pin file {name} cannot be read") from exc
    if not found or any(checkpoint.size == 0 for checkpoint, _ in found):
        raise PinUnreadableError(f"the pin file {name} pins nothing")
    return [Pin(checkpoint, note) for checkpoint, note in found]


def _read_file(path: Path) -> list[Pin]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_PIN_FILE_BYTES + 1)
    except OSError as exc:
        raise PinUnreadableError(f"the pin file {path.name} cannot be read") from exc
    if len(raw) > MAX_PIN_FILE_BYTES:
        raise PinUnreadableError(f"the pin file {path.name} is too long")
    return parse_pins(raw, path.name)


def _require_signed(pin: Pin, trail: CheckpointTrail) -> None:
    size = pin.checkpoint.size
    if trail.covered != size:
        raise PinContradictedError(
            f"the log signed a checkpoint of {size} entries that the bundle lacks",
            index=size - 1,
            evidence={"pin_size": size},
        )
    try:
        verify_log_signature(pin.checkpoint, pin.note, [trail.last_key])
    except CheckpointError as exc:
        raise PinUnreadableError(f"the pin of {size} entries is not signed by this log") from exc
