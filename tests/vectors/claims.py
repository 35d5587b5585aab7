"""Writes the vectors of claims and chain statements; run by hand when a format changes.

PYTHONPATH=tests:. python -m vectors.claims

Made with the standard library and the rfc8785 package, not with the code under test.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import rfc8785
from twins.ledger import new_id
from vectors.file import listed, write_vectors
from vectors.identity import identity_of, private_bytes, signature

PARTY, OTHER = "child-welfare", "k12"
PERSON = "per-00112233445566778899aabbccddeeff"
PRIVATE, STRANGER = private_bytes(1), private_bytes(2)
PAIR_KEY = bytes(range(32))
TOKENS = [bytes([n]) * 16 for n in (7, 8, 9)]
MATCHES = [f"{n:032x}" for n in (0x10, 0x20, 0x30)]
LINKS = ["a1" * 16, "b2" * 16, "c3" * 16]
NO_LINK, NO_MAC = "-" * 32, "-" * 64
CHECKPOINT = "river.example/log\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

SHARED: dict[str, Any] = {
    "project": "foster-pupils",
    "space": "research",
    "round": 12,
    "release": 1,
    "sender": PARTY,
    "person": PERSON,
    "sequence": 3,
    "previous": "5e" * 32,
    "checkpoint": CHECKPOINT,
    "applied": {"round": 11, "release": 2, "rollback": None},
    "created": "2026-09-01T06:00:00Z",
}

ROLLED_BACK = {"round": 11, "release": 2, "rollback": "44" * 32}


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def mac(match: str, token: bytes) -> str:
    parts = b"".join(len(p).to_bytes(4, "big") + p for p in (bytes.fromhex(match), token))
    return hmac.digest(PAIR_KEY, b"blindlink/v1/claims/met\n" + parts, "sha256").hex()


def claim(n: int, link: str, since: int, veto: str = "-", proof: str | None = None) -> str:
    return f"{MATCHES[n]} {link} {since:07} {veto} {proof or mac(MATCHES[n], TOKENS[n])}\n"


GOOD_CLAIMS = [claim(0, LINKS[0], 4), claim(1, NO_LINK, 0), claim(2, LINKS[1], 12, "v")]
GOOD_MARKS = [f"{MATCHES[1]} {LINKS[2]}\n"]
GOOD_VETOES = [f"{LINKS[0]} 01 0000001 r\n", f"{LINKS[2]} 00 0000004 u\n"]


def message(kind: str, head: dict[str, Any], body: str, private: bytes = PRIVATE) -> str:
    head = {"body_sha256": sha(body.encode()), **head}
    signed = {"head": head, "signature": signature(kind, head, private)}
    return rfc8785.dumps(signed).decode() + "\n" + body


def claims(
    lines: Sequence[str] = GOOD_CLAIMS,
    marks: Sequence[str] = GOOD_MARKS,
    vetoes: Sequence[str] = GOOD_VETOES,
    *,
    kind: str = "ledger-claims",
    private: bytes = PRIVATE,
    **other: Any,
) -> str:
    head = {
        **SHARED,
        "version": "blindlink/claims/1",
        "pair": [PARTY, OTHER],
        "transcript": {"earlier": "11" * 32, "later": "22" * 32},
        "ledger": {"round": 11, "release": 1, "digest": "33" * 32},
        "makers": [PARTY, OTHER] if vetoes else [],
        "claims": len(lines),
        "marks": len(marks),
        "vetoes": len(vetoes),
        **other,
    }
    return message(kind, head, "".join([*lines, *marks, *vetoes]), private)


GOOD_RECORDS = [f"{LINKS[0]} 0000004\n", f"{NO_LINK} 0000000\n"]
GOOD_STATED = [
    f"{MATCHES[0]} 00 00000001\n",
    f"{MATCHES[0]} 01 00000002\n",
    f"{MATCHES[1]} 01 00000001\n",
]
GOOD_BORNE = [f"00000002 {LINKS[2]}\n"]


def statement(
    records: Sequence[str] = GOOD_RECORDS,
    matches: Sequence[str] = GOOD_STATED,
    marks: Sequence[str] = GOOD_BORNE,
    vetoes: Sequence[str] = GOOD_VETOES,
    *,
    kind: str = "chain-statement",
    private: bytes = PRIVATE,
    **other: Any,
) -> str:
    head = {
        **SHARED,
        "version": "blindlink/chain-statement/1",
        "pairs": [[PARTY, "health"], [PARTY, OTHER]],
        "makers": [PARTY, OTHER] if vetoes else [],
        "records": len(records),
        "matches": len(matches),
        "marks": len(marks),
        "vetoes": len(vetoes),
        **other,
    }
    return message(kind, head, "".join([*records, *matches, *marks, *vetoes]), private)


def bad_messages(make: Any, good: str) -> dict[str, str]:
    """What no message may be, whatever its kind."""
    return {
        "nothing": "",
        "no newline at the end": good[:-1],
        "carriage returns": good.replace("\n", "\r\n"),
        "a line more": good + GOOD_VETOES[1],
        "an unknown field": make(surprise=1),
        "a release without its rollback": make(applied={"round": 11, "release": 2}),
        "a first message that has one before it": make(sequence=1),
        "a third message that has none before it": make(previous=None),
        "makers in another order": make(makers=[OTHER, PARTY]),
        "another digest of the lines": make(body_sha256="0" * 64),
        "a veto of a party that is not named": make(makers=[PARTY]),
        "a veto of sequence 0": make(vetoes_=[f"{LINKS[2]} 00 0000000 u\n"]),
        "vetoes in another order": make(vetoes_=GOOD_VETOES[::-1]),
        "a veto twice": make(vetoes_=[GOOD_VETOES[1]] * 2),
        "a veto of an unknown kind": make(vetoes_=[f"{LINKS[2]} 00 0000004 x\n"]),
        "a text that is not ASCII": make(vetoes_=["\N{GREEK SMALL LETTER ALPHA}\n"]),
    }


def bad_claims() -> dict[str, str]:
    def make(**other: Any) -> str:
        return claims(vetoes=other.pop("vetoes_", GOOD_VETOES), **other)

    return {
        **bad_messages(make, claims()),
        "a pair in another order": claims(pair=[OTHER, PARTY]),
        "a pair of one party": claims(pair=[PARTY, PARTY]),
        "a sender outside the pair": claims(sender="health"),
        "fewer claims than stated": claims(claims=4),
        "matches in another order": claims(GOOD_CLAIMS[::-1]),
        "a match twice": claims([GOOD_CLAIMS[0]] * 2, marks=[]),
        "a link ID twice": claims([claim(0, LINKS[0], 4), claim(1, LINKS[0], 4)], marks=[]),
        "a link ID since round 0": claims([claim(0, LINKS[0], 0)], marks=[]),
        "no link ID since round 4": claims([claim(0, NO_LINK, 4)], marks=[]),
        "a link ID of a later round": claims([claim(0, LINKS[0], 13)], marks=[]),
        "some matches without proof": claims([GOOD_CLAIMS[0], claim(1, NO_LINK, 0, "-", NO_MAC)]),
        "a proof in capitals": claims([claim(0, LINKS[0], 4, "-", "AB" * 32)], marks=[]),
        "a veto that is none": claims([claim(0, LINKS[0], 4, "x")], marks=[]),
        "two spaces": claims([GOOD_CLAIMS[0].replace(" ", "  ", 1)], marks=[]),
        "a mark of a match that is not there": claims(marks=[f"{'f' * 32} {LINKS[2]}\n"]),
        "a mark of a link ID that was not retired": claims(marks=[f"{MATCHES[1]} {LINKS[1]}\n"]),
        "a mark twice": claims(marks=GOOD_MARKS * 2),
    }


def bad_statements() -> dict[str, str]:
    def make(**other: Any) -> str:
        return statement(vetoes=other.pop("vetoes_", GOOD_VETOES), **other)

    one = {"records": GOOD_RECORDS[:1], "marks": []}
    return {
        **bad_messages(make, statement()),
        "pairs in another order": statement(pairs=[[PARTY, OTHER], [PARTY, "health"]]),
        "a pair twice": statement(pairs=[[PARTY, OTHER], [PARTY, OTHER]]),
        "a pair of others": statement(pairs=[["health", OTHER], [PARTY, OTHER]][::-1]),
        "a record without a match": statement(matches=GOOD_STATED[:1]),
        "records in another order": statement(
            matches=[f"{MATCHES[0]} 00 00000002\n", f"{MATCHES[1]} 00 00000001\n"]
        ),
        "matches in another order": statement(matches=GOOD_STATED[::-1]),
        "a match of no pair": statement(matches=[f"{MATCHES[0]} 02 00000001\n"], **one),
        "a match of record 0": statement(matches=[f"{MATCHES[0]} 00 00000000\n"], **one),
        "two matches of one record and pair": statement(
            matches=[f"{MATCHES[0]} 00 00000001\n", f"{MATCHES[1]} 00 00000001\n"], **one
        ),
        "a link ID twice": statement(records=[GOOD_RECORDS[0]] * 2),
        "a link ID of a later round": statement(records=[f"{LINKS[0]} 0000013\n", GOOD_RECORDS[1]]),
        "a link ID without its round": statement(
            records=[f"{LINKS[0]} 0000000\n", GOOD_RECORDS[1]]
        ),
        "a mark of no record": statement(marks=[f"00000003 {LINKS[2]}\n"]),
        "a mark of a link ID that was not retired": statement(marks=[f"00000002 {LINKS[1]}\n"]),
        "a mark twice": statement(marks=GOOD_BORNE * 2),
    }


def claims_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/claims.md`."""
    unproven = [claim(0, LINKS[0], 4, "-", NO_MAC), claim(1, NO_LINK, 0, "v", NO_MAC)]
    first = {"sequence": 1, "previous": None, "applied": None}
    identity = {**identity_of(PRIVATE), "party": PARTY, "person": PERSON}
    return {
        "spec": "claims",
        "identity": rfc8785.dumps(identity).decode(),
        "pair_key_hex": PAIR_KEY.hex(),
        "macs": [
            {"match": match, "token": token.hex(), "mac": mac(match, token)}
            for match, token in zip(MATCHES, TOKENS, strict=True)
        ],
        "link_ids": [
            {
                "project": "foster-pupils",
                "space": "research",
                "round": round_,
                "release": release,
                "pair": [PARTY, OTHER],
                "match": match,
                "link": new_id(
                    "foster-pupils",
                    "research",
                    (round_, release),
                    (bytes.fromhex(match), (PARTY, OTHER)),
                ).hex(),
            }
            for round_, release, match in [
                (12, 1, MATCHES[0]),
                (12, 2, MATCHES[0]),
                (121, 1, MATCHES[0]),
            ]
        ],
        "claims": {
            "good": listed(
                {
                    "three matches": claims(),
                    "none, and the first message": claims([], [], [], ledger=None, **first),
                    "without a container": claims(unproven, [], []),
                    "a supplementary release": claims(release=2),
                    "after a rollback": claims(applied=ROLLED_BACK),
                },
                "message",
            ),
            "bad": listed(bad_claims(), "message"),
            "forged": listed(
                {
                    "signed by another": claims(private=STRANGER),
                    "signed as another kind": claims(kind="chain-statement"),
                    "in another's name": claims(person="per-" + "0" * 32),
                },
                "message",
            ),
        },
        "statements": {
            "good": listed(
                {
                    "two records in three matches": statement(),
                    "after a rollback": statement(applied=ROLLED_BACK),
                    "none, and the first message": statement([], [], [], [], **first),
                },
                "message",
            ),
            "bad": listed(bad_statements(), "message"),
            "forged": listed(
                {
                    "signed by another": statement(private=STRANGER),
                    "signed as another kind": statement(kind="ledger-claims"),
                    "in another's name": statement(person="per-" + "0" * 32),
                },
                "message",
            ),
        },
    }


if __name__ == "__main__":
    write_vectors("claims", claims_vectors())
