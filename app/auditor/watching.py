"""Watching a log: what was seen is kept in a folder, and everything seen later must extend it.

A broker that shows its log differently to different parties, or goes back to an earlier state, cannot
prove that what it shows extends what was kept; both checkpoints, each signed by the log, are then the
evidence. Pins that agencies give are held against the log too: so a split view between them is found.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from app.auditor.errors import (
    KeyChainError,
    PinContradictedError,
    PinUnreadableError,
    RolledBackError,
    SignatureMissingError,
    UnreachableError,
)
from app.auditor.files import write_bytes
from app.auditor.pins import Pin, read_pins
from app.auditor.verdict import NO_LOG_KEY, Verdict
from schemas.api import LogCheckpoint
from schemas.errors import CheckpointError, ProofError
from schemas.matchlog.checkpoint import (
    parse_checkpoint,
    serialise_checkpoints,
    verify_log_signature,
)
from schemas.matchlog.merkle import verify_consistency
from schemas.matchlog.note import VerifierKey, decode_base64

KEY_FILE: Final = "log.key"
PIN_FILE: Final = "checkpoints"
BUNDLE_FILE: Final = "log.bundle"

# A log that grows between two questions is asked again, since all must be proved of one checkpoint.
MAX_ROUNDS: Final = 5
# As many as a bundle may list.
MAX_KEYS: Final = 64


class CheckpointSource(Protocol):
    """Whoever can be asked for checkpoints: a broker."""

    def checkpoint(self, old_size: int) -> LogCheckpoint | None:
        """Return the newest checkpoint with proof that it extends that of `old_size`; None: there is none."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A log that extends all that was kept: from `before` entries (0: never seen) to the newest checkpoint."""

    origin: str
    before: int
    size: int
    root: bytes
    pins: int
    is_new_key: bool

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "verified": True,
            "origin": self.origin,
            "before": self.before,
            "size": self.size,
            "root": base64.b64encode(self.root).decode("ascii"),
            "pins": self.pins,
            "key_pinned_now": self.is_new_key,
        }


@dataclass(frozen=True, slots=True)
class WatchState:
    """The folder in which a watch remembers what it saw: the log's keys, one pin, and evidence if any."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> WatchState:
        """Return the state in a folder, which is made where it is missing.

        Raises:
            PinUnreadableError: it cannot be made.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise PinUnreadableError("the state folder cannot be made") from exc
        return cls(folder)

    def keys(self) -> tuple[str, ...]:
        """Return the log's keys that are known, the present one last; none before the first look.

        Raises:
            PinUnreadableError: they are damaged.
        """
        path = self.folder / KEY_FILE
        if not path.exists():
            return ()
        try:
            texts = path.read_text(encoding="ascii").split()
            return tuple(VerifierKey.from_text(text).text for text in texts[:MAX_KEYS])
        except (OSError, UnicodeDecodeError, CheckpointError) as exc:
            raise PinUnreadableError("the log key in the state folder cannot be read") from exc

    def pin(self) -> Pin | None:
        """Return the newest checkpoint that was seen; None before the first look.

        Raises:
            PinUnreadableError: it is damaged.
        """
        path = self.folder / PIN_FILE
        if not path.exists():
            return None
        return max(read_pins([path]), key=lambda pin: pin.checkpoint.size)

    def keep(self, keys: Sequence[str], pin: Pin) -> None:
        """Keep the log's keys and a newer checkpoint durably; one that is not newer changes nothing."""
        kept = self.pin()
        text = "".join(f"{key}\n" for key in keys)
        write_bytes(self.folder / KEY_FILE, text.encode("ascii"))
        if kept is None or kept.checkpoint.size < pin.checkpoint.size:
            write_bytes(self.folder / PIN_FILE, serialise_checkpoints([pin.note.to_bytes()]))

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


def watch(
    state: WatchState,
    source: CheckpointSource,
    *,
    given_key: VerifierKey | None = None,
    others: Sequence[Pin] = (),
) -> Watched:
    """Look at the log once, hold it against what was kept and what others kept, and keep the newest.

    Args:
        state: what this watch remembers.
        source: the broker.
        given_key: the log's key as its operator gave it; None trusts the first one that is seen.
        others: pins of agencies, of the same log.
    Raises:
        RolledBackError, PinContradictedError: the log does not extend a pin; the evidence is kept.
        KeyChainError: it is signed by another key.
        SignatureMissingError: a checkpoint or pin is not signed by the log.
        UnreachableError: no answer, or one about something else.
    """
    known, kept = state.keys(), state.pin()
    if known and given_key is not None and given_key.text not in known:
        raise KeyChainError("the log key that was given is not one of those that were kept")
    expected = given_key.text if given_key is not None else None
    newest, key = _newest(source, known[-1] if known else expected)
    held = [*([kept] if kept else []), *others]
    for pin in held:
        _require_signed(pin, key)
    for _ in range(MAX_ROUNDS):
        shown = [_extending(state, source, pin, key) for pin in held]
        if all(pin.checkpoint == newest.checkpoint for pin in shown):
            state.keep(known or (key.text,), newest)
            break
        newest = shown[0]
    checkpoint = newest.checkpoint
    return Watched(
        origin=checkpoint.origin,
        before=0 if kept is None else kept.checkpoint.size,
        size=checkpoint.size,
        root=checkpoint.root,
        pins=len(held),
        is_new_key=not known and given_key is None,
    )


def take_verdict(state: WatchState, verdict: Verdict) -> Watched:
    """Keep the newest checkpoint of a bundle that verified and that was held to what the state had pinned.

    Raises:
        KeyChainError: the key that was kept is not one of those that signed the log.
    """
    known, kept = state.keys(), state.pin()
    if not set(known) <= set(verdict.log_keys):
        raise KeyChainError("the log key that was kept is not one of those that signed the log")
    newest = Pin(*parse_checkpoint(verdict.newest))
    state.keep(verdict.log_keys, newest)
    return Watched(
        origin=verdict.origin,
        before=0 if kept is None else kept.checkpoint.size,
        size=verdict.size,
        root=verdict.root,
        pins=verdict.pins,
        is_new_key=not known and NO_LOG_KEY in verdict.caveats,
    )


def _newest(source: CheckpointSource, key: str | None) -> tuple[Pin, VerifierKey]:
    answer = source.checkpoint(0)
    if answer is None:
        raise UnreachableError("the broker shows no checkpoint")
    try:
        shown = VerifierKey.from_text(answer.log_key)
    except CheckpointError as exc:
        raise UnreachableError("the broker's answer breaks its format") from exc
    if key is not None and shown.text != key:
        raise KeyChainError(
            "the log is signed by another key than the one that is known; --full follows a hand-over"
        )
    pin = _pin_of(answer)
    _require_signed(pin, shown)
    return pin, shown


def _extending(state: WatchState, source: CheckpointSource, old: Pin, key: VerifierKey) -> Pin:
    """Return the newest checkpoint, once it is proved that it extends a pin."""
    size = old.checkpoint.size
    answer = source.checkpoint(size)
    if answer is None:
        newest, _ = _newest(source, key.text)
        _alert(state, old, newest)
    shown = _pin_of(answer)
    _require_signed(shown, key)
    if answer.old_size != size:
        raise UnreachableError("the broker proves another checkpoint than it was asked about")
    try:
        proof = [decode_base64(text, "a hash") for text in answer.proof]
        checkpoint = shown.checkpoint
        verify_consistency(size, checkpoint.size, proof, old.checkpoint.root, checkpoint.root)
    except (ProofError, CheckpointError):
        _alert(state, old, shown)
    return shown


def _alert(state: WatchState, old: Pin, newest: Pin) -> NoReturn:
    was, size = old.checkpoint.size, newest.checkpoint.size
    path = state.keep_evidence(old, newest)
    if size < was:
        raise RolledBackError(
            f"the log was seen with {was} entries, but ends after {size}",
            index=size,
            evidence={"pin_size": was, "size": size, "file": path.name},
        )
    raise PinContradictedError(
        f"the log's first {was} entries are not those that were seen before",
        evidence={
            "pin_size": was,
            "pinned_root": base64.b64encode(old.checkpoint.root).decode("ascii"),
            "size": size,
            "file": path.name,
        },
    )


def _pin_of(answer: LogCheckpoint) -> Pin:
    try:
        return Pin(*parse_checkpoint(answer.checkpoint.encode("utf-8")))
    except CheckpointError as exc:
        raise UnreachableError("the broker's checkpoint cannot be read") from exc


def _require_signed(pin: Pin, key: VerifierKey) -> None:
    size = pin.checkpoint.size
    try:
        verify_log_signature(pin.checkpoint, pin.note, [key])
    except CheckpointError as exc:
        raise SignatureMissingError(
            f"a checkpoint of {size} entries is not signed by the log's key; --full follows a hand-over",
            evidence={"checkpoint_size": size},
        ) from exc
