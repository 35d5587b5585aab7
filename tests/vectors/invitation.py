"""Writes schemas/vectors/invitation.json from fixed seeds, by its page alone; the keys are for tests only.

PYTHONPATH=tests:. python -m vectors.invitation
"""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from vectors.file import write_vectors
from vectors.identity import b64, code_of

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "broker.example.org/blindlink"


def log_key(kind: int = 1) -> str:
    raw = bytes([kind]) + KEY.public_key().public_bytes_raw()
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + raw).digest()[:4]
    return f"{ORIGIN}+{key_id.hex()}+{b64(raw)}"


def certificate() -> str:
    """A certificate of Ed25519, since its signature is the same each time."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Blindlink trial broker")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2027, 9, 1, tzinfo=datetime.UTC))
        .sign(KEY, None)
    )
    return made.public_bytes(Encoding.PEM).decode()


def checked(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "check": hashlib.sha256(rfc8785.dumps(fields)).hexdigest()}


def invitation(**changes: Any) -> dict[str, Any]:
    return checked({
        "version": "blindlink/invitation/1",
        "broker": "https://broker.example.org",
        "certificate": None,
        "log_key": log_key(),
        "project": "foster-k12",
        "party": "child-welfare",
        "duties": ["approver", "steward"],
        "label": "Sam",
        "code": code_of(bytes(range(18))),
        "expires": "2026-09-08T06:00:00Z",
        **changes,
    })  # fmt: skip


def invitation_vectors() -> dict[str, Any]:
    plain = invitation()
    good = {
        "plain": plain,
        "a certificate": invitation(certificate=certificate()),
        "no project": invitation(project=None),
        "a port, a path and nobody's name": invitation(
            broker="https://localhost:8443/blindlink", label=""
        ),
        "one duty": invitation(duties=["analyst"], label="Ann Núñez"),
        "an auditor who signs": invitation(duties=["auditor", "steward"]),
    }
    wrong = {
        "an unknown field": {"secret": ""},
        "an address without TLS": {"broker": "http://broker.example.org"},
        "an address with a slash at its end": {"broker": "https://broker.example.org/"},
        "an address with a name": {"broker": "https://ann@broker.example.org"},
        "no certificate but text": {"certificate": "broker.crt"},
        "a log key with another ID": {"log_key": log_key()[:-1] + "A"},
        "a key of a cosigner": {"log_key": log_key(4)},
        "duties out of order": {"duties": ["steward", "approver"]},
        "a duty twice": {"duties": ["steward", "steward"]},
        "duties that do not go together": {"duties": ["analyst", "auditor"]},
        "a code with a slip": {"code": code_of(bytes(18))[:-1] + "1"},
        "a code without hyphens": {"code": code_of(bytes(18)).replace("-", "")},
        "a day that does not exist": {"expires": "2026-02-30T06:00:00Z"},
    }
    bad = {
        "a field is missing": {k: v for k, v in plain.items() if k != "label"},
        "changed after it was written": {**plain, "party": "k12"},
        "another code after it was written": {**plain, "code": code_of(bytes(18))},
        **{name: invitation(**changes) for name, changes in wrong.items()},
    }
    texts = {
        "blanks": rfc8785.dumps(plain).replace(b",", b", ").decode(),
        "two lines": rfc8785.dumps(plain).decode() + "\n{}",
        "empty": "",
    }
    return {
        "spec": "invitation",
        "good": [
            {"name": name, "file": rfc8785.dumps(one).decode() + "\n"} for name, one in good.items()
        ],
        "bad": [
            *({"name": name, "file": rfc8785.dumps(one).decode()} for name, one in bad.items()),
            *({"name": name, "file": text} for name, text in texts.items()),
        ],
    }


if __name__ == "__main__":
    write_vectors("invitation", invitation_vectors())
