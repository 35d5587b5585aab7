"""Positions of a token in the filter: the hash functions of clkhash, many tokens at a time."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
TokenHash = Callable[[Sequence[bytes], int], Positions]
"""(n tokens, k) -> positions in the filter, shape (n, k)."""

_POSITIONS_PER_DIGEST = 32


def blake_hash(key: bytes, hash_bits: int) -> TokenHash:
    """Return the keyed BLAKE2b hash: each digest gives 32 little-endian 16-bit positions."""

    def positions(tokens: Sequence[bytes], k: int) -> Positions:
        salts = [str(block).encode() for block in range(-(-k // _POSITIONS_PER_DIGEST))]
        digests = b"".join(
            blake2b(token, key=key, salt=salt).digest() for token in tokens for salt in salts
        )
        slices = np.frombuffer(digests, dtype="<u2").reshape(len(tokens), -1)
        return slices[:, :k].astype(np.int64) % hash_bits

    return positions


def double_hash(keys: Sequence[bytes], hash_bits: int, *, prevent_singularity: bool) -> TokenHash:
    """Return the double hash of Schnell, Bachteler and Reiher (2011): first + i * step, modulo the length."""
    key_first, key_step = keys

    def step(token: bytes) -> int:
        value = int.from_bytes(hmac.digest(key_step, token, "md5")) % hash_bits
        attempt = 0
        while prevent_singularity and value == 0:
            salted = token + chr(attempt).encode()
            value = int.from_bytes(hmac.digest(key_step, salted, "md5")) % hash_bits
            attempt += 1
        return value

    def positions(tokens: Sequence[bytes], k: int) -> Positions:
        first = [int.from_bytes(hmac.digest(key_first, t, "sha1")) % hash_bits for t in tokens]
        steps = np.array([step(token) for token in tokens], dtype=np.int64)
        start = np.array(first, dtype=np.int64)
        return (start[:, None] + np.arange(k) * steps[:, None]) % hash_bits

    return positions
