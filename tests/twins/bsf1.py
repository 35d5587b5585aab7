"""bsf1 as its spec page says it, a value at a time; nothing of the program is imported."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Columns = dict[str, str]
# Of a round: what is added to which word, by how much the other turns, and which word's halves change places.
STEPS = ((0, 1, 13, 0), (2, 3, 16, None), (0, 3, 21, None), (2, 1, 17, 2))


def lp(*parts: str | bytes) -> bytes:
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(2, "big") + part for part in raw)


def b2(key: bytes, size: int, person: bytes, message: bytes) -> bytes:
    return blake2b(message, digest_size=size, key=key, person=person).digest()


def siphash(key: bytes, message: bytes) -> int:
    k = [int.from_bytes(key[at : at + 8], "little") for at in (0, 8)]
    start = b"somepseudorandomlygeneratedbytes"
    v = [int.from_bytes(start[8 * at : 8 * at + 8], "big") ^ k[at % 2] for at in range(4)]
    message += bytes(7 - len(message) % 8) + bytes([len(message) % 256])
    blocks = [int.from_bytes(message[at : at + 8], "little") for at in range(0, len(message), 8)]
    for enters, leaves, n in [*((block, block, 2) for block in blocks), (0, 0, 4)]:
        v[3] ^= enters
        v[2] ^= 0xFF if n == 4 else 0
        for _ in range(n):
            for x, y, turn, swapped in STEPS:
                v[x] = (v[x] + v[y]) % 2**64
                v[y] = (v[y] << turn | v[y] >> 64 - turn) % 2**64 ^ v[x]
                if swapped is not None:
                    v[swapped] = v[swapped] % 2**32 << 32 | v[swapped] >> 32
        v[0] ^= leaves
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def round_key(secret: bytes, *parts: str | bytes) -> bytes:
    """Parts: project, epoch, larger, smaller, profile, round, nonce of larger, nonce of smaller."""
    info = lp("blindlink/v1/bsf1/round", *parts)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def cells(
    profile: dict[str, Any], key: bytes, side: str, spellings: list[Columns]
) -> list[tuple[int, str, bytes]]:
    """Return spelling, pass and cell key of each key; spellings are counted as `with_further` has them."""
    room = sum(len(one["keys"]) for one in profile["passes"]) + profile["alias_keys"][side]
    found: dict[tuple[str, ...], int] = {}
    for number, (columns, _) in enumerate(with_further(profile, side, spellings)):
        named: list[tuple[str, ...]] = []
        for one in profile["passes"]:
            for form in one["keys"]:
                parts = [sorted(columns[column] for column in part) for part in form]
                values = [value for part in parts for value in part]
                occurrence = 0
                while (one["name"], str(occurrence), *values) in named:
                    occurrence += 1
                if all(values):
                    named.append((one["name"], str(occurrence), *values))
        for name in sorted(named, key=lambda name: int(name[1]) if number else 0):
            if len(found) < room:
                found.setdefault(name, number)
    return [(at, name[0], b2(key, 32, b"bsf1 cell", lp(*name))) for name, at in found.items()]


def with_further(
    profile: dict[str, Any], side: str, spellings: list[Columns]
) -> list[tuple[Columns, Columns]]:
    """Return of each spelling, and of those that the profile adds, what keys and what rows are made of."""
    found = []
    either = profile.get("either", {"column": "", "values": []})
    triples = profile.get("exchange", [])
    for number, columns in enumerate(spellings):
        made = [columns]
        for one, other, again in triples[:1]:
            is_single = columns[one] and columns[other] == columns[again] not in ("", columns[one])
            if side == "smaller" and number == 0 and is_single:
                pairs = [pair for x, y, z in triples for pair in ((x, y), (y, x), (z, x))]
                made.append(columns | {name: columns[source] for name, source in pairs})
        for spelling in made:
            own = spelling.get(either["column"]) or None
            for value in either["values"] if either["values"] and not own else [own]:
                found.append(
                    (spelling | {either["column"]: value} if value else spelling, spelling)
                )
    return found


def token_and_key(cell: bytes, place: int) -> tuple[bytes, bytes]:
    both = b2(cell, 32, b"bsf1 index", place.to_bytes(2, "big"))
    return both[:16], both[16:]


def word(*parts: str) -> int:
    return int.from_bytes(b2(b"", 8, b"bsf1 value", lp(*parts)), "little") >> 8 << 8


def tokens(feature: dict[str, Any], text: str) -> list[str]:
    """Return the distinct tokens in the order of their UTF-8 bytes."""
    comparison = feature["hashing"]["comparison"]
    if comparison["type"] == "exact":
        return [text]
    n = comparison["n"]
    padded = " " * (n - 1) + text + " " * (n - 1)
    grams = [padded[at : at + n] for at in range(len(padded) - n + 1)]
    if comparison.get("positional"):
        grams = [f"{at} {gram}" for at, gram in enumerate(grams, 1)]
    return sorted(set(grams), key=str.encode)


def sip(row_key: bytes, number: int) -> int:
    return siphash(row_key, number.to_bytes(8, "little"))


def filter_lane(row_key: bytes, lane: dict[str, Any], text: str) -> bytes:
    feature, bits = json.loads(lane["linkage"]), 0
    found = tokens(feature, text)
    each, more = divmod(feature["hashing"]["strategy"]["bitsPerFeature"], len(found))
    for at, token in enumerate(found):
        for draw in range(each + (at < more)):
            hashed = sip(row_key, word("value", lane["column"], token) + draw // 10)
            bits |= 1 << (hashed >> 6 * (draw % 10) & 63)
    return bits.to_bytes(8, "little")


def sealed(profile: dict[str, Any], row_key: bytes, columns: Columns, filler: bytes) -> bytes:
    """Return the 64 bytes of a row; `filler` is 64 bytes, of which a lane without a value takes its own."""
    lanes = [lane for field in profile["fields"] for lane in field["lanes"]]
    row = b""
    for lane in (one for one in lanes if one["kind"] == "filter"):
        text = columns[lane["column"]]
        row += filter_lane(row_key, lane, text) if text else filler[len(row) :][:8]
    tags = [(lane["column"], columns[lane["column"]]) for lane in lanes if lane["kind"] == "tag"]
    named = [(text, ("value", column, text)) for column, text in tags]
    for field in (one for one in profile["fields"] if not one["memory"]):
        named.append((columns[field["lanes"][0]["column"]], ("present", field["name"])))
    for text, name in named:
        tag = sip(row_key, word(*name)) % 2**16
        row += tag.to_bytes(2, "little") if text else filler[len(row) :][:2]
    pad = b"".join(sip(row_key, word("pad") + at).to_bytes(8, "little") for at in range(8))
    return bytes(x ^ y for x, y in zip(row.ljust(64, b"\0"), pad, strict=True))
