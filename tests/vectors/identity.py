"""Writes schemas/vectors/identity.json from fixed seeds, by its page alone; the keys are for tests only.

PYTHONPATH=tests:. python -m vectors.identity
"""

from __future__ import annotations

import base64
import copy
import hashlib
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from vectors.file import digest_of, listed, text_of, write_vectors

PASSPHRASE = "caf\u00e9 river lantern 42"
KEY_FILE = bytes(range(100, 132))
NONCE, SALT = bytes(range(12)), bytes(range(16))
CODES = (bytes(18), bytes(range(18)), b"\xff" * 18)
SMALL_ORDER = {
    "order 1": 1,
    "order 2": 2**255 - 20,
    "order 4": 0,
    "order 4, other sign bit": 2**255,
    "y of 2^255 - 19": 2**255 - 19,
    "y of 2^255 - 18": 2**255 - 18,
    "order 8": 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    "order 8, other sign bit": 2**255
    + 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
}


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def private_bytes(seed: int) -> bytes:
    return b"".join(hashlib.sha256(bytes([seed, i])).digest() for i in range(4))


def keys_of(private: bytes) -> tuple[Ed25519PrivateKey, bytes]:
    """Return the signing key and the raw receiving key of 128 private bytes."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(private[32:96]).public_key().public_bytes_raw()
    x25519 = X25519PrivateKey.from_private_bytes(private[96:]).public_key().public_bytes_raw()
    return Ed25519PrivateKey.from_private_bytes(private[:32]), mlkem + x25519


def identity_of(private: bytes) -> dict[str, Any]:
    signing, receiving = keys_of(private)
    return {
        "version": "blindlink/identity/1",
        "party": "child-welfare",
        "person": "per-00112233445566778899aabbccddeeff",
        "duties": ["analyst", "steward"],
        "signing_key": b64(signing.public_key().public_bytes_raw()),
        "receiving_key": b64(receiving),
        "created": "2026-09-01T06:00:00Z",
    }


def signature(kind: str, document: Any, private: bytes) -> str:
    message = f"blindlink/v1/{kind}\n".encode() + rfc8785.dumps(document)
    return b64(keys_of(private)[0].sign(message))


def signed_of(private: bytes) -> dict[str, Any]:
    identity = identity_of(private)
    return {"identity": identity, "signature": signature("enrolment", identity, private)}


def fingerprint_of(private: bytes) -> str:
    signing, receiving = keys_of(private)
    digest = hashlib.sha512(
        hashlib.sha256(signing.public_key().public_bytes_raw() + receiving).digest()
    ).digest()
    return " ".join(
        f"{int.from_bytes(digest[i : i + 5], 'big') % 100000:05d}" for i in range(0, 60, 5)
    )


def lock_of(kind: str, private: bytes) -> dict[str, str]:
    label = b"blindlink/v1/identity-file\n"
    if kind == "passphrase":
        key = Argon2id(salt=SALT, length=32, iterations=3, lanes=1, memory_cost=65536).derive(
            PASSPHRASE.encode()
        )
    else:
        key = HKDF(algorithm=SHA256(), length=32, salt=SALT, info=label).derive(KEY_FILE)
    bound = label + hashlib.sha256(rfc8785.dumps(identity_of(private))).digest()
    sealed = AESGCM(key).encrypt(NONCE, private, bound)
    return {"kind": kind, "nonce": b64(NONCE), "salt": b64(SALT), "sealed": b64(sealed)}


def file_of(kind: str, private: bytes) -> str:
    lines = (rfc8785.dumps(signed_of(private)), rfc8785.dumps(lock_of(kind, private)))
    return "blindlink/identity-file/1\n" + "".join(f"{line.decode()}\n" for line in lines)


def change_of(old: bytes, new: bytes, **other: Any) -> dict[str, Any]:
    change = {
        "person": identity_of(old)["person"],
        "old_key": identity_of(old)["signing_key"],
        "successor": identity_of(new),
        "at": "2027-01-02T03:04:05Z",
        **other,
    }
    return {
        "change": change,
        "old_signature": signature("key-rotation", change, old),
        "new_signature": signature("key-rotation", change, new),
    }


def bad_identities(good: dict[str, Any]) -> dict[str, dict[str, Any]]:
    receiving = base64.b64decode(good["receiving_key"])
    changes: dict[str, dict[str, Any]] = {
        "duties out of order": {"duties": ["steward", "analyst"]},
        "a duty twice": {"duties": ["analyst", "analyst"]},
        "a short signing key": {"signing_key": b64(bytes(31))},
        "a signing key without padding": {"signing_key": good["signing_key"].rstrip("=")},
        "a signing key in URL base64": {"signing_key": "-_" + good["signing_key"][2:]},
        "a short receiving key": {"receiving_key": b64(receiving[:-1])},
        "an ML-KEM key alone": {"receiving_key": b64(receiving[:1184])},
        "an ML-KEM key beyond its modulus": {
            "receiving_key": b64(b"\xff" * 1152 + receiving[1152:])
        },
        "no such day": {"created": "2026-02-30T06:00:00Z"},
        "an unknown field": {"name": "Ann"},
    }
    for name, value in SMALL_ORDER.items():
        changes[f"a signing key of {name}"] = {"signing_key": b64(value.to_bytes(32, "little"))}
    return {name: {**good, **change} for name, change in changes.items()}


def bad_histories(first: bytes, second: bytes, third: bytes) -> dict[str, dict[str, Any]]:
    enrolled, step = signed_of(first), change_of(first, second)
    unsigned = {**enrolled, "signature": signature("enrolment", enrolled["identity"], second)}
    return {
        "enrolled with another's signature": {"enrolled": unsigned, "changes": []},
        "a step left out": {"enrolled": enrolled, "changes": [change_of(second, third)]},
        "a step twice": {"enrolled": enrolled, "changes": [step, step]},
        "steps in another order": {
            "enrolled": enrolled,
            "changes": [change_of(second, third), step],
        },
        "17 steps": {"enrolled": enrolled, "changes": [step] * 17},
    }


def code_of(raw: bytes) -> str:
    """Return a code by way of the RFC 4648 alphabet, letter by letter."""
    check = hashlib.sha256(b"blindlink/v1/code\n" + raw).digest()[:2]
    plain = base64.b32encode(raw + check).decode("ascii")
    text = plain.translate(
        str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    )
    return "-".join(text[i : i + 4] for i in range(0, 32, 4))


def bad_codes() -> dict[str, str]:
    good = code_of(CODES[1])
    swapped = good[:2] + good[3] + good[2] + good[4:]
    return {
        "empty": "",
        "a letter missing": good[:-1],
        "a letter more": good + "0",
        "another first letter": ("0" if good[0] != "0" else "1") + good[1:],
        "another last letter": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "two letters swapped": swapped,
        "the letter U": "U" + good[1:],
        "a dot": "." + good[1:],
        "a digit beyond ASCII": "\u0661" + good[1:],
    }


def identity_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/identity.md`."""
    first, second, third = (private_bytes(seed) for seed in (1, 2, 3))
    good = identity_of(first)
    other_person = {**identity_of(second), "person": "per-" + "f" * 32}
    other_party = {**identity_of(second), "party": "education"}
    more_duties = {**identity_of(second), "duties": ["analyst", "approver", "steward"]}
    same_receiver = {**identity_of(second), "receiving_key": good["receiving_key"]}
    same_signer = {**identity_of(second), "signing_key": good["signing_key"]}
    swapped = signed_of(first)
    swapped["identity"] = {**good, "duties": ["steward"]}
    change = change_of(first, second)
    by_third = copy.deepcopy(change)
    by_third["old_signature"] = signature("key-rotation", change["change"], third)
    not_held = copy.deepcopy(change)
    not_held["new_signature"] = change["old_signature"]
    file = file_of("passphrase", first)
    lines = file.splitlines()
    return {
        "spec": "identity",
        "passphrase": PASSPHRASE,
        "key_file": f"blindlink/identity-key/1\n{b64(KEY_FILE)}\n",
        "private_hex": first.hex(),
        "fingerprint": fingerprint_of(first),
        "identity": text_of(good),
        "sha256": digest_of(good),
        "signed_identity": text_of(signed_of(first)),
        "key_change": text_of(change),
        "files": [
            {"kind": kind, "file": file_of(kind, first)} for kind in ("passphrase", "key-file")
        ],
        "history": text_of({"enrolled": signed_of(first), "changes": [change]}),
        "bad_histories": listed(bad_histories(first, second, third)),
        "codes": [{"hex": raw.hex(), "code": code_of(raw)} for raw in CODES],
        "bad_codes": [{"name": name, "code": code} for name, code in bad_codes().items()],
        "bad_identities": listed(bad_identities(good)),
        "bad_signed_identities": listed(
            {
                "other duties than were signed": swapped,
                "signed by another key": {
                    **signed_of(first),
                    "signature": signature("enrolment", good, second),
                },
                "signed as another kind": {
                    **signed_of(first),
                    "signature": signature("key-rotation", good, first),
                },
            }
        ),
        "bad_key_changes": listed(
            {
                "another person": change_of(first, second, successor=other_person),
                "another party": change_of(first, second, successor=other_party),
                "more duties": change_of(first, second, successor=more_duties),
                "the same receiving key": change_of(first, second, successor=same_receiver),
                "the same signing key": change_of(first, second, successor=same_signer),
                "from a key that is not the current one": change_of(third, second),
                "the old signature by another key": by_third,
                "the new key not held": not_held,
            }
        ),
        "bad_files": [
            {"name": name, "file": text}
            for name, text in {
                "empty": "",
                "another version": file.replace("identity-file/1", "identity-file/2", 1),
                "no lock": "\n".join(lines[:2]) + "\n",
                "a fourth line": file + "x\n",
                "an empty fourth line": file + "\n",
                "blanks in the identity": file.replace('{"identity":', '{ "identity":'),
                "another kind of lock": file.replace('"kind":"passphrase"', '"kind":"none"'),
                "work set by the file": file.replace(
                    '{"kind":"passphrase"', '{"iterations":1,"kind":"passphrase"'
                ),
                "a short nonce": file.replace(b64(NONCE), b64(NONCE[:8])),
                "a short salt": file.replace(b64(SALT), b64(SALT[:8])),
                "the identity changed": file.replace("child-welfare", "child-warfare"),
            }.items()
        ],
    }


if __name__ == "__main__":
    write_vectors("identity", identity_vectors())
