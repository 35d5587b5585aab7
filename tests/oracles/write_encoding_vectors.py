"""Writes the vectors of eld1 and of the secret; run by hand when a format changes.

They come from the slow twin and from the standard library, not from the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from oracles import eld1
from oracles.vector_file import write_vectors

SHAPES = [
    ("small", 64, 64, 3),
    ("the pool is exhausted within a bit", 24, 40, 5),
    ("as many taps as positions", 8, 16, 8),
    ("default", 1024, 1024, 4),
    ("state", 1024, 2048, 4),
    ("state, more taps", 1024, 2048, 5),
]
LABELS = ["clk", "diffusion", "salt", "canary", "confirm", "key-id"]
SECRET = hashlib.sha256(b"a secret of the vectors, which protects nothing").digest()


def eld1_vector(name: str, clk_bits: int, output_bits: int, taps: int) -> dict[str, Any]:
    key = hashlib.sha256(f"key of {name}".encode()).digest()
    every = eld1.positions(key, clk_bits, output_bits, taps)
    clks = [hashlib.shake_256(f"{name} {n}".encode()).digest(clk_bits // 8) for n in range(3)]
    clks += [bytes(clk_bits // 8), b"\xff" * (clk_bits // 8)]
    flat = b"".join(position.to_bytes(4, "big") for drawn in every for position in drawn)
    return {
        "name": name,
        "clk_bits": clk_bits,
        "output_bits": output_bits,
        "taps": taps,
        "key_hex": key.hex(),
        "first_positions": every[:4],
        "positions_sha256": hashlib.sha256(flat).hexdigest(),
        "encodings": [
            {"clk_hex": c.hex(), "encoding_hex": eld1.encode(c, every).hex()} for c in clks
        ],
    }


ELD1_BAD = [
    {"name": "one tap", "clk_bits": 64, "output_bits": 64, "taps": 1, "key_bytes": 32},
    {"name": "too many taps", "clk_bits": 64, "output_bits": 64, "taps": 17, "key_bytes": 32},
    {
        "name": "more taps than positions",
        "clk_bits": 8,
        "output_bits": 64,
        "taps": 9,
        "key_bytes": 32,
    },
    {"name": "no whole bytes in", "clk_bits": 60, "output_bits": 64, "taps": 4, "key_bytes": 32},
    {"name": "no whole bytes out", "clk_bits": 64, "output_bits": 60, "taps": 4, "key_bytes": 32},
    {"name": "no output", "clk_bits": 64, "output_bits": 0, "taps": 4, "key_bytes": 32},
    {"name": "too long a CLK", "clk_bits": 65544, "output_bits": 64, "taps": 4, "key_bytes": 32},
    {"name": "short key", "clk_bits": 64, "output_bits": 64, "taps": 4, "key_bytes": 31},
    {"name": "long key", "clk_bits": 64, "output_bits": 64, "taps": 4, "key_bytes": 33},
]


def hkdf(secret: bytes, label: str, project: str, epoch: int) -> bytes:
    """RFC 5869 with SHA-256, no salt and one block."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    info = f"blindlink/v1/sub-key\n{label}\n{project}\n{epoch}\n".encode()
    return hmac.digest(extracted, info + b"\x01", "sha256")


def secret_vectors() -> dict[str, Any]:
    encoded = base64.b64encode(SECRET).decode()
    bound = [(label, "", 0) for label in LABELS] + [("canary", "river-county", 3)]
    keys = [
        {"label": la, "project": p, "epoch": e, "sub_key_hex": hkdf(SECRET, la, p, e).hex()}
        for la, p, e in bound
    ]
    good = f"blindlink-secret/1\n{encoded}\n"
    bad = {
        "empty": "",
        "another version": f"blindlink-secret/2\n{encoded}\n",
        "no first line": f"{encoded}\n",
        "no secret": "blindlink-secret/1\n",
        "a third line": f"{good}x\n",
        "an empty third line": f"{good}\n",
        "white space": f"blindlink-secret/1\n {encoded}\n",
        "URL-safe base64": f"blindlink-secret/1\n{base64.urlsafe_b64encode(bytes([251] * 32)).decode()}\n",
        "31 bytes": f"blindlink-secret/1\n{base64.b64encode(SECRET[:31]).decode()}\n",
        "33 bytes": f"blindlink-secret/1\n{base64.b64encode(SECRET + b'x').decode()}\n",
        "no padding": f"blindlink-secret/1\n{encoded.rstrip('=')}\n",
        "not random": f"blindlink-secret/1\n{base64.b64encode(bytes(32)).decode()}\n",
        "a text": "correct horse battery staple\n",
    }
    return {
        "spec": "secret",
        "file": good,
        "secret_hex": SECRET.hex(),
        "key_id": hkdf(SECRET, "key-id", "", 0)[:8].hex(),
        "sub_keys": keys,
        "bad_files": [{"name": name, "file": text} for name, text in bad.items()],
    }


if __name__ == "__main__":
    write_vectors(
        "eld1", {"spec": "eld1", "good": [eld1_vector(*shape) for shape in SHAPES], "bad": ELD1_BAD}
    )
    write_vectors("secret", secret_vectors())
