"""SipHash against its published vectors and its slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import bsf1
from vectors.file import read_vectors

from encoding.blocks import siphash as module
from encoding.blocks.siphash import siphash

VECTORS = read_vectors("bsf1")["good"]["siphash"]
NUMBERS = st.integers(0, 2**64 - 1)


def numbers(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_twin_gives_the_published_vectors(vector: dict[str, str]) -> None:
    hashed = bsf1.siphash(bytes.fromhex(vector["key_hex"]), bytes.fromhex(vector["message_hex"]))
    assert hashed.to_bytes(8, "little").hex() == vector["output_hex"]


def test_messages_of_eight_bytes_give_the_published_vectors() -> None:
    eight = [vector for vector in VECTORS if len(vector["message_hex"]) == 16]
    keys = np.frombuffer(b"".join(bytes.fromhex(one["key_hex"]) for one in eight), "<u8")
    messages = np.frombuffer(b"".join(bytes.fromhex(one["message_hex"]) for one in eight), "<u8")
    hashed = siphash(keys[::2].astype(np.uint64), keys[1::2].astype(np.uint64), messages.copy())
    assert [int(one).to_bytes(8, "little").hex() for one in hashed] == [
        one["output_hex"] for one in eight
    ]
    assert eight


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=20), st.integers(1, 30))
def test_many_at_once_are_those_of_the_twin(calls: list[tuple[int, int, int]], tile: int) -> None:
    low, high, message = (numbers([call[at] for call in calls]) for at in range(3))
    whole = siphash(low, high, message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TILE", tile)
        assert np.array_equal(whole, siphash(low, high, message))
    assert whole.tolist() == [
        bsf1.sip(key.to_bytes(8, "little") + key_high.to_bytes(8, "little"), number)
        for key, key_high, number in calls
    ]


def test_what_is_hashed_is_not_changed() -> None:
    low, high, message = numbers([1, 2]), numbers([3, 4]), numbers([5, 6])
    siphash(low, high, message)
    assert (low.tolist(), high.tolist(), message.tolist()) == ([1, 2], [3, 4], [5, 6])
