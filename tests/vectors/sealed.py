"""Writes the vectors of blind releases and of sealed files; run by hand when a format changes.

PYTHONPATH=tests:. python -m vectors.sealed

Put together by the spec pages from primitives of `cryptography` and the rfc8785 package, not by the code under
test. Only what HPKE seals is random: it is kept from the stored vectors where there are any.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite
from vectors.file import VECTORS, read_vectors, write_vectors
from vectors.identity import b64, identity_of, private_bytes

RECIPIENT = "research-office"
SEEDS = {"per-" + "11" * 16: 11, "per-" + "22" * 16: 12}
STRANGER = {"per-" + "33" * 16: 13}
KEY = bytes(range(50, 82))
TIME = "2026-09-01T06:30:00Z"

Sealings = dict[tuple[str, str], str]


def public_of(person: str, seed: int) -> dict[str, Any]:
    identity = identity_of(private_bytes(seed))
    return {**identity, "party": RECIPIENT, "person": person, "duties": ["recipient"]}


def key_digest(public: dict[str, Any]) -> str:
    return hashlib.sha256(base64.b64decode(public["receiving_key"])).hexdigest()


def kept_sealings(spec: str) -> Sealings:
    """Return what HPKE sealed when the vectors were written last, by header and person."""
    if not (VECTORS / f"{spec}.json").exists():
        return {}
    return {
        (header_digest(vector["header"]), key["person"]): key["sealed"]
        for vector in read_vectors(spec)["good"]
        for key in vector["header"]["keys"]
    }


def header_digest(header: dict[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(unsealed(header))).hexdigest()


def unsealed(header: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in header.items() if name != "keys"}


def sealed_header(
    label: str, fields: dict[str, Any], kept: Sealings, persons: dict[str, int] | None = None
) -> dict[str, Any]:
    """Return a header with the key sealed to persons."""
    info = f"blindlink/v1/{label}\n".encode() + rfc8785.dumps(fields)
    keys = []
    for person, seed in (persons or SEEDS).items():
        public = public_of(person, seed)
        before = kept.get((header_digest(fields), person))
        keys.append(
            {
                "person": person,
                "key": key_digest(public),
                "sealed": before or b64(seal(KEY, public, info)),
            }
        )
    return {**fields, "keys": keys}


def seal(key: bytes, public: dict[str, Any], info: bytes) -> bytes:
    raw = base64.b64decode(public["receiving_key"])
    receiver = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(raw[:1184]),
        X25519PublicKey.from_public_bytes(raw[1184:]),
    )
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    return suite.encrypt(key, receiver, info)


# Blind releases.

BLIND: dict[str, Any] = {
    "version": "blindlink/blind-release/2",
    "release": "rel-0123456789abcdef0123456789abcdef",
    "run": "run-0123456789abcdef0123456789abcdef",
    "specification": "d" * 64,
    "project": "foster-k12",
    "epoch": 1,
    "round": 3,
    "agreement": "b" * 64,
    "recipient": RECIPIENT,
    "agency": "child-welfare",
    "partner": "k12",
    "space": "research",
    "upload": "upl-0123456789abcdef0123456789abcdef",
    "records": 3,
    "created": TIME,
}
MATCHES = [("00" * 15 + "05", "ff" * 16), ("ab" * 16, "00" * 16), ("ff" * 16, "a5" * 16)]


def sealed_match_id(match_id: str, nonce: bytes, header: dict[str, Any]) -> bytes:
    named = {"agency": header["agency"], "release": header["release"]}
    bound = b"blindlink/v1/blind-match-id\n" + rfc8785.dumps(named)
    return nonce + AESGCM(KEY).encrypt(nonce, bytes.fromhex(match_id), bound)


def blind_body(matches: list[tuple[str, str]], header: dict[str, Any]) -> bytes:
    records = (
        bytes.fromhex(handle) + sealed_match_id(match_id, bytes([number] * 12), header)
        for number, (handle, match_id) in enumerate(matches)
    )
    return b"".join(records)


def blind_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/blind-release.md`."""
    kept = kept_sealings("blind-release")
    one = {**BLIND, "records": 1}
    plain = sealed_header("blind-release", BLIND, kept)
    to_one = dict(list(SEEDS.items())[:1])
    single = sealed_header("blind-release", one, kept, to_one)
    good = [("plain", plain, MATCHES), ("one record for one person", single, MATCHES[:1])]
    body = blind_body(MATCHES, BLIND)
    head = rfc8785.dumps(plain)
    bad = [
        ("empty", b""),
        ("without a newline", head),
        ("a header that is too long", b"{" + b" " * 65536 + head[1:] + b"\n" + body),
        ("a header with white space", head.replace(b":", b": ", 1) + b"\n" + body),
        *(
            (name, rfc8785.dumps(header) + b"\n" + body)
            for name, header in bad_headers(plain, surprise_of="blindlink/blind-release/1")
        ),
        ("no records", rfc8785.dumps({**plain, "records": 0}) + b"\n"),
        ("a record less", head + b"\n" + body[:-60]),
        ("a record more", head + b"\n" + body + body[:60]),
        ("a byte less", head + b"\n" + body[:-1]),
        ("a byte more", head + b"\n" + body + b"\n"),
        ("records out of order", head + b"\n" + body[60:120] + body[:60] + body[120:]),
        ("a handle twice", head + b"\n" + body[:60] + body[:60] + body[120:]),
    ]
    return {
        "spec": "blind-release",
        "receivers": receivers(),
        "key": KEY.hex(),
        "good": [
            {
                "name": name,
                "file": b64(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "header": header,
                "match_ids": dict(matches),
            }
            for name, header, matches in good
            for content in [rfc8785.dumps(header) + b"\n" + blind_body(matches, header)]
        ],
        "bad": [{"name": name, "file": b64(content)} for name, content in bad],
    }


def receivers() -> list[dict[str, Any]]:
    return [
        {"identity": public_of(person, seed), "private_hex": private_bytes(seed).hex()}
        for person, seed in (SEEDS | STRANGER).items()
    ]


def bad_headers(plain: dict[str, Any], surprise_of: str) -> list[tuple[str, dict[str, Any]]]:
    first, second = plain["keys"]
    return [
        ("an unknown field", {**plain, "surprise": 1}),
        ("keys out of order", {**plain, "keys": [second, first]}),
        ("a key twice", {**plain, "keys": [first, first]}),
        ("a sealed key cut short", {**plain, "keys": [{**first, "sealed": b64(bytes(1167))}]}),
        ("a sealed key in URL letters", {**plain, "keys": [{**first, "sealed": "-" * 1560}]}),
    ]


# Sealed files.

MAGIC = b"blindlink/sealed-file/1\n"
SEALED: dict[str, Any] = {
    "version": "blindlink/sealed-file/1",
    "sender": "child-welfare",
    "recipient": RECIPIENT,
    "created": TIME,
}
CONTENTS = {"a few letters": (97, 5), "nothing": (0, 0), "two chunks": (7, 65_537)}


def hkdf(salt: bytes, ikm: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256 and one block."""
    return hmac.digest(hmac.digest(salt, ikm, "sha256"), info + b"\x01", "sha256")


def sealed_file(header: dict[str, Any], content: bytes) -> bytes:
    head = MAGIC + rfc8785.dumps(header) + b"\n"
    key = hkdf(hashlib.sha256(head).digest(), KEY, b"blindlink/v1/sealed-file/chunks\n")
    chunks = [content[at : at + 65_536] for at in range(0, len(content), 65_536)] or [b""]
    sealed = (
        AESGCM(key).encrypt(
            number.to_bytes(11, "big") + bytes([number == len(chunks) - 1]), chunk, None
        )
        for number, chunk in enumerate(chunks)
    )
    return head + b"".join(sealed)


def sealed_file_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/sealed-file.md`; contents are one byte, many times."""
    header = sealed_header("sealed-file", SEALED, kept_sealings("sealed-file"))
    made = {
        name: sealed_file(header, bytes([byte]) * times) for name, (byte, times) in CONTENTS.items()
    }
    plain = made["a few letters"]
    head, sealed = plain[: plain.rindex(b"\n", 0, -21) + 1], plain[-21:]
    bad = [
        ("empty", b""),
        ("another format", b"PK\x03\x04" + plain),
        ("another version", plain.replace(MAGIC, b"blindlink/sealed-file/2\n")),
        ("a line end of Windows", plain.replace(MAGIC, MAGIC[:-1] + b"\r\n")),
        ("cut off in its head", plain[:100]),
        ("a header with white space", plain.replace(b":", b": ", 1)),
        *(
            (name, MAGIC + rfc8785.dumps(bad_header) + b"\n" + sealed)
            for name, bad_header in bad_headers(header, surprise_of="blindlink/sealed-file/2")
        ),
        ("another sender", head.replace(b"child-welfare", b"child-welfarf") + sealed),
        ("without its chunk", head),
        ("a byte less", plain[:-1]),
        ("a byte more", plain + b"\x00"),
        ("a changed byte", head + bytes([sealed[0] ^ 1]) + sealed[1:]),
        ("a chunk after the last", plain + made["nothing"][-16:]),
    ]
    return {
        "spec": "sealed-file",
        "receivers": receivers(),
        "key": KEY.hex(),
        "good": [
            {
                "name": name,
                "file": b64(content),
                "header": header,
                "byte": CONTENTS[name][0],
                "times": CONTENTS[name][1],
            }
            for name, content in made.items()
        ],
        "bad": [{"name": name, "file": b64(content)} for name, content in bad],
    }


if __name__ == "__main__":
    write_vectors("blind-release", blind_vectors())
    write_vectors("sealed-file", sealed_file_vectors())
