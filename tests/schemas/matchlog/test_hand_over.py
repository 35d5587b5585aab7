"""From one key of a log to the next: followed where the old key signed for the new one, and only there."""

from __future__ import annotations

from typing import Any

import pytest
from vectors.file import naming, read_vectors

from schemas.documents.errors import CheckpointError, FormatError
from schemas.matchlog.hand_over import HandOver, follow_hand_overs
from schemas.matchlog.log_keys import MAX_KEYS, LogKeys
from schemas.signing.note import COSIGNER_KEY, LOG_KEY, VerifierKey

VECTORS = read_vectors("hand-over")
FIRST = LogKeys.only(VerifierKey.from_text(VECTORS["first_key"]))


def read(hand_overs: list[dict[str, Any]]) -> tuple[HandOver, ...]:
    return tuple(HandOver(**{**one, "proof": tuple(one["proof"])}) for one in hand_overs)


GOOD = read(VECTORS["good"])


def test_the_good_vectors_lead_to_the_keys_of_the_file() -> None:
    keys = follow_hand_overs(FIRST, GOOD)
    assert keys == LogKeys.from_lines(VECTORS["keys_file"])
    assert keys.to_lines() == VECTORS["keys_file"]
    assert follow_hand_overs(follow_hand_overs(FIRST, GOOD[:1]), GOOD) == keys
    assert follow_hand_overs(keys, GOOD) == keys
    assert [HandOver.of(one.to_proof()) for one in GOOD] == list(GOOD)


def test_bad_vectors_lead_nowhere() -> None:
    for vector in VECTORS["bad"]:
        with naming(vector), pytest.raises(FormatError):
            follow_hand_overs(FIRST, read(vector["hand_overs"]))


def test_bad_files_of_keys_are_refused() -> None:
    for vector in VECTORS["bad_files"]:
        with naming(vector), pytest.raises(CheckpointError):
            LogKeys.from_lines(vector["file"])


def test_each_key_signs_up_to_the_size_of_its_hand_over() -> None:
    keys = LogKeys.from_lines(VECTORS["keys_file"])
    (_, first), (one, second), (two, third) = keys.known
    expected = [first] * (one + 1) + [second] * (two - one) + [third] * 3
    assert [keys.at(size) for size in range(two + 4)] == expected
    assert (keys.present, keys.text) == (third, third.text)


def test_more_keys_than_a_bundle_lists_are_refused() -> None:
    made = [
        VerifierKey("log.test", LOG_KEY, bytes([number]) * 32) for number in range(MAX_KEYS + 1)
    ]
    keys = LogKeys(tuple(enumerate(made[:-1])))
    with pytest.raises(CheckpointError):
        keys.handed_over(made[-1], MAX_KEYS)
    with pytest.raises(CheckpointError):
        LogKeys.only(VerifierKey("log.test", COSIGNER_KEY, bytes(32)))
