"""HPKE (RFC 9180) in base mode with MLKEM768-X25519, opened step by step, after the documents alone.

Source: RFC 9180 §4, §5.1, §5.2; draft-connolly-cfrg-xwing-kem (the combiner of MLKEM768-X25519, KEM id 0x647A).
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MLKEM_CIPHERTEXT = 1088
ENCAPSULATION = MLKEM_CIPHERTEXT + 32
LABEL = bytes.fromhex("5c2e2f2f5e5c")
KEM_ID, KDF_ID, AEAD_ID = 0x647A, 0x0001, 0x0002
SUITE_ID = b"HPKE" + struct.pack(">HHH", KEM_ID, KDF_ID, AEAD_ID)


def open_sealed(sealed: bytes, mlkem_seed: bytes, x25519_key: bytes, info: bytes) -> bytes:
    """Return the plaintext of one sealed message."""
    encapsulated, ciphertext = sealed[:ENCAPSULATION], sealed[ENCAPSULATION:]
    shared = decapsulate(encapsulated, mlkem_seed, x25519_key)
    key, base_nonce = key_schedule(shared, info)
    return AESGCM(key).decrypt(base_nonce, ciphertext, b"")


def decapsulate(encapsulated: bytes, mlkem_seed: bytes, x25519_key: bytes) -> bytes:
    private = X25519PrivateKey.from_private_bytes(x25519_key)
    own = private.public_key().public_bytes_raw()
    theirs = encapsulated[MLKEM_CIPHERTEXT:]
    lattice = MLKEM768PrivateKey.from_seed_bytes(mlkem_seed).decapsulate(
        encapsulated[:MLKEM_CIPHERTEXT]
    )
    curve = private.exchange(X25519PublicKey.from_public_bytes(theirs))
    return hashlib.sha3_256(lattice + curve + theirs + own + LABEL).digest()


def key_schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    psk_id_hash = labeled_extract(b"", b"psk_id_hash", b"")
    info_hash = labeled_extract(b"", b"info_hash", info)
    context = b"\x00" + psk_id_hash + info_hash
    secret = labeled_extract(shared, b"secret", b"")
    return labeled_expand(secret, b"key", context, 32), labeled_expand(
        secret, b"base_nonce", context, 12
    )


def labeled_extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + SUITE_ID + label + ikm, "sha256")


def labeled_expand(prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labeled = struct.pack(">H", length) + b"HPKE-v1" + SUITE_ID + label + info
    return hmac.digest(prk, labeled + b"\x01", "sha256")[:length]
