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


def root_from_path(m: int, n: int, leaf_hash: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The root to which a path leads, by the recursion of §2.1.1 read backwards; None if it cannot."""
    if n == 1:
        return leaf_hash if not proof and m == 0 else None
    if not proof or not 0 <= m < n:
        return None
    k = largest_power_below(n)
    *below, last = proof
    if m < k:
        left = root_from_path(m, k, leaf_hash, below)
        return None if left is None else _node(left, last)
    right = root_from_path(m - k, n - k, leaf_hash, below)
    return None if right is None else _node(last, right)


def roots_from_proof(
    m: int, n: int, old_root: bytes, proof: Sequence[bytes], complete: bool = True
) -> tuple[bytes, bytes] | None:
    """Old and new root to which a consistency proof leads, by §2.1.2 read backwards; None if it cannot."""
    if not 0 < m <= n:
        return None
    if m == n:
        expected = [] if complete else list(proof[:1])
        if list(proof) != expected or (not complete and not proof):
            return None
        return (old_root, old_root) if complete else (proof[0], proof[0])
    if not proof:
        return None
    k = largest_power_below(n)
    *below, last = proof
    if m <= k:
        roots = roots_from_proof(m, k, old_root, below, complete)
        return None if roots is None else (roots[0], _node(roots[1], last))
    roots = roots_from_proof(m - k, n - k, old_root, below, False)
    return None if roots is None else (_node(last, roots[0]), _node(last, roots[1]))


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
