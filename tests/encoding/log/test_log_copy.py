"""A copy of the match log: believed only as far as the pinned key and the pins vouch for it."""

from __future__ import annotations

import io

import pytest
from samples.log import SampleLog, story

from encoding.errors import LogError, LogRewrittenError
from encoding.log import log_copy
from encoding.log.log_copy import LogCopy, read_log_copy
from encoding.log.pins import Pin
from schemas.matchlog.checkpoint import parse_checkpoint
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.log_kinds import LogStarted
from schemas.matchlog.proof import verify_proof
from schemas.rules import replay
from schemas.rules.log_state import LogState


def told(seed: int = 9) -> SampleLog:
    log = story(seed, n_weeks=2, projects=("foster", "health"))
    log.export("foster")
    return log


LOG = told()
KEY = LOG.signers[-1].verifier_key
KEYS = LogKeys.only(KEY)
OTHER = LOG.signers[0].verifier_key


def pin(log: SampleLog, place: int) -> Pin:
    note = log.notes[place][1]
    return Pin(parse_checkpoint(note)[0], note)


def read(raw: bytes, *pins: Pin, before: LogCopy | None = None) -> LogCopy:
    return read_log_copy(io.BytesIO(raw), KEYS, pins, before)


@pytest.mark.parametrize("project", [None, "foster"])
def test_every_entry_that_is_shown_is_proved(project: str | None) -> None:
    copy = read(LOG.bundle(project), pin(LOG, 3), pin(LOG, -1))
    shown = [entry.seq for entry in copy.entries]
    assert shown == [e.seq for e in LOG.entries if project is None or e.project in (None, project)]
    for index in shown:
        entry, checkpoint = verify_proof(copy.proof(index), [KEY], KINDS)
        assert entry == LOG.entries[index]
        assert checkpoint.size == LOG.size


def test_a_changed_entry_is_refused() -> None:
    parts = LOG.parts()
    raw = parts.entries[5]
    assert raw is not None
    parts.entries[5] = raw.replace(b'Z"', b'0Z"', 1).replace(b"00Z", b"1Z", 1)
    assert parts.entries[5] != raw
    with pytest.raises(LogError):
        read(parts.pack())


def test_a_log_that_was_not_signed_so_is_refused() -> None:
    parts = LOG.parts()
    parts.leaf_hashes[9] = bytes(32)
    parts.entries[9] = None
    with pytest.raises(LogError):
        read(parts.pack())
    with pytest.raises(LogError):
        read_log_copy(io.BytesIO(LOG.bundle()), LogKeys.only(OTHER), ())


def test_a_log_that_was_pinned_otherwise_or_ends_before_a_pin_is_refused() -> None:
    longer = told()
    longer.export("foster")
    for other in (pin(told(10), 7), pin(longer, -1)):
        with pytest.raises(LogRewrittenError):
            read(LOG.bundle(), other)
    for raw in (b"", b"hello", LOG.bundle()[:5000], LOG.bundle() + b"x"):
        with pytest.raises(LogError):
            read(raw)


def test_what_was_read_before_is_replayed_once_and_nothing_is_read_otherwise_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replayed: list[int] = []

    def counting(log: LogState, entry: Entry, leaf: bytes) -> None:
        replayed.append(entry.seq)
        replay(log, entry, leaf)

    monkeypatch.setattr(log_copy, "replay", counting)
    longer = told()
    longer.week("foster")
    longer.export("foster")
    again = read(longer.bundle("foster"), before=read(LOG.bundle("foster")))
    shown = [entry.seq for entry in again.entries]
    assert replayed == shown
    # A log that breaks a rule after that, and one of another past.
    broken = told()
    broken.append(LogStarted(origin="o.test/log", key=KEY.text, software="blindlink-1"))
    for log in (longer, broken):
        for before in (LOG, told(10)):
            found = read(log.bundle("foster"), before=read(before.bundle("foster")))
            afresh = read(log.bundle("foster"))
            assert (found.entries, str(found.breach)) == (afresh.entries, str(afresh.breach))
    with pytest.raises(LogRewrittenError):
        read(LOG.bundle("foster"), before=read(longer.bundle("foster")))
