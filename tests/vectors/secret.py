"""Writes the vectors of the secret; run by hand when a format changes.

They come from the standard library, not from the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from vectors.file import write_vectors

LABELS = ["clk", "canary", "confirm", "key-id"]
SECRET = hashlib.sha256(b"a secret of the vectors, which protects nothing").digest()


def hkdf(secret: bytes, label: str, project: str, epoch: int) -> bytes:
    """RFC 5869 with SHA-256, no salt and one block."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    info = f"blindlink/v1/sub-key\n{label}\n{project}\n{epoch}\n".encode()
    return hmac.digest(extracted, info + b"\x01", "sha256")


def step(secret: bytes, label: str, project: str, number: int) -> bytes:
    """As HKDF again: `round` gives the secret of round `number`, `next` the secret that comes after it."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    info = f"blindlink/v1/secret-of-round\n{label}\n{project}\n{number}\n".encode()
    return hmac.digest(extracted, info + b"\x01", "sha256")


def secrets_of_rounds(first: bytes, project: str, last: int) -> dict[int, tuple[bytes, bytes]]:
    """Return the epoch's secret and the round's own, of each round up to the last."""
    found, present = {}, first
    for number in range(1, last + 1):
        found[number] = (present, step(present, "round", project, number))
        present = step(present, "next", project, number)
    return found


def secret_vectors() -> dict[str, Any]:
    encoded = base64.b64encode(SECRET).decode()
    bound = [(label, "", 0) for label in LABELS] + [("canary", "river-county", 3)]
    keys = [
        {"label": la, "project": p, "epoch": e, "sub_key_hex": hkdf(SECRET, la, p, e).hex()}
        for la, p, e in bound
    ]
    good = f"blindlink/secret/1\n{encoded}\n"
    bad = {
        "empty": "",
        "another version": f"blindlink/secret/2\n{encoded}\n",
        "no first line": f"{encoded}\n",
        "no secret": "blindlink/secret/1\n",
        "a third line": f"{good}x\n",
        "an empty third line": f"{good}\n",
        "white space": f"blindlink/secret/1\n {encoded}\n",
        "URL-safe base64": f"blindlink/secret/1\n{base64.urlsafe_b64encode(bytes([251] * 32)).decode()}\n",
        "31 bytes": f"blindlink/secret/1\n{base64.b64encode(SECRET[:31]).decode()}\n",
        "33 bytes": f"blindlink/secret/1\n{base64.b64encode(SECRET + b'x').decode()}\n",
        "no padding": f"blindlink/secret/1\n{encoded.rstrip('=')}\n",
        "not random": f"blindlink/secret/1\n{base64.b64encode(bytes(32)).decode()}\n",
        "a text": "correct horse battery staple\n",
    }
    return {
        "spec": "secret",
        "file": good,
        "secret_hex": SECRET.hex(),
        "key_id": hkdf(SECRET, "key-id", "", 0)[:8].hex(),
        "sub_keys": keys,
        "rounds": [
            {"project": "river-county", "number": n, "secret_hex": s.hex(), "round_hex": r.hex()}
            for n, (s, r) in secrets_of_rounds(SECRET, "river-county", 27).items()
            if n in {1, 2, 3, 27}
        ],
        "bad_files": [{"name": name, "file": text} for name, text in bad.items()],
    }


if __name__ == "__main__":
    write_vectors("secret", secret_vectors())
