"""The log only grows: what was seen once is held against it for ever."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from breaks.false_log import Log
from samples.shown_log import Source, add

from encoding.errors import BrokerAnswerError, LogError, LogKeyError, LogRewrittenError
from encoding.log.pins import PinnedLog
from schemas.api.bodies import LogCheckpoint
from schemas.matchlog.checkpoint import parse_checkpoints


@pytest.fixture
def log() -> Log:
    return add(Log(), 3)


@pytest.fixture
def pinned(tmp_path: Path) -> PinnedLog:
    (tmp_path / "pins").mkdir()
    return PinnedLog(tmp_path / "pins", tmp_path / "log.vkey")


def sizes(pinned: PinnedLog) -> list[int]:
    return [pin.checkpoint.size for pin in pinned.pins()] if pinned.has_key() else []


def check(pinned: PinnedLog, log: Log, grow_by: int = 0) -> int:
    source = Source(log, grow_by)
    pinned.key(None, source)
    return pinned.check(source).size


def another_past(log: Log) -> Log:
    """Return a log of three entries under the same key, none of which is this one's."""
    return Log(signer=log.signer, entries=[b"another past"] * 3)


def test_newest_checkpoint_replaces_the_pin_in_a_form_that_auditors_read(pinned: PinnedLog) -> None:
    log = Log()
    for grow_by, size in ((0, 0), (2, 2), (0, 2), (5, 7), (0, 7)):
        assert check(pinned, add(log, grow_by)) == size
    assert sizes(pinned) == [7]
    raw = (pinned.folder / "checkpoints").read_bytes()
    assert [checkpoint.size for checkpoint, _ in parse_checkpoints(raw)] == [7]


@pytest.mark.parametrize("n_left", [1, 2, 3, 5])
@pytest.mark.campaign("split-view")
def test_rewritten_or_cut_off_log_is_refused_with_evidence_and_the_pin_kept(
    pinned: PinnedLog, log: Log, n_left: int
) -> None:
    check(pinned, log)
    whole = [*log.entries]
    rewritten = [b"another past", *whole[1:n_left], *whole[1:]][:n_left]
    for entries in (rewritten, whole[:2], [b"another past"] * 3):
        log.entries[:] = entries
        with pytest.raises(LogRewrittenError) as caught:
            check(pinned, log)
        assert caught.value.exit_code == 1
        assert sizes(pinned) == [3]
    evidence = [one.read_bytes() for one in pinned.folder.glob("evidence-*")]
    kept = [[c.size for c, _ in parse_checkpoints(raw)] for raw in evidence]
    assert [3, len(rewritten)] in kept


def test_held_checkpoint_is_settled_at_the_next_check(pinned: PinnedLog, log: Log) -> None:
    check(pinned, log)
    pinned.pin(add(log, 1).checkpoint().encode())
    assert sizes(pinned) == [3, 4]
    assert check(pinned, add(log, 1)) == 5
    assert sizes(pinned) == [5]


class Counting(Source):
    """Keeps what it was asked."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.asked: list[int] = []

    def log_checkpoint(self, old_size: int) -> LogCheckpoint:
        self.asked.append(old_size)
        return super().log_checkpoint(old_size)


def test_held_checkpoint_that_is_the_newest_one_costs_no_question(
    pinned: PinnedLog, log: Log
) -> None:
    check(pinned, log)
    source = Counting(log)
    pinned.pin(add(log, 1).checkpoint().encode())
    assert pinned.check(source).size == 4
    assert source.asked == [3]
    assert sizes(pinned) == [4]


def test_a_receipts_checkpoint_is_asked_about_where_it_is_not_the_settled_one(
    pinned: PinnedLog, log: Log
) -> None:
    check(pinned, log)
    source = Counting(log)
    pinned.vouch(log.checkpoint().encode(), source)
    assert source.asked == []
    older = log.checkpoint(2).encode()
    pinned.vouch(older, source)
    assert source.asked == [2]
    fork = another_past(log).checkpoint().encode()
    pinned.vouch(add(log, 1).checkpoint().encode(), source)
    assert sizes(pinned) == [4]
    with pytest.raises(LogRewrittenError):
        pinned.vouch(fork, Source(log))


def test_held_checkpoint_of_a_fork_is_refused(pinned: PinnedLog, log: Log) -> None:
    check(pinned, log)
    fork = Log(signer=log.signer)
    add(fork, 1)
    fork.entries.append(b"for this agency alone")
    pinned.pin(fork.checkpoint().encode())
    with pytest.raises(LogRewrittenError):
        check(pinned, add(log, 5))


def test_log_that_grows_between_questions_keeps_all_pins(pinned: PinnedLog, log: Log) -> None:
    check(pinned, log)
    pinned.pin(add(log, 1).checkpoint().encode())
    newest = check(pinned, add(log, 1), grow_by=1)
    assert sizes(pinned) == [3, 4, newest]
    assert check(pinned, log) == len(log.entries)
    assert sizes(pinned) == [len(log.entries)]


def test_first_key_that_is_seen_is_pinned_and_a_given_one_must_be_it(
    pinned: PinnedLog, log: Log
) -> None:
    for text in (" ", "x", "broker.test/log+00000000+AAAA"):
        with pytest.raises(LogKeyError):
            pinned.key(text, Source(log))
        assert not pinned.has_key()
    check(pinned, log)
    assert pinned.key_file.read_text().strip() == log.key
    with pytest.raises(LogKeyError):
        check(pinned, add(Log(), 3))
    with pytest.raises(LogKeyError, match="settings"):
        pinned.key(Log().key, Source(log))


def test_given_key_is_held_against_the_log_from_the_start(pinned: PinnedLog, log: Log) -> None:
    pinned.key(Log().key, Source(log))
    with pytest.raises(LogKeyError):
        pinned.check(Source(log))


class Bent(Source):
    """Shows the log otherwise than it is."""

    def __init__(self, log: Log, bend: Callable[[LogCheckpoint], LogCheckpoint]) -> None:
        super().__init__(log)
        self.bend_shown = bend

    def log_checkpoint(self, old_size: int) -> LogCheckpoint:
        return self.bend_shown(self.log.show(old_size))


def test_checkpoint_by_another_signer_and_proofs_that_prove_nothing_are_refused(
    pinned: PinnedLog, log: Log
) -> None:
    pinned.key(None, Source(log))
    forged = Bent(log, lambda s: s.model_copy(update={"checkpoint": add(Log(), 3).checkpoint()}))
    with pytest.raises(LogError, match="cannot be trusted"):
        pinned.check(forged)
    assert sizes(pinned) == []
    check(pinned, log)
    add(log, 1)
    with pytest.raises(BrokerAnswerError):
        pinned.check(Bent(log, lambda _: log.show(1)))
    fork = Log(signer=log.signer, entries=[b"another past", *log.entries[1:3]])
    with pytest.raises(LogRewrittenError):
        pinned.check(Bent(log, lambda _: fork.show(1)))
    for text in ("?" * 44, base64.b64encode(bytes(32)).decode()):
        liar = Bent(log, lambda s, text=text: s.model_copy(update={"proof": (text,)}))
        with pytest.raises(LogRewrittenError):
            pinned.check(liar)


@pytest.mark.campaign("damage")
def test_damaged_pins_stop_everything(pinned: PinnedLog, log: Log) -> None:
    check(pinned, log)
    for content in (b"", b"blindlink/checkpoints/1\n\nx", b"\xff"):
        (pinned.folder / "checkpoints").write_bytes(content)
        with pytest.raises(LogError, match="damaged"):
            check(pinned, log)


def test_anothers_checkpoint_of_this_log_is_returned_and_not_pinned(
    pinned: PinnedLog, log: Log
) -> None:
    check(pinned, log)
    older = log.checkpoint(2).encode()
    assert pinned.compare(older, Source(add(log, 2))).size == 2
    assert sizes(pinned) == [5]


@pytest.mark.parametrize("n_more", [-1, 0, 1, 4])
@pytest.mark.campaign("split-view")
def test_anothers_checkpoint_of_another_log_is_refused_and_kept_as_evidence(
    pinned: PinnedLog, log: Log, n_more: int
) -> None:
    check(pinned, log)
    entries = [*log.entries[:1], b"another past", *log.entries[2:], *[b"more"] * 4]
    other = Log(signer=log.signer, entries=entries[: len(log.entries) + n_more])
    with pytest.raises(LogRewrittenError):
        pinned.compare(other.checkpoint().encode(), Source(log))
    assert sizes(pinned) == [3]
    assert len(list(pinned.folder.glob("evidence-*"))) == 1
    assert check(pinned, log) == 3


def test_a_checkpoint_that_the_log_has_not_signed_compares_with_nothing(
    pinned: PinnedLog, log: Log
) -> None:
    check(pinned, log)
    stranger = add(Log(), 3).checkpoint().encode()
    with pytest.raises(LogError):
        pinned.compare(stranger, Source(log))


def test_a_log_that_grows_all_the_while_is_compared_by_the_next_check(
    pinned: PinnedLog, log: Log
) -> None:
    check(pinned, log)
    assert pinned.compare(log.checkpoint(2).encode(), Source(log, 1)).size == 2
    check(pinned, log)
    assert sizes(pinned) == [len(log.entries)]
