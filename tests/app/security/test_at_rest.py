from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from rigs.refused_calls import refuses

from app.errors import SealBrokenError
from app.security.at_rest import FORMAT, SEAL_BYTES, seal, unseal
from app.security.keystore import DataKey

KEY = DataKey("upl-00", bytes(range(32)))
OTHER_KEY = DataKey("upl-00", bytes(32))
PLAIN = b"sixteen bytes 01" * 3


@given(st.binary(max_size=200), st.integers(0, 2**31))
def test_what_was_sealed_is_unsealed(plain: bytes, number: int) -> None:
    assert (
        unseal(KEY, "part", "upl-00", number, seal(KEY, "part", "upl-00", number, plain)) == plain
    )


def test_what_lies_at_rest_opens_by_hand() -> None:
    sealed = seal(KEY, "part", "upl-00", 7, PLAIN)
    bound = b'{"kind":"part","length":48,"number":7,"object":"upl-00","version":"%s"}'
    opened = AESGCM(KEY.secret).decrypt(sealed[:12], sealed[12:], bound % FORMAT.encode())
    assert (opened, FORMAT) == (PLAIN, "blindlink/at-rest/1")
    assert len(sealed) == len(PLAIN) + SEAL_BYTES


def test_the_same_bytes_are_sealed_differently_each_time() -> None:
    assert len({seal(KEY, "part", "upl-00", 0, PLAIN) for _ in range(50)}) == 50


def test_a_piece_cannot_pass_for_another() -> None:
    sealed = seal(KEY, "part", "upl-00", 0, PLAIN)
    for key, *place in (
        (KEY, "block", "upl-00", 0),
        (KEY, "part", "upl-01", 0),
        (KEY, "part", "upl-00", 1),
        (OTHER_KEY, "part", "upl-00", 0),
    ):
        with refuses(SealBrokenError, place):
            unseal(key, *place, sealed)  # type: ignore[arg-type]


@given(st.integers(0, len(PLAIN) + SEAL_BYTES - 1), st.integers(0, 7))
@pytest.mark.campaign("damage")
def test_every_flipped_bit_is_noticed(position: int, bit: int) -> None:
    sealed = seal(KEY, "part", "upl-00", 0, PLAIN)
    flipped = bytearray(sealed)
    flipped[position] ^= 1 << bit
    for spoilt in (bytes(flipped), sealed[:position]):
        with pytest.raises(SealBrokenError):
            unseal(KEY, "part", "upl-00", 0, spoilt)
