"""Writes the vectors of the Merkle tree; run by hand when they change.

Everything comes from the slow twin in `twins.merkle`: what is good, and that what is bad is bad. The ways
to be bad are those of the vectors that Certificate Transparency's implementers share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from twins.merkle import path, proof, root_from_path, roots_from_proof, tree_hash
from vectors.file import write_vectors

ENTRIES = [f"entry {number}".encode() for number in range(40)]
INCLUSION = [
    (0, 1),
    (0, 2),
    (1, 2),
    (2, 3),
    (0, 7),
    (5, 7),
    (6, 7),
    (3, 8),
    (7, 8),
    (9, 13),
    (12, 13),
    (31, 33),
]
CONSISTENCY = [
    (1, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (4, 7),
    (5, 7),
    (7, 7),
    (6, 8),
    (8, 13),
    (7, 13),
    (16, 33),
    (32, 33),
]
GARBAGE = hashlib.sha256(b"garbage").digest()


def merkle_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/checkpoint.md`, section "Tree"."""
    return {
        "spec": "checkpoint",
        "entries_hex": [entry.hex() for entry in ENTRIES],
        "roots": [tree_hash(ENTRIES[:size]).hex() for size in range(len(ENTRIES) + 1)],
        "inclusion": list(_inclusion()),
        "consistency": list(_consistency()),
    }


def _inclusion() -> Iterator[dict[str, Any]]:
    for index, size in INCLUSION:
        leaf = hashlib.sha256(b"\x00" + ENTRIES[index]).digest()
        root, hashes = tree_hash(ENTRIES[:size]), path(index, ENTRIES[:size])
        good = {"index": index, "size": size, "leaf": leaf, "root": root, "proof": hashes}
        yield _vector(f"{index} of {size}", good, True)
        for name, change in _bent_inclusion(index, size, leaf, root, hashes):
            bent = {**good, **change}
            if bent != good and not _includes(bent):
                yield _vector(f"{index} of {size}: {name}", bent, False)


def _bent_inclusion(
    index: int, size: int, leaf: bytes, root: bytes, hashes: list[bytes]
) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "index below", {"index": index - 1}
    yield "index above", {"index": index + 1}
    yield "index with another bit", {"index": index ^ 2}
    yield "index is the size", {"index": size}
    yield "index far out", {"index": index + 2**40}
    yield "size 0", {"size": 0}
    yield "size 0 and index 0", {"size": 0, "index": 0, "proof": []}
    yield "size doubled", {"size": size * 2}
    yield "size halved", {"size": size // 2}
    yield "size below", {"size": size - 1}
    yield "another leaf", {"leaf": GARBAGE}
    yield "empty leaf", {"leaf": b""}
    yield "another root", {"root": GARBAGE}
    yield "empty root", {"root": b""}
    yield "empty root and leaf", {"root": b"", "leaf": b""}
    yield from _bent_proofs(hashes, [root, leaf])


def _consistency() -> Iterator[dict[str, Any]]:
    for old, new in CONSISTENCY:
        old_root, new_root = tree_hash(ENTRIES[:old]), tree_hash(ENTRIES[:new])
        hashes = proof(old, ENTRIES[:new])
        good = {"old": old, "new": new, "old_root": old_root, "new_root": new_root, "proof": hashes}
        yield _vector(f"{old} to {new}", good, True)
        for name, change in _bent_consistency(old, new, old_root, new_root, hashes):
            bent = {**good, **change}
            if bent != good and not _continues(bent):
                yield _vector(f"{old} to {new}: {name}", bent, False)


def _bent_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, hashes: list[bytes]
) -> Iterator[tuple[str, dict[str, Any]]]:
    empty = hashlib.sha256(b"").digest()
    yield "old size below", {"old": old - 1}
    yield "old size above", {"old": old + 1}
    yield "old size with another bit", {"old": old ^ 2}
    yield "new size doubled", {"new": new * 2}
    yield "new size halved", {"new": new // 2}
    yield "new size below the old one", {"new": old - 1}
    yield "old size 0", {"old": 0}
    yield "old size 0 with the empty root", {"old": 0, "old_root": empty, "proof": []}
    yield "old size 0 with a proof", {"old": 0, "old_root": empty, "proof": [new_root]}
    yield "both sizes 0", {"old": 0, "new": 0, "old_root": empty, "new_root": empty, "proof": []}
    yield "roots swapped", {"old_root": new_root, "new_root": old_root}
    yield "another old root", {"old_root": GARBAGE}
    yield "another new root", {"new_root": GARBAGE}
    yield "empty old root", {"old_root": b""}
    yield "empty new root", {"new_root": b""}
    yield from _bent_proofs(hashes, [old_root, new_root])


def _bent_proofs(hashes: list[bytes], others: list[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "no proof", {"proof": []}
    yield "last hash missing", {"proof": hashes[:-1]}
    yield "first hash missing", {"proof": hashes[1:]}
    yield "a hash after", {"proof": [*hashes, GARBAGE]}
    yield "a hash before", {"proof": [GARBAGE, *hashes]}
    yield "an empty hash after", {"proof": [*hashes, b""]}
    for number, other in enumerate(others):
        yield f"known hash {number} after", {"proof": [*hashes, other]}
        yield f"known hash {number} before", {"proof": [other, *hashes]}
    if hashes:
        yield "first hash twice", {"proof": [hashes[0], *hashes]}
        yield "a hash put in", {"proof": [hashes[0], GARBAGE, *hashes[1:]]}
        yield "order reversed", {"proof": hashes[::-1]}
        yield "a hash cut to 31 bytes", {"proof": [hashes[0][:31], *hashes[1:]]}
        yield "a hash of 33 bytes", {"proof": [hashes[0] + b"\x00", *hashes[1:]]}
    for place, value in enumerate(hashes):
        flipped = bytes([value[0] ^ 16, *value[1:]])
        yield f"a bit in hash {place}", {"proof": [*hashes[:place], flipped, *hashes[place + 1 :]]}


def _includes(vector: dict[str, Any]) -> bool:
    if not 0 <= vector["index"] < vector["size"]:
        return False
    root = root_from_path(vector["index"], vector["size"], vector["leaf"], vector["proof"])
    return root is not None and root == vector["root"]


def _continues(vector: dict[str, Any]) -> bool:
    roots = roots_from_proof(vector["old"], vector["new"], vector["old_root"], vector["proof"])
    return roots is not None and roots == (vector["old_root"], vector["new_root"])


def _vector(name: str, fields: dict[str, Any], holds: bool) -> dict[str, Any]:
    written = {key: _written(value) for key, value in fields.items()}
    return {"name": name, "holds": holds, **written}


def _written(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return [_written(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    write_vectors("merkle", merkle_vectors())
