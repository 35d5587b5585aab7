"""Watching a log: everything that a dishonest broker shows otherwise than before is an alert with evidence."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from oracles.broker import Log

from app.auditor.errors import (
    AuditError,
    KeyChainError,
    PinContradictedError,
    PinUnreadableError,
    RolledBackError,
    SignatureMissingError,
    UnreachableError,
)
from app.auditor.pins import Pin, read_pins
from app.auditor.watching import Watched, WatchState, watch
from schemas.api import LogCheckpoint
from schemas.matchlog.checkpoint import parse_checkpoint


class Source:
    """A broker that shows a log; a size that it does not have gets no answer."""

    def __init__(self, log: Log, grows: bool = False) -> None:
        self.log, self.grows = log, grows

    def checkpoint(self, old_size: int) -> LogCheckpoint | None:
        if self.grows:
            add(self.log, 1)
        return None if old_size > len(self.log.entries) else self.log.show(old_size)


def add(log: Log, n_entries: int, word: str = "entry") -> Log:
    log.entries += [f"{word} {len(log.entries) + i}".encode() for i in range(n_entries)]
    return log


def forked(log: Log, at: int, n_entries: int) -> Log:
    """Another history of the same log, by the same key."""
    other = Log(log.name)
    other.signer, other.entries = log.signer, log.entries[:at]
    return add(other, n_entries, "other")


def pin_of(log: Log, size: int | None = None) -> Pin:
    return Pin(*parse_checkpoint(log.checkpoint(size).encode()))


@pytest.fixture
def state(tmp_path: Path) -> WatchState:
    return WatchState.open(tmp_path / "watch")


def look(state: WatchState, log: Log, **more: object) -> Watched:
    return watch(state, Source(log), **more)  # type: ignore[arg-type]


def test_the_first_look_pins_key_and_checkpoint(state: WatchState) -> None:
    log = add(Log(), 5)
    seen = look(state, log)
    assert (seen.before, seen.size, seen.is_new_key) == (0, 5, True)
    assert state.keys() == (log.key,)
    pin = state.pin()
    assert pin is not None
    assert pin.checkpoint.size == 5


def test_a_log_that_grows_is_fine_and_the_newest_is_kept(state: WatchState) -> None:
    log = add(Log(), 5)
    look(state, log)
    seen = look(state, add(log, 7), others=[pin_of(log, 3), pin_of(log, 9)])
    assert (seen.before, seen.size, seen.pins, seen.is_new_key) == (5, 12, 3, False)
    assert look(state, log).before == 12


def test_a_log_that_grows_all_the_while_is_not_an_alert(state: WatchState) -> None:
    log = add(Log(), 5)
    look(state, log)
    assert watch(state, Source(log, grows=True), others=[pin_of(log, 2)]).size > 5


def test_a_rollback_is_an_alert_with_both_checkpoints_as_evidence(state: WatchState) -> None:
    log = add(Log(), 9)
    look(state, log)
    log.entries = log.entries[:6]
    with pytest.raises(RolledBackError) as caught:
        look(state, log)
    assert caught.value.evidence["pin_size"] == 9
    evidence = read_pins([state.folder / str(caught.value.evidence["file"])])
    assert sorted(pin.checkpoint.size for pin in evidence) == [6, 9]
    with pytest.raises(RolledBackError):
        look(state, log)


@pytest.mark.parametrize("seed", range(100))
def test_a_split_view_is_found_by_the_pin_of_either_side(state: WatchState, seed: int) -> None:
    chooser = random.Random(seed)
    shared = chooser.randrange(1, 40)
    log = add(Log(), shared)
    mine, theirs = forked(log, shared, 0), forked(log, shared, chooser.randrange(1, 30))
    add(mine, chooser.randrange(1, 30))
    look(state, mine)
    with pytest.raises((PinContradictedError, RolledBackError)):
        look(state, mine, others=[pin_of(theirs)])
    with pytest.raises((PinContradictedError, RolledBackError)):
        look(state, theirs)
    assert list(state.folder.glob("evidence-*"))


def test_a_log_of_one_size_and_two_roots_is_a_contradiction(state: WatchState) -> None:
    log = add(Log(), 4)
    look(state, log)
    with pytest.raises(PinContradictedError):
        look(state, forked(log, 2, 2))


def test_another_key_is_an_alert(state: WatchState) -> None:
    log = add(Log(), 4)
    look(state, log)
    stranger = add(Log(), 4)
    with pytest.raises(KeyChainError):
        look(state, stranger)
    with pytest.raises(KeyChainError):
        look(state, log, given_key=stranger.signer.verifier_key)
    with pytest.raises(SignatureMissingError):
        look(state, log, others=[pin_of(stranger)])


def test_a_damaged_state_is_not_taken_for_a_new_one(state: WatchState) -> None:
    log = add(Log(), 4)
    look(state, log)
    (state.folder / "checkpoints").write_bytes(b"x")
    with pytest.raises(PinUnreadableError):
        look(state, log)


def test_answers_about_something_else_are_no_proof(state: WatchState) -> None:
    log = add(Log(), 4)
    look(state, log)
    add(log, 4)

    class Other(Source):
        def checkpoint(self, old_size: int) -> LogCheckpoint | None:
            answer = super().checkpoint(old_size)
            assert answer is not None
            return answer.model_copy(update={"old_size": 2}) if old_size else answer

    with pytest.raises(UnreachableError):
        watch(state, Other(log))


@pytest.mark.parametrize("text", ["", "hello", "a\n1\nb\n\nc\n"])
def test_an_answer_that_cannot_be_read_is_no_alert(state: WatchState, text: str) -> None:
    class Garbled(Source):
        def checkpoint(self, old_size: int) -> LogCheckpoint | None:
            answer = super().checkpoint(old_size)
            return None if answer is None else answer.model_copy(update={"checkpoint": text})

    with pytest.raises(AuditError) as caught:
        watch(state, Garbled(add(Log(), 3)))
    assert caught.value.exit_code == 5
