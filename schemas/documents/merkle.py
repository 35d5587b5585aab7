"""Merkle trees, of the match log and of a container: hashes, a tree's growing frontier, proofs and their check.

A node is (level, index): it covers the leaves from index * 2^level to (index + 1) * 2^level, and is stored
only once all of them exist. Whatever a proof needs is made of such full nodes.
Source: RFC 6962 §2.1; the verification of proofs follows RFC 9162 §2.1.3.2 and §2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Self, TypeAlias

from schemas.documents.errors import ProofError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

Node: TypeAlias = tuple[int, int]
# Takes all nodes of one proof at once, so that a database answers in one query.
NodeReader: TypeAlias = Callable[[Sequence[Node]], Mapping[Node, bytes]]

_Range: TypeAlias = tuple[int, int]


def hash_leaf(entry: bytes) -> bytes:
    """Return the hash of one leaf; `entry` is its exact bytes."""
    # RFC 6962 §2.1: leaves are prefixed 0x00, nodes 0x01, so that one cannot pass for the other.
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: all that appending needs.

    `hashes` holds one full node for each binary digit 1 of `size`, the largest first.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Start from a stored frontier, or from an empty tree.

        Raises:
            ProofError: the number or length of the hashes does not fit the size.
        """
        self.size = size
        self.hashes = list(hashes)
        if size < 0 or len(self.hashes) != size.bit_count():
            raise ProofError("a frontier does not fit its size")
        _require_hashes(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, raw: bytes) -> Self:
        """Read what `to_bytes` wrote."""
        return cls(size, (raw[i : i + HASH_BYTES] for i in range(0, len(raw), HASH_BYTES)))

    def to_bytes(self) -> bytes:
        """Return the hashes one after the other."""
        return b"".join(self.hashes)

    def append(self, leaf_hash: bytes) -> list[tuple[Node, bytes]]:
        """Add one leaf and return the nodes above the leaves that it completes, lowest first."""
        completed: list[tuple[Node, bytes]] = []
        level, current = 0, leaf_hash
        while self.size >> level & 1:
            current = hash_node(self.hashes.pop(), current)
            level += 1
            completed.append(((level, self.size >> level), current))
        self.hashes.append(current)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the root at this size."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT


def root_at(read: NodeReader, size: int) -> bytes:
    """Return the root of the first `size` leaves of a stored tree; of none, the SHA-256 of nothing."""
    return _range_hashes(read, [(0, size)])[0] if size else EMPTY_ROOT


def inclusion_proof(read: NodeReader, index: int, size: int) -> list[bytes]:
    """Return the hashes from the leaf's sibling up to the root's child (RFC 6962 §2.1.1).

    Raises:
        ProofError: there is no such leaf in a tree of this size.
    """
    _require_inside(index, size)
    ranges: list[_Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return _range_hashes(read, ranges[::-1])


def consistency_proof(read: NodeReader, old_size: int, new_size: int) -> list[bytes]:
    """Return the hashes that show that the older tree begins the newer one (RFC 6962 §2.1.2).

    Raises:
        ProofError: the old size is 0 or above the new one.
    """
    _require_ordered(old_size, new_size)
    ranges: list[_Range] = []
    start, end = 0, new_size
    while end != old_size:
        middle = _split(start, end)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    # Where the old tree is itself a node of the new one, the checker has it: it is the old root.
    if start:
        ranges.append((start, end))
    return _range_hashes(read, ranges[::-1])


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf stands at `index` in the tree of `size` leaves with this root.

    Raises:
        ProofError: it does not, the proof is too short or too long, or a hash is not 32 bytes.
    """
    _require_inside(index, size)
    _require_hashes([leaf_hash, root, *proof])
    # Below `inner` the path may turn either way; above it lies on the tree's right edge.
    inner = (index ^ (size - 1)).bit_length()
    if len(proof) != inner + (index >> inner).bit_count():
        raise ProofError("an inclusion proof has the wrong length for its index and size")
    current = leaf_hash
    for level, sibling in enumerate(proof):
        is_right = level >= inner or index >> level & 1
        current = hash_node(sibling, current) if is_right else hash_node(current, sibling)
    if current != root:
        raise ProofError("an inclusion proof does not lead to the root")


def verify_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that the tree of `old_size` leaves begins the tree of `new_size` leaves."""
    _require_ordered(old_size, new_size)
    _require_hashes([old_root, new_root, *proof])
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ProofError("two trees of one size differ, or their proof is not empty")
        return
    # A power of two: the old root is itself the first node of the path, and the proof leaves it out.
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        raise ProofError("a consistency proof is empty")
    if _roots_of_path(old_size, new_size, path) != (old_root, new_root):
        raise ProofError("a consistency proof does not lead to both roots")


def _roots_of_path(old_size: int, new_size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    old_node, last_node = old_size - 1, new_size - 1
    while old_node & 1:
        old_node, last_node = old_node >> 1, last_node >> 1
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if last_node == 0:
            raise ProofError("a consistency proof is too long")
        if old_node & 1 or old_node == last_node:
            old_root, new_root = hash_node(sibling, old_root), hash_node(sibling, new_root)
            while old_node and not old_node & 1:
                old_node, last_node = old_node >> 1, last_node >> 1
        else:
            new_root = hash_node(new_root, sibling)
        old_node, last_node = old_node >> 1, last_node >> 1
    if last_node != 0:
        raise ProofError("a consistency proof is too short")
    return old_root, new_root


def _split(start: int, end: int) -> int:
    # RFC 6962 §2.1: the left part is the largest power of two below the number of leaves.
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _range_hashes(read: NodeReader, ranges: Sequence[_Range]) -> list[bytes]:
    parts = [_full_nodes(start, end) for start, end in ranges]
    found = read([node for nodes in parts for node in nodes])
    return [_fold([found[node] for node in nodes]) for nodes in parts]


def _full_nodes(start: int, end: int) -> list[Node]:
    nodes: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def _fold(hashes: Sequence[bytes]) -> bytes:
    current = hashes[-1]
    for left in reversed(hashes[:-1]):
        current = hash_node(left, current)
    return current


def _require_inside(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise ProofError("an index lies outside the tree")


def _require_ordered(old_size: int, new_size: int) -> None:
    # From size 0 every tree follows, so such a proof would say nothing.
    if not 0 < old_size <= new_size:
        raise ProofError("the old size of a consistency proof is 0 or above the new size")


def _require_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofError("a hash is not 32 bytes")
