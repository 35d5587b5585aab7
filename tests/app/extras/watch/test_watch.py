"""Watching a log: everything that a dishonest broker shows otherwise than before is an alert with evidence."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from breaks.false_log import Log
from samples.refusals import raises

from app.auditor.errors import (
    AuditError,
    KeyChainError,
    PinContradictedError,
    PinUnreadableError,
    PinUnsignedError,
    RolledBackError,
    UnreachableError,
)
from app.auditor.pins import Pin, read_pins
from app.extras.watch.state import WatchState
from app.extras.watch.watch import Watched, watch
from schemas.api.bodies import LogCheckpoint
from schemas.matchlog.checkpoint import parse_checkpoint
from schemas.signing.note import VerifierKey


class Source:
    """A broker that shows a log; a size that it does not have gets no answer."""

    def __init__(self, log: Log, grows: bool = False) -> None:
        self.log, self.grows = log, grows

    def checkpoint(self, old_size: int) -> bytes | None:
        answer = self.answer(old_size)
        return None if answer is None else answer.to_canonical()

    def answer(self, old_size: int) -> LogCheckpoint | None:
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


def texts(state: WatchState) -> tuple[str, ...]:
    keys = state.keys()
    return () if keys is None else keys.texts()


def look(state: WatchState, log: Log, **more: object) -> Watched:
    return watch(state, Source(log), **more)  # type: ignore[arg-type]


def test_the_first_look_pins_key_and_checkpoint(state: WatchState) -> None:
    log = add(Log(), 5)
    seen = look(state, log)
    assert (seen.before, seen.size, seen.is_new_key) == (0, 5, True)
    assert texts(state) == (log.key,)
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
    with raises(UnreachableError, match="not all pins"):
        watch(state, Source(log, grows=True), others=[pin_of(log, 2)])


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
@pytest.mark.campaign("split-view")
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


@pytest.mark.campaign("split-view")
def test_a_log_of_one_size_and_two_roots_is_a_contradiction(state: WatchState) -> None:
    log = add(Log(), 4)
    look(state, log)
    with pytest.raises(PinContradictedError):
        look(state, forked(log, 2, 2))


def test_another_key_is_an_alert(state: WatchState) -> None:
    log = add(Log(), 4)
    look(state, log)
    stranger = add(Log(), 4)
    with raises(KeyChainError):
        look(state, stranger)
    with raises(KeyChainError):
        look(state, log, given_key=stranger.signer.verifier_key)


def test_a_pin_that_the_log_did_not_sign_is_bad_input_and_no_alert(
    state: WatchState, tmp_path: Path
) -> None:
    log = add(Log(), 4)
    look(state, log)
    with raises(PinUnsignedError):
        look(state, log, others=[pin_of(add(Log(), 4))])
    own = state.folder / "checkpoints"
    kept = own.read_bytes()
    for size in (b"3", b"9"):
        own.write_bytes(kept.replace(b"\n4\n", b"\n" + size + b"\n"))
        with raises(PinUnsignedError, match="checkpoints"):
            look(state, log)


# Hand-overs of the log's key.


def handed_over(log: Log, n_entries: int = 3) -> Log:
    log.hand_over()
    return add(log, n_entries)


def test_a_hand_over_is_followed_and_its_key_kept(state: WatchState) -> None:
    log = add(Log(), 4)
    look(state, log)
    first = log.key
    seen = look(state, handed_over(log))
    assert (seen.n_new_keys, seen.is_new_key, seen.pins) == (1, False, 1)
    assert texts(state) == (first, log.key)
    handed_over(handed_over(log))
    assert look(state, log).n_new_keys == 2
    assert look(state, log, given_key=VerifierKey.from_text(first)).n_new_keys == 0


def test_a_first_look_learns_all_keys_and_takes_pins_of_each_time(state: WatchState) -> None:
    log = add(Log(), 4)
    early = pin_of(log)
    handed_over(handed_over(log))
    assert look(state, log, others=[early, pin_of(log, 7), pin_of(log)]).pins == 3
    assert len(texts(state)) == 3


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_operator_may_give_a_key_of_any_time(state: WatchState, which: int) -> None:
    log = handed_over(handed_over(add(Log(), 4)))
    signers = [*(signer for _, signer in log.former), log.signer]
    seen = look(state, log, given_key=signers[which].verifier_key)
    assert not seen.is_new_key
    assert seen.keys.text == log.key


def test_a_hand_over_that_is_not_shown_is_an_alert(state: WatchState) -> None:
    log = add(Log(), 4)
    look(state, log)

    class Hiding(Source):
        def answer(self, old_size: int) -> LogCheckpoint | None:
            answer = super().answer(old_size)
            assert answer is not None
            return answer.model_copy(update={"hand_overs": ()})

    handed_over(log)
    with raises(KeyChainError):
        watch(state, Hiding(log))
    assert len(texts(state)) == 1


@pytest.mark.parametrize("change", ["possession", "new", "old"])
def test_a_hand_over_that_does_not_hold_is_an_alert(state: WatchState, change: str) -> None:
    log = add(Log(), 4)
    look(state, log)
    bent = {"possession": "A" * 86 + "==", "new": Log().key, "old": Log().key}
    log.hand_over(**{change: bent[change]})
    add(log, 2)
    with raises(KeyChainError):
        look(state, log)
    assert len(texts(state)) == 1


def test_a_log_that_its_old_key_goes_on_to_sign_is_an_alert(state: WatchState) -> None:
    log = add(Log(), 4)
    thief = forked(log, 4, 5)
    handed_over(log)
    look(state, log)
    with raises(KeyChainError):
        look(state, thief)


@pytest.mark.campaign("split-view")
def test_a_fork_under_a_hand_over_is_a_contradiction(state: WatchState) -> None:
    """Both histories are handed over by the old key, after the same entries, to the same new one."""
    log = add(Log(), 4)
    look(state, log)
    other = forked(log, 2, 4)
    other.hand_over()
    add(other, 3)
    with pytest.raises((PinContradictedError, RolledBackError)):
        look(state, other)
    assert list(state.folder.glob("evidence-*"))


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
        def answer(self, old_size: int) -> LogCheckpoint | None:
            answer = super().answer(old_size)
            assert answer is not None
            return answer.model_copy(update={"old_size": 2}) if old_size else answer

    with raises(UnreachableError):
        watch(state, Other(log))


@pytest.mark.parametrize("text", ["", "hello", "a\n1\nb\n\nc\n"])
def test_an_answer_that_cannot_be_read_is_no_alert(state: WatchState, text: str) -> None:
    class Garbled(Source):
        def answer(self, old_size: int) -> LogCheckpoint | None:
            answer = super().answer(old_size)
            return None if answer is None else answer.model_copy(update={"checkpoint": text})

    with pytest.raises(AuditError) as caught:
        watch(state, Garbled(add(Log(), 3)))
    assert caught.value.exit_code == 5


BENT = {
    "another old size": lambda body: re.sub(rb'"old_size":[0-9]+', b'"old_size":1', body),
    "no proof": lambda body: re.sub(rb'"proof":[^]]*]', b'"proof":["x"]', body),
    "a further field": lambda body: body.replace(b"{", b'{"also":1,', 1),
    "no JSON": lambda body: b"<html>" + body[:-1],
}


@pytest.mark.parametrize("bend", BENT.values(), ids=BENT)
@pytest.mark.parametrize("is_pin", [False, True], ids=["kept", "pin of an agency"])
@pytest.mark.campaign("split-view")
def test_what_the_log_signed_is_evidence_whatever_surrounds_it(
    state: WatchState, bend: Callable[[bytes], bytes], is_pin: bool
) -> None:
    log = add(Log(), 6)
    look(state, log)
    others = [pin_of(add(log, 2))] if is_pin else []

    class Bent(Source):
        def checkpoint(self, old_size: int) -> bytes | None:
            return bend(self.log.show(min(old_size, 4)).to_canonical())

    size = len(log.entries)
    for other in (forked(log, 3, size - 3), forked(log, 3, 1), forked(log, size - 1, 0)):
        with pytest.raises((PinContradictedError, RolledBackError)) as caught:
            watch(state, Bent(other), others=others)
        assert caught.value.exit_code == 1
        evidence = read_pins([state.folder / str(caught.value.evidence["file"])])
        assert pin_of(other).note in [pin.note for pin in evidence]
    with raises(UnreachableError):
        watch(state, Bent(add(log, 1)), others=others)


@pytest.mark.campaign("split-view")
def test_two_histories_that_are_shown_in_turn_are_not_taken_for_one(state: WatchState) -> None:
    """A broker that knows from the size which pin it is asked about shows each the log that it is of."""
    shared = add(Log(), 5)
    mine, theirs = add(forked(shared, 5, 0), 3), forked(shared, 5, 4)

    class TwoFaced(Source):
        def answer(self, old_size: int) -> LogCheckpoint | None:
            return (theirs if old_size == len(theirs.entries) else mine).show(old_size)

    pins = [pin_of(mine), pin_of(theirs)]
    with pytest.raises(RolledBackError):
        watch(state, TwoFaced(mine), others=pins)
    assert state.pin() is None


def test_what_another_key_signed_is_kept_as_evidence(state: WatchState) -> None:
    log = add(Log(), 4)
    look(state, log)
    stranger = add(Log(), 6)
    with raises(KeyChainError):
        look(state, stranger)
    [evidence] = state.folder.glob("evidence-*")
    assert [pin.note for pin in read_pins([evidence])] == [pin_of(stranger).note]
