"""Writes the vectors of canonical JSON and of document signatures; run by hand when a format changes.

The canonical bytes come from the rfc8785 package, not from the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from vectors.file import write_vectors

GOOD: dict[str, str] = {
    "empty object": "{}",
    "empty array": "[]",
    "literals": "[null,true,false]",
    "text at the top": '"word"',
    "integers to the limit": "[0,-1,9007199254740991,-9007199254740991]",
    "white space goes": ' { "b" : 1 ,\n "a" : [ 1 , 2 ] } ',
    "keys sort by bytes where all are ASCII": '{"b":1,"a":2,"B":3,"_":4,"":5}',
    "keys sort by UTF-16 units": '{"\\ufb33":1,"\\ud83d\\ude00":2,"\\u20ac":3,"\\r":4,"1":5}',
    "short escapes": '"\\b\\t\\n\\f\\r\\"\\\\"',
    "other control characters as lower-case hex": '"\\u0000\\u001f\\u000B"',
    "slash, DEL and letters beyond ASCII stay": '"\\/\\u007f\\u00e9\\u2028"',
    "an escaped pair becomes one character": '"\\ud83d\\ude00"',
    "no normalisation of accents": '["e\\u0301","\\u00e9"]',
}

BAD: dict[str, bytes] = {
    "empty": b"",
    "white space before": b" {}",
    "white space after": b"{}\n",
    "white space inside": b'{"a": 1}',
    "keys out of order": b'{"b":1,"a":2}',
    "a key twice": b'{"a":1,"a":1}',
    "a key twice, deeper": b'{"a":{"b":1,"b":2}}',
    "a float": b'{"a":1.5}',
    "a float that is whole": b"1.0",
    "an exponent": b"1e2",
    "minus zero": b"-0",
    "leading zero": b"01",
    "plus sign": b"+1",
    "2^53": b"9007199254740992",
    "-2^53": b"-9007199254740992",
    "a number of 5,000 digits": b"9" * 5000,
    "NaN": b"NaN",
    "Infinity": b"[Infinity]",
    "minus Infinity": b"-Infinity",
    "a lone high surrogate": b'"\\ud800"',
    "a lone low surrogate in a key": b'{"\\udc00":1}',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "not UTF-8": b'"\xff"',
    "overlong UTF-8": b'"\xc0\x80"',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a raw control character": b'"\x01"',
    "an escape that is not needed": b'"\\u0041"',
    "an escaped slash": b'"\\/"',
    "upper-case hex in an escape": b'"\\u001F"',
    "a long escape where a short one exists": b'"\\u000a"',
    "a trailing comma": b'{"a":1,}',
    "two documents": b"{}{}",
    "a comment": b"{}//x",
    "single quotes": b"{'a':1}",
    "cut off": b'{"a":1',
    "33 levels": b"[" * 33 + b"]" * 33,
}


def canonical_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/canonical-json.md`."""
    good = []
    for name, text in GOOD.items():
        raw = rfc8785.dumps(json.loads(text))
        good.append(
            {
                "name": name,
                "json": text,
                "canonical_hex": raw.hex(),
                "sha256": hashlib.sha256(raw).hexdigest(),
            }
        )
    bad = [{"name": name, "hex": raw.hex()} for name, raw in BAD.items()]
    return {"spec": "canonical-json", "good": good, "bad": bad}


def signing_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/signing.md`; the key is for tests only."""
    seed = hashlib.sha256(b"blindlink test vector key").digest()
    key = Ed25519PrivateKey.from_private_bytes(seed)
    document = {"version": "example/1", "count": 3, "name": "caf\u00e9"}
    raw = rfc8785.dumps(document)
    kinds = ["manifest", "agreement", "receipt"]
    good = []
    for kind in kinds:
        signature = key.sign(b"blindlink/v1/" + kind.encode() + b"\n" + raw)
        good.append(
            {
                "name": kind,
                "kind": kind,
                "document": document,
                "signature": base64.b64encode(signature).decode(),
            }
        )
    first = good[0]
    bare = base64.b64encode(key.sign(raw)).decode()
    signature = base64.b64decode(first["signature"])
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    # S + L is the other spelling of the same signature; a strict reader takes the small one only.
    group_order = 2**252 + 27742317777372353535851937790883648493
    large = int.from_bytes(signature[32:], "little") + group_order
    malleated = signature[:32] + large.to_bytes(32, "little")
    bad = [
        {**first, "name": "another kind", "kind": "agreement"},
        {**first, "name": "unknown kind", "kind": "letter"},
        {**first, "name": "another document", "document": {**document, "count": 4}},
        {**first, "name": "signature over the bare document", "signature": bare},
        {**first, "name": "one bit", "signature": base64.b64encode(flipped).decode()},
        {**first, "name": "S not reduced", "signature": base64.b64encode(malleated).decode()},
        {**first, "name": "empty", "signature": ""},
        {**first, "name": "63 bytes", "signature": base64.b64encode(signature[:63]).decode()},
        {**first, "name": "65 bytes", "signature": base64.b64encode(signature + b"x").decode()},
        {**first, "name": "no padding", "signature": first["signature"].rstrip("=")},
        {**first, "name": "line break", "signature": first["signature"] + "\n"},
        {**first, "name": "padding bits", "signature": first["signature"][:-3] + "B=="},
        {**first, "name": "URL alphabet", "signature": "-_" + first["signature"][2:]},
        {**first, "name": "beyond ASCII", "signature": "\u00e9" + first["signature"][1:]},
    ]
    public = key.public_key().public_bytes_raw().hex()
    return {"spec": "signing", "public_key_hex": public, "good": good, "bad": bad}


if __name__ == "__main__":
    write_vectors("canonical-json", canonical_vectors())
    write_vectors("signing", signing_vectors())
