"""The broker replaces the key of its log: anyone who pinned the old one follows, and nobody else leads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from breaks.false_log import Log
from samples.shown_log import Source, add

from encoding.errors import LogError, LogKeyError, LogRewrittenError
from encoding.log.pins import PinnedLog
from schemas.api.bodies import LogCheckpoint
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint


@pytest.fixture
def log() -> Log:
    return add(Log(), 3)


@pytest.fixture
def pinned(tmp_path: Path, log: Log) -> PinnedLog:
    """The log, pinned at three entries."""
    (tmp_path / "pins").mkdir()
    made = PinnedLog(tmp_path / "pins", tmp_path / "log.vkey")
    made.key(None, Source(log))
    assert made.check(Source(log)).size == 3
    return made


@pytest.mark.parametrize("n_between", [0, 2])
def test_the_new_key_is_pinned_beside_the_old_one(
    pinned: PinnedLog, log: Log, n_between: int
) -> None:
    old = log.key
    add(log, n_between).hand_over()
    assert pinned.check(Source(log)).size == 4 + n_between
    assert pinned.keys().texts() == (old,)
    assert pinned.check(Source(add(log, 1))).size == 5 + n_between
    assert pinned.keys().texts() == (old, log.key)
    assert pinned.keys().present == log.signer.verifier_key
    assert [pin.checkpoint.size for pin in pinned.pins()] == [5 + n_between]


def test_several_hand_overs_are_followed_at_once(pinned: PinnedLog, log: Log) -> None:
    keys = [log.key]
    for _ in range(3):
        add(log, 1).hand_over()
        keys.append(log.key)
    assert pinned.check(Source(add(log, 1))).size == 10
    assert pinned.keys().texts() == tuple(keys)
    assert pinned.check(Source(add(log, 1))).size == 11


def test_what_the_old_key_signed_in_its_time_still_counts_and_nothing_later(
    pinned: PinnedLog, log: Log
) -> None:
    old = log.signer
    log.hand_over()
    pinned.check(Source(add(log, 2)))
    pinned.pin(log.checkpoint(2).encode())
    size, root = 6, parse_checkpoint(log.checkpoint().encode())[0].root
    with pytest.raises(LogError):
        pinned.pin(sign_checkpoint(Checkpoint(log.name, size, root), old))


def test_a_key_to_which_nothing_hands_over_is_refused(pinned: PinnedLog, log: Log) -> None:
    log.hand_over()
    add(log, 1)
    for bend in (
        lambda shown: shown.model_copy(update={"hand_overs": ()}),
        lambda shown: shown.model_copy(update={"log_key": Log().key}),
    ):
        with pytest.raises(LogKeyError, match="a different key"):
            pinned.check(Source(log, bend=bend))
    assert pinned.keys().texts() == (log.former[0][1].verifier_key.text,)


def test_a_hand_over_that_the_old_key_did_not_sign_is_refused(pinned: PinnedLog, log: Log) -> None:
    thief = Log()
    thief.entries = list(log.entries)
    thief.hand_over()
    add(thief, 1)
    with pytest.raises(LogKeyError):
        pinned.check(Source(thief))
    # Nor does the thief's log count with the real log's key named as the old one.
    log.hand_over()
    thief.entries[3:4] = log.entries[3:4]
    with pytest.raises(LogKeyError):
        pinned.check(Source(thief))


def test_a_hand_over_for_which_the_new_key_did_not_sign_is_refused(
    pinned: PinnedLog, log: Log
) -> None:
    log.hand_over(possession="A" * 86 + "==")
    with pytest.raises(LogKeyError):
        pinned.check(Source(add(log, 1)))


def test_a_fork_at_the_hand_over_is_found(pinned: PinnedLog, log: Log) -> None:
    """The old key signs the hand-over in one history, and the new one goes on in another."""
    log.hand_over()
    add(log, 2)
    fork = add(Log(), 3)
    fork.signer, fork.former = log.signer, log.former
    fork.entries = [*log.entries[:3], b"another entry", *log.entries[4:]]

    def bend(shown: LogCheckpoint) -> LogCheckpoint:
        return shown.model_copy(update={"hand_overs": log.hand_overs(shown.old_size)})

    with pytest.raises(LogRewrittenError):
        pinned.check(Source(fork, bend=bend))


def test_the_key_of_today_may_be_given_to_whoever_pinned_another(
    pinned: PinnedLog, log: Log
) -> None:
    log.hand_over()
    add(log, 1)
    with pytest.raises(LogKeyError, match="settings"):
        pinned.pinned_key(log.key)
    assert pinned.key(log.key, Source(log)).texts()[-1] == log.key
    assert pinned.check(Source(log)).size == 5
    with pytest.raises(LogKeyError, match="settings"):
        pinned.key(Log().key, Source(log))


def test_an_old_key_that_is_given_first_leads_to_the_one_of_today(tmp_path: Path, log: Log) -> None:
    first = log.key
    log.hand_over()
    second = log.key
    add(log, 1).hand_over()
    for name, given in (("first", first), ("second", second)):
        (tmp_path / name).mkdir()
        pinned = PinnedLog(tmp_path / name, tmp_path / f"{name}.vkey")
        pinned.key(given, Source(add(log, 1)))
        pinned.check(Source(log))
        assert pinned.keys().texts()[0] == given
        assert pinned.keys().text == log.key


def test_a_damaged_file_of_keys_stops_everything(pinned: PinnedLog, log: Log) -> None:
    for content in ("", "x\n", "{key}", "{key} 0\n", "{key}\n{key} 4\n", "{key}\n\n"):
        pinned.key_file.write_text(content.replace("{key}", log.key))
        with pytest.raises(LogKeyError, match="cannot be read"):
            pinned.check(Source(log))
