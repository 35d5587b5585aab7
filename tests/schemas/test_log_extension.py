"""What a broker shows is held against what was kept, along the log's keys."""

from __future__ import annotations

import pytest
from breaks.false_log import Log

from schemas.api.bodies import LogCheckpoint
from schemas.api.log_extension import follow_keys, require_extension
from schemas.documents.errors import CheckpointError, DocumentError, ProofError
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoint
from schemas.matchlog.log_keys import LogKeys
from schemas.signing.note import VerifierKey


def checkpoint_of(answer: LogCheckpoint) -> Checkpoint:
    return parse_checkpoint(answer.checkpoint.encode())[0]


def keys_of(answer: LogCheckpoint) -> LogKeys:
    return LogKeys.only(VerifierKey.from_text(answer.log_key))


def grown(log: Log, n: int) -> LogCheckpoint:
    """Let the log grow, and return what it shows to whoever knows its state before."""
    old = len(log.entries)
    log.entries += [b"entry %d" % number for number in range(n)]
    return log.show(old)


def test_what_grew_extends_what_was_kept() -> None:
    log = Log()
    old = checkpoint_of(grown(log, 5))
    answer = grown(log, 7)
    require_extension(answer, old, checkpoint_of(answer))


def test_any_log_extends_the_empty_one() -> None:
    log = Log()
    empty = checkpoint_of(log.show(0))
    answer = grown(log, 3)
    require_extension(answer, empty, checkpoint_of(answer))


def test_another_past_is_no_extension() -> None:
    log = Log()
    old = checkpoint_of(grown(log, 5))
    log.entries[2] = b"another past"
    answer = grown(log, 7)
    with pytest.raises(ProofError):
        require_extension(answer, old, checkpoint_of(answer))


def test_a_hash_that_is_none_proves_nothing() -> None:
    log = Log()
    old = checkpoint_of(grown(log, 5))
    answer = grown(log, 7)
    spoilt = answer.model_copy(update={"proof": ("!" * 44, *answer.proof[1:])})
    with pytest.raises(ProofError):
        require_extension(spoilt, old, checkpoint_of(answer))


def test_a_proof_about_another_checkpoint_is_an_answer_to_another_question() -> None:
    log = Log()
    old = checkpoint_of(grown(log, 5))
    grown(log, 7)
    answer = log.show(4)
    with pytest.raises(DocumentError):
        require_extension(answer, old, checkpoint_of(answer))


def test_the_key_that_is_known_is_followed_nowhere() -> None:
    answer = grown(Log(), 5)
    assert follow_keys(answer, keys_of(answer)) == (keys_of(answer), ())


def test_keys_are_followed_along_their_hand_overs_and_what_each_signed_last_is_seen() -> None:
    log = Log()
    known = keys_of(grown(log, 5))
    for _ in range(2):
        log.hand_over()
    handed_over = [log.checkpoint(size).encode() for size in (6, 7)]
    answer = grown(log, 3)
    answer = answer.model_copy(update={"hand_overs": log.hand_overs(5)})
    followed, seen = follow_keys(answer, known)
    assert followed.text == answer.log_key
    assert [*seen] == handed_over
    assert follow_keys(answer, followed) == (followed, ())


def test_another_key_that_nothing_hands_over_to_is_refused() -> None:
    answer = grown(Log(), 5)
    with pytest.raises(CheckpointError, match="nothing hands over"):
        follow_keys(answer, keys_of(grown(Log(), 5)))
