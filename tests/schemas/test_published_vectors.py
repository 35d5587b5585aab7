"""What others published of the cryptography that identities, signatures and sealed keys stand on.

From the package `cryptography-vectors`: the thousand signatures of Ed25519's authors, ML-KEM-768, and the draft
of post-quantum suites for RFC 9180. From `data/wycheproof-ed25519.json`: signatures by which faulty libraries
were found.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from encoding.people.identity import PrivateKeys
from schemas.signing.identity import base64_text, is_sound_ed25519
from schemas.signing.note import LOG_KEY, VerifierKey
from schemas.signing.sealing import SUITE

pytestmark = pytest.mark.campaign("vectors")

WYCHEPROOF = Path(__file__).resolve().parents[1] / "data" / "wycheproof-ed25519.json"
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
# As RFC 9180's registry numbers them: MLKEM768-X25519 with HKDF-SHA256; AES-256-GCM.
SCHEME, AES_256_GCM = (0x647A, 1), 2
MLKEM_BYTES, ENC_BYTES = 1088, 1120


def _lines(path: str) -> Iterator[str]:
    with cryptography_vectors.open_vector_file(path, "r") as file:
        yield from (line.rstrip("\n") for line in file)


def test_each_of_a_thousand_signatures_verifies_and_in_no_second_form() -> None:
    n_signatures = 0
    for line in _lines("asymmetric/Ed25519/sign.input"):
        secret, public, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        key = Ed25519PrivateKey.from_private_bytes(secret[:32])
        signature, scalar = signed[:64], int.from_bytes(signed[32:64], "little")
        assert is_sound_ed25519(public)
        assert key.public_key().public_bytes_raw() == public
        assert key.sign(message) == signature
        # The same point twice: what a verifier that is not strict takes for a second signature.
        again = signature[:32] + (scalar + ED25519_ORDER).to_bytes(32, "little")
        with pytest.raises(InvalidSignature):
            key.public_key().verify(again, message)
        n_signatures += 1
    assert n_signatures == 1024


def test_signatures_bent_to_find_faulty_verifiers_are_told_from_good_ones() -> None:
    n_good = n_bent = 0
    for group in json.loads(WYCHEPROOF.read_text("utf-8"))["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        key = VerifierKey("wycheproof", LOG_KEY, public)
        for test in group["tests"]:
            verifies = key.verifies(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
            assert verifies == (test["result"] == "valid"), (test["tcId"], test["comment"])
            n_good, n_bent = n_good + verifies, n_bent + (not verifies)
    assert (n_good, n_bent) == (88, 62)


def test_the_public_keys_of_ml_kem_are_those_of_their_seeds() -> None:
    lines = (line.partition(" = ") for line in _lines("asymmetric/MLKEM/kat_MLKEM_768.rsp"))
    vectors: list[dict[str, bytes]] = []
    for name, _, value in lines:
        if name == "count":
            vectors.append({})
        elif value:
            vectors[-1][name] = bytes.fromhex(value)
    assert len(vectors) >= 100
    for vector in vectors:
        keys = PrivateKeys.from_bytes(bytes(32) + vector["d"] + vector["z"] + bytes(32))
        assert keys._mlkem.public_key().public_bytes_raw() == vector["pk"]
        assert keys._mlkem.decapsulate(vector["ct"]) == vector["ss"]


def test_sealed_keys_are_those_of_the_published_scheme() -> None:
    with cryptography_vectors.open_vector_file("HPKE/hpke-pq-test-vectors.json", "r") as file:
        vectors = [one for one in json.load(file) if (one["kem_id"], one["kdf_id"]) == SCHEME]
    assert vectors
    for vector in vectors:
        of = {
            name: bytes.fromhex(value) for name, value in vector.items() if isinstance(value, str)
        }
        # The published private key is a seed; Blindlink's is what it stands for.
        keys = PrivateKeys.from_bytes(bytes(32) + hashlib.shake_256(of["skRm"]).digest(96))
        assert keys.public_texts()[1] == base64_text(of["pkRm"])
        shared = _decapsulate(keys, of["enc"])
        assert shared == of["shared_secret"]
        assert _key_and_nonce(shared, of["info"], vector["aead_id"]) == (
            of["key"],
            of["base_nonce"],
        )


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_key_that_blindlink_seals_opens_by_hand(key: bytes, info: bytes) -> None:
    keys = PrivateKeys.draw()
    sealed = SUITE.encrypt(key, keys.receiving_key.public_key(), info)
    enc, text = sealed[:ENC_BYTES], sealed[ENC_BYTES:]
    aes_key, nonce = _key_and_nonce(_decapsulate(keys, enc), info, AES_256_GCM)
    assert AESGCM(aes_key).decrypt(nonce, text, b"") == key


def _decapsulate(keys: PrivateKeys, enc: bytes) -> bytes:
    """MLKEM768-X25519 in three lines: both shared secrets, bound to the classical keys by SHA3."""
    ours, theirs = keys._x25519, X25519PublicKey.from_public_bytes(enc[MLKEM_BYTES:])
    both = keys._mlkem.decapsulate(enc[:MLKEM_BYTES]) + ours.exchange(theirs)
    points = enc[MLKEM_BYTES:] + ours.public_key().public_bytes_raw()
    return hashlib.sha3_256(both + points + b"\\.//^\\").digest()


def _key_and_nonce(shared: bytes, info: bytes, aead: int) -> tuple[bytes, bytes]:
    """RFC 9180, 5.1, in its base mode with HKDF-SHA256."""
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (*SCHEME, aead))

    def extract(salt: bytes, label: bytes, material: bytes) -> bytes:
        return hmac.digest(salt, b"HPKE-v1" + suite + label + material, "sha256")

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")

    def expand(label: bytes, length: int) -> bytes:
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return hmac.digest(secret, labelled + b"\1", "sha256")[:length]

    return expand(b"key", 32), expand(b"base_nonce", 12)
