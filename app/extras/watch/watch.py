"""Watching a log: what was seen is kept in a folder, and everything seen later must extend it.

A broker that shows its log differently to different parties, or goes back to an earlier state, cannot
prove that what it shows extends what was kept; both checkpoints, each signed by the log, are then the
evidence. Pins that agencies give are held against the log too: so a split view between them is found.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from app.auditor.broker_api import read_answer
from app.auditor.errors import (
    KeyChainError,
    LogBrokenError,
    PinContradictedError,
    RolledBackError,
    SignatureMissingError,
    UnreachableError,
)
from app.auditor.pins import Pin
from app.auditor.verdict import NO_LOG_KEY, Verdict
from app.extras.watch.state import WatchState
from schemas.api.bodies import LogCheckpoint
from schemas.api.log_extension import follow_keys, is_contradiction, require_extension
from schemas.documents.errors import (
    CheckpointError,
    DocumentError,
    EntryError,
    FormatError,
    ProofError,
)
from schemas.matchlog.checkpoint import parse_checkpoint
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.log_kinds import LogKeyRotated
from schemas.signing.note import VerifierKey

# A log that grows between two questions is asked again, since all must be proved of one checkpoint.
MAX_ROUNDS: Final = 5
# A note in JSON, whatever stands around it.
_CHECKPOINT: Final = re.compile(rb'"checkpoint"\s*:\s*"((?:[^"\\]|\\.)*)"')
OTHER_KEY: Final = "the log is signed by another key than the one that is known"
NEVER_AT_REST: Final = (
    "the log grew at every question, so that not all pins were proved of one checkpoint"
)


class CheckpointSource(Protocol):
    """Anyone who can be asked for checkpoints: a broker."""

    def checkpoint(self, old_size: int) -> bytes | None:
        """Return the newest checkpoint with proof that it extends that of `old_size`; None: there is none.

        The answer is not read yet: what is signed in it is evidence, whatever surrounds it.
        """


@dataclass(frozen=True, slots=True)
class Watched:
    """A log that extends all that was kept: from `before` entries (0: never seen) to the newest checkpoint.

    `keys` are the log's, the present one last; `n_new_keys` of them were not known before, all of them at the
    first look, of which `is_new_key` says that nobody gave one.
    """

    origin: str
    before: int
    size: int
    root: bytes
    pins: int
    keys: LogKeys
    n_new_keys: int
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
            "log_keys": list(self.keys.texts()),
            "new_log_keys": self.n_new_keys,
            "key_pinned_now": self.is_new_key,
        }


def watch(
    state: WatchState,
    source: CheckpointSource,
    *,
    given_key: VerifierKey | None = None,
    others: Sequence[Pin] = (),
) -> Watched:
    """Look at the log once, hold it against what was kept and what others kept, and keep the newest.

    Where the log was handed over to another key, that one is followed and kept.
    """
    known, kept = state.keys(), state.pin()
    seen = [*([kept] if kept else []), *others]
    look = _Look(state, source, known, given_key, seen)
    newest = look.newest()
    if given_key is not None and given_key.text not in look.keys.texts():
        raise KeyChainError("the log key that was given is not one of those of this log")
    # What an old key signed last is seen as well: the log goes on from there, or it is a fork.
    held = [*seen, *look.handed_over]
    # By any of them: in a fork, the log may have been handed over elsewhere.
    keys = [key for _, key in look.keys.known]
    for pin in seen:
        pin.require_signed(keys)
    for pin in look.handed_over:
        _require_signed(pin, keys)
    for _ in range(MAX_ROUNDS):
        shown = [look.extending(pin) for pin in held]
        if all(pin.checkpoint == newest.checkpoint for pin in shown):
            state.keep(look.keys, newest)
            break
        newest = shown[0]
    else:
        raise UnreachableError(NEVER_AT_REST)
    return Watched(
        origin=newest.checkpoint.origin,
        before=0 if kept is None else kept.checkpoint.size,
        size=newest.checkpoint.size,
        root=newest.checkpoint.root,
        pins=len(held) - len(look.handed_over),
        keys=look.keys,
        n_new_keys=len(look.keys.known) - len(known.known if known else ()),
        is_new_key=known is None and given_key is None,
    )


def note_verdict(state: WatchState, verdict: Verdict) -> Watched:
    """Keep the newest checkpoint of a bundle that verified and that was held to what the state had pinned."""
    known, kept = state.keys(), state.pin()
    try:
        texts = map(VerifierKey.from_text, verdict.log_keys)
        keys = LogKeys(tuple(zip(verdict.keys_after, texts, strict=True)))
    except CheckpointError as exc:
        raise KeyChainError("the log went back to a key that it had before") from exc
    if known is not None and not set(known.texts()) <= set(keys.texts()):
        raise KeyChainError("the log key that was kept is not one of those that signed the log")
    newest = Pin(*parse_checkpoint(verdict.newest))
    state.keep(keys, newest)
    return Watched(
        origin=verdict.origin,
        before=0 if kept is None else kept.checkpoint.size,
        size=verdict.size,
        root=verdict.root,
        pins=verdict.pins,
        keys=keys,
        n_new_keys=len(keys.known) - len(known.known if known else ()),
        is_new_key=known is None and NO_LOG_KEY in verdict.caveats,
    )


class _Look:
    """One look at a log: asks for checkpoints and follows the log's keys.

    `keys` are those that are known so far, `handed_over` the checkpoints by which they were handed over
    since the look began.
    """

    def __init__(
        self,
        state: WatchState,
        source: CheckpointSource,
        known: LogKeys | None,
        given_key: VerifierKey | None,
        seen: Sequence[Pin],
    ) -> None:
        self._state = state
        self._source = source
        self._known = known
        self._given = [given_key] if given_key else []
        self._seen = seen
        self.handed_over: list[Pin] = []

    @property
    def keys(self) -> LogKeys:
        """The log's keys; known once `newest` was asked for."""
        if self._known is None:
            raise LookupError("no key is known before the first answer")
        return self._known

    def newest(self) -> Pin:
        """Return the newest checkpoint, signed by the log's present key."""
        answer = self._ask(0)
        if answer is None:
            raise UnreachableError("the broker shows no checkpoint")
        return self._shown(answer)

    def extending(self, old: Pin) -> Pin:
        """Return the newest checkpoint, once it is proved that it extends a pin."""
        size = old.checkpoint.size
        answer = self._ask(size)
        if answer is None:
            _alert(self._state, old, self.newest())
        shown = self._shown(answer)
        try:
            require_extension(answer, old.checkpoint, shown.checkpoint)
        except DocumentError as exc:
            raise UnreachableError(str(exc)) from exc
        except ProofError:
            _alert(self._state, old, shown)
        return shown

    def _ask(self, size: int) -> LogCheckpoint | None:
        body = self._source.checkpoint(size)
        if body is None:
            return None
        self._hold(body)
        return read_answer(LogCheckpoint, body)

    def _hold(self, body: bytes) -> None:
        """Alert if what the log's key has signed here ends before what was seen, or has another root there.

        With a hand-over of the key come older checkpoints: the largest one is the newest.
        """
        keys = [*self._given, *(key for _, key in (self._known.known if self._known else ()))]
        shown = sorted(_signed_in(body, keys), key=lambda pin: pin.checkpoint.size)
        for old in self._seen:
            same = [pin for pin in shown if pin.checkpoint.size == old.checkpoint.size]
            for pin in (*same, *shown[-1:]):
                if is_contradiction(old.checkpoint, pin.checkpoint) and old.is_signed_by(keys):
                    _alert(self._state, old, pin)

    def _shown(self, answer: LogCheckpoint) -> Pin:
        pin = _pin_of(answer.checkpoint.encode("utf-8"))
        try:
            self._follow(answer)
            _require_signed(pin, self.keys)
        except LogBrokenError:
            # Anyone who signed it, this is what the broker showed.
            self._state.keep_evidence(pin)
            raise
        return pin

    def _follow(self, answer: LogCheckpoint) -> None:
        """Follow the log to the key that an answer is signed with."""
        try:
            self._known, new = follow_keys(answer, self._known or _first_key(answer))
        except FormatError as exc:
            raise KeyChainError(f"{OTHER_KEY}: {exc}") from exc
        self.handed_over += [_pin_of(note) for note in new]


def _signed_in(body: bytes, keys: Sequence[VerifierKey]) -> Iterator[Pin]:
    """Yield the checkpoints in an answer that one of these keys has signed, even if it cannot be read."""
    for text in _CHECKPOINT.findall(body):
        with suppress(ValueError, CheckpointError):
            note = json.loads(b'"' + text + b'"', strict=False).encode("utf-8")
            pin = Pin(*parse_checkpoint(note))
            if pin.is_signed_by(keys):
                yield pin


def _first_key(answer: LogCheckpoint) -> LogKeys:
    """Return the key from which the hand-overs of a first answer lead to the present one."""
    try:
        if not answer.hand_overs:
            return LogKeys.only(VerifierKey.from_text(answer.log_key))
        body = parse_entry(answer.hand_overs[0].entry.encode("utf-8"), KINDS).body
        if not isinstance(body, LogKeyRotated):
            raise UnreachableError("the broker's answer hands the log over by another entry")
        return LogKeys.only(VerifierKey.from_text(body.old))
    except (CheckpointError, EntryError) as exc:
        raise UnreachableError("the broker's answer breaks its format") from exc


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


def _pin_of(note: bytes) -> Pin:
    try:
        return Pin(*parse_checkpoint(note))
    except CheckpointError as exc:
        raise UnreachableError("the broker's checkpoint cannot be read") from exc


def _require_signed(pin: Pin, keys: Sequence[VerifierKey] | LogKeys) -> None:
    size = pin.checkpoint.size
    if not pin.is_signed_by(keys):
        raise SignatureMissingError(
            f"a checkpoint of {size} entries is not signed by the log",
            evidence={"checkpoint_size": size},
        )
