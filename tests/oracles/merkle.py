"""The slow, obvious twin of the Merkle tree: RFC 6962 §2.1 word by word, on lists of entries."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """MTH(D[n]) of RFC 6962 §2.1."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = largest_power_below(len(entries))
    return hashlib.sha256(b"\x01" + tree_hash(entries[:k]) + tree_hash(entries[k:])).digest()


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 §2.1.1."""
    if len(entries) == 1:
        return []
    k = largest_power_below(len(entries))
    if m < k:
        return [*path(m, entries[:k]), tree_hash(entries[k:])]
    return [*path(m - k, entries[k:]), tree_hash(entries[:k])]


def proof(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n]) of RFC 6962 §2.1.2."""
    return _subproof(m, entries, True)


def _subproof(m: int, entries: Sequence[bytes], complete: bool) -> list[bytes]:
    if m == len(entries):
        return [] if complete else [tree_hash(entries)]
    k = largest_power_below(len(entries))
    if m <= k:
        return [*_subproof(m, entries[:k], complete), tree_hash(entries[k:])]
    return [*_subproof(m - k, entries[k:], False), tree_hash(entries[:k])]


def largest_power_below(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k
