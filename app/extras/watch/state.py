"""What a watch remembers, in a folder of the auditor's: the log's keys, the newest checkpoint, and evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.auditor.errors import PinUnreadableError
from app.auditor.files import write_bytes
from app.auditor.pins import Pin, read_pins
from schemas.documents.errors import CheckpointError
from schemas.matchlog.checkpoint import serialise_checkpoints
from schemas.matchlog.log_keys import LogKeys

KEY_FILE: Final = "log.key"
PIN_FILE: Final = "checkpoints"
BUNDLE_FILE: Final = "log.bundle"


@dataclass(frozen=True, slots=True)
class WatchState:
    """The folder in which a watch remembers what it saw: the log's keys, one pin, and evidence if any."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> WatchState:
        """Return the state in a folder, which is made where it is missing."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise PinUnreadableError("the state folder cannot be made") from exc
        return cls(folder)

    def keys(self) -> LogKeys | None:
        """Return the log's keys that are known; None before the first look."""
        path = self.folder / KEY_FILE
        if not path.exists():
            return None
        try:
            return LogKeys.from_lines(path.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError, CheckpointError) as exc:
            raise PinUnreadableError("the log key in the state folder cannot be read") from exc

    def pin(self) -> Pin | None:
        """Return the newest checkpoint that was seen; None before the first look."""
        path = self.folder / PIN_FILE
        if not path.exists():
            return None
        return max(read_pins([path]), key=lambda pin: pin.checkpoint.size)

    def keep(self, keys: LogKeys, pin: Pin) -> None:
        """Keep the log's keys and a newer checkpoint durably; one that is not newer changes nothing."""
        kept = self.pin()
        if kept is None or kept.checkpoint.size < pin.checkpoint.size:
            write_bytes(self.folder / PIN_FILE, serialise_checkpoints([pin.note.to_bytes()]))
        write_bytes(self.folder / KEY_FILE, keys.to_lines().encode("ascii"))

    def pin_files(self) -> tuple[Path, ...]:
        """Return the file of pins, if there is one yet."""
        path = self.folder / PIN_FILE
        return (path,) if path.exists() else ()

    def keep_evidence(self, *pins: Pin) -> Path:
        """Keep contradicting checkpoints as a file of pins, and return its path."""
        sizes = "-".join(str(pin.checkpoint.size) for pin in pins)
        roots = "-".join(pin.checkpoint.root.hex()[:8] for pin in pins)
        path = self.folder / f"evidence-{sizes}-{roots}"
        write_bytes(path, serialise_checkpoints(pin.note.to_bytes() for pin in pins))
        return path
