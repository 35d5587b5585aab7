"""Writes the vectors of signed rollbacks; run by hand when the format changes.

PYTHONPATH=tests:. python -m vectors.rollback

Made with the standard library and the rfc8785 package, not with the code under test.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
from samples.documents import changed
from vectors.file import write_vectors
from vectors.identity import identity_of, private_bytes, signature

PARTY, OTHER = "child-welfare", "k12"
PRIVATE, STRANGER = private_bytes(1), private_bytes(2)
PERSON = "per-00112233445566778899aabbccddeeff"
LEDGER = {"pair": [PARTY, OTHER], "round": 11, "release": 1, "digest": "33" * 32}
ROLLBACK: dict[str, Any] = {
    "version": "blindlink/rollback/1",
    "project": "foster-pupils",
    "space": "research",
    "to": {"round": 11, "release": 2},
    "applied": {"round": 13, "release": 1},
    "ledgers": [LEDGER],
    "party": PARTY,
    "person": PERSON,
    "reason": "Round 12 had last year's file.",
    "at": "2026-12-01T06:00:00Z",
}
THREE = [{**LEDGER, "pair": [PARTY, "health"]}, LEDGER]
GOOD: dict[str, dict[str, Any]] = {
    "two recipients": ROLLBACK,
    "three recipients": changed(ROLLBACK, "ledgers", THREE),
    "a round whose supplement is undone": changed(ROLLBACK, "applied", {"round": 11, "release": 3}),
}
BAD: dict[str, tuple[str, Any]] = {
    "an unknown field": ("surprise", 1),
    "the newest release": ("to", {"round": 13, "release": 1}),
    "a later release": ("to", {"round": 14, "release": 1}),
    "a pair twice": ("ledgers", [LEDGER, LEDGER]),
    "pairs in another order": ("ledgers", THREE[::-1]),
    "a pair in another order": ("ledgers.0.pair", [OTHER, PARTY]),
    "a pair of others": ("ledgers.0.pair", ["health", OTHER]),
    "a ledger of a later release": ("ledgers.0.release", 3),
    "a reason of two lines": ("reason", "one\ntwo"),
}


def signed(body: dict[str, Any], private: bytes = PRIVATE, kind: str = "ledger-rollback") -> str:
    return rfc8785.dumps({"rollback": body, "signature": signature(kind, body, private)}).decode()


def subject(body: dict[str, Any]) -> str:
    common = ("version", "project", "space", "to", "applied")
    return hashlib.sha256(rfc8785.dumps({name: body[name] for name in common})).hexdigest()


def rollback_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/rollback.md`."""
    identity = {**identity_of(PRIVATE), "party": PARTY, "person": PERSON, "duties": ["recipient"]}
    same = {**ROLLBACK, "party": OTHER, "reason": "So it was.", "at": "2026-12-02T06:00:00Z"}
    others = {
        "to another round": changed(same, "to.round", 10),
        "from another release": changed(same, "applied.release", 2),
        "another digest of the pair": changed(same, "ledgers.0.digest", "34" * 32),
        "an earlier release of the pair": changed(same, "ledgers.0.round", 10),
        "another space": changed(same, "space", "other"),
    }
    # Of which no ledger is newer than what is gone back to.
    others["to another round"] = changed(others["to another round"], "ledgers.0.round", 10)
    return {
        "spec": "rollback",
        "identity": rfc8785.dumps(identity).decode(),
        "good": [
            {"name": name, "signed": signed(body), "subject": subject(body)}
            for name, body in GOOD.items()
        ],
        "same": [{"name": "the other party", "signed": signed(same)}],
        "others": [{"name": name, "signed": signed(body)} for name, body in others.items()],
        "bad": [
            {"name": name, "signed": signed(changed(ROLLBACK, *change))}
            for name, change in BAD.items()
        ],
        "forged": [
            {"name": "signed by another", "signed": signed(ROLLBACK, STRANGER)},
            {"name": "signed as another kind", "signed": signed(ROLLBACK, kind="ledger-claims")},
        ],
    }


if __name__ == "__main__":
    write_vectors("rollback", rollback_vectors())
