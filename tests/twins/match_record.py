"""A second reader of match records and openings, written from schemas/spec/match-record.md alone."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    return rfc8785.dumps(value)


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def tree_root(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1, as it is defined: by recursion."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return sha(b"\1", tree_root(hashes[:half]), tree_root(hashes[half:]))


def record_root(record: bytes) -> str:
    """The root of a record, some rows of which are bare hashes."""
    head, *rows = record.split(b"\n")[:-1]
    leaves = [sha(b"\0", head)]
    for row in rows:
        leaves.append(sha(b"\0", row) if row.startswith(b"{") else bytes.fromhex(row.decode()))
    return tree_root(leaves).hex()


def commit(nonce: bytes, run: str, upload: str, handle: bytes) -> str:
    payload = canonical({"handle": handle.hex(), "run": run, "upload": upload})
    return sha(b"blindlink/v1/match-record\n", nonce, payload).hex()
