"""Blind releases by their vectors: the head that is bound to its key, and match IDs that only the key opens.
Certificates of destruction and what is signed about them: by their vectors.
"""

from __future__ import annotations

import base64
import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from samples.log import SampleLog
from samples.parties import CW, OPERATOR
from samples.parties import identity as public_of
from twins.hpke import open_sealed
from vectors.destruction import PERSON
from vectors.file import naming, read_vectors
from vectors.identity import private_bytes

from encoding.people.identity import PrivateKeys
from schemas.documents.errors import DocumentError, FormatError, SealedError, SignatureError
from schemas.documents.ids import Handle, MatchId
from schemas.matchlog.person_keys import PersonKeys
from schemas.matchlog.person_kinds import PersonEnrolled
from schemas.reports.certificate import CertificateFile, still_outstanding, verify_certificate
from schemas.rounds.blind import (
    RECORD_BYTES,
    SEALED_MATCH_ID_BYTES,
    BlindHeader,
    MatchIdSeal,
    blind_release_bytes,
    parse_blind_header,
    serialise_blind_release,
)
from schemas.rounds.destruction import SignedDestruction, duties_for, sign_destruction
from schemas.signing.identity import PublicIdentity
from schemas.signing.note import VerifierKey

VECTORS = read_vectors("blind-release")
KEY = bytes.fromhex(VECTORS["key"])
RECEIVERS = [
    (PublicIdentity.from_json(one["identity"]), bytes.fromhex(one["private_hex"]))
    for one in VECTORS["receivers"]
]
STRANGER = RECEIVERS[-1]
# What a reader of the head alone cannot see.
BODY_FAULTS = {
    "a record less",
    "a record more",
    "a byte less",
    "a byte more",
    "records out of order",
    "a handle twice",
}

KEYS = st.binary(min_size=32, max_size=32)
MATCH_IDS = st.binary(min_size=16, max_size=16).map(MatchId)
NONCES = st.binary(min_size=12, max_size=12)


def named(which: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[which]]


def header() -> BlindHeader:
    return BlindHeader.from_json(VECTORS["good"][0]["header"])


def open_with(made: BlindHeader, receiver: tuple[PublicIdentity, bytes]) -> bytes:
    public, private = receiver
    return made.open(public, PrivateKeys.from_bytes(private).receiving_key)


def test_a_good_file_is_read_opened_and_written_to_the_byte() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            raw = base64.b64decode(vector["file"])
            parsed = parse_blind_header(raw)
            assert parsed.header.to_json() == vector["header"]
            assert blind_release_bytes(parsed) == len(raw)
            body = raw[parsed.body_offset :]
            records = [
                (Handle(body[at : at + 16]), body[at + 16 : at + RECORD_BYTES])
                for at in range(0, len(body), RECORD_BYTES)
            ]
            seal = MatchIdSeal.of(KEY, parsed.header.release, parsed.header.agency)
            assert {h.hex(): seal.open(sealed).hex() for h, sealed in records} == vector[
                "match_ids"
            ]
            assert b"".join(serialise_blind_release(parsed.header, records)) == raw


def test_every_receiver_opens_the_key_and_nobody_else() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            made = BlindHeader.from_json(vector["header"])
            for receiver in RECEIVERS[: len(made.keys)]:
                assert open_with(made, receiver) == KEY
            with pytest.raises(SealedError):
                open_with(made, STRANGER)


def test_a_second_implementation_opens_the_same_key() -> None:
    made = header()
    for sealed, (_, private) in zip(made.keys, RECEIVERS[:2], strict=True):
        raw = base64.b64decode(sealed.sealed)
        assert open_sealed(raw, private[32:96], private[96:], made.info()) == KEY


@pytest.mark.parametrize(
    "vector", [one for one in named("bad") if one.values[0]["name"] not in BODY_FAULTS]
)
def test_a_bad_head_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(DocumentError):
        parse_blind_header(base64.b64decode(vector["file"]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("release", "rel-" + "0" * 32),
        ("run", "run-" + "0" * 32),
        ("specification", "0" * 64),
        ("project", "another"),
        ("epoch", 2),
        ("agreement", "0" * 64),
        ("recipient", "child-welfare"),
        ("agency", "schools"),
        ("space", "shared"),
        ("upload", "upl-" + "0" * 32),
        ("records", 4),
        ("created", "2026-09-01T06:30:01Z"),
    ],
)
def test_a_head_of_which_a_field_was_changed_does_not_open(field: str, value: Any) -> None:
    changed = header().model_copy(update={field: value})
    with pytest.raises(SealedError):
        open_with(changed, RECEIVERS[0])


def test_anothers_sealed_key_does_not_open() -> None:
    first, second = header().keys
    swapped = header().model_copy(
        update={"keys": (first.model_copy(update={"sealed": second.sealed}), second)}
    )
    with pytest.raises(SealedError):
        open_with(swapped, RECEIVERS[0])


def test_a_head_is_closed_for_its_receivers() -> None:
    fields = {name: value for name, value in header().model_dump().items() if name not in ("keys",)}
    key = secrets.token_bytes(32)
    publics = [public for public, _ in RECEIVERS[:2]]
    made = BlindHeader.close(key, reversed(publics), **fields)
    again = BlindHeader.close(key, publics, **fields)
    assert [open_with(made, receiver) for receiver in RECEIVERS[:2]] == [key, key]
    assert {one.sealed for one in made.keys}.isdisjoint({one.sealed for one in again.keys})
    assert BlindHeader.from_canonical(made.to_canonical()) == made


@given(KEYS, MATCH_IDS, NONCES)
def test_a_sealed_match_id_opens_and_always_has_the_same_size(
    key: bytes, match_id: MatchId, nonce: bytes
) -> None:
    seal = MatchIdSeal.of(key, "rel-" + "1" * 32, "schools")
    sealed = seal.close(match_id, nonce)
    assert len(sealed) == SEALED_MATCH_ID_BYTES == 44
    assert seal.open(sealed) == match_id


@given(KEYS, MATCH_IDS, NONCES, st.integers(0, 43), st.integers(1, 255))
def test_a_changed_sealed_match_id_does_not_open(
    key: bytes, match_id: MatchId, nonce: bytes, place: int, change: int
) -> None:
    seal = MatchIdSeal.of(key, "rel-" + "1" * 32, "schools")
    sealed = bytearray(seal.close(match_id, nonce))
    sealed[place] ^= change
    with pytest.raises(SealedError):
        seal.open(bytes(sealed))


@pytest.mark.parametrize(
    "other",
    [
        MatchIdSeal.of(KEY, "rel-" + "2" * 32, "schools"),
        MatchIdSeal.of(KEY, "rel-" + "1" * 32, "welfare"),
        MatchIdSeal.of(bytes(32), "rel-" + "1" * 32, "schools"),
    ],
)
def test_a_match_id_of_another_release_agency_or_key_does_not_open(other: MatchIdSeal) -> None:
    sealed = MatchIdSeal.of(KEY, "rel-" + "1" * 32, "schools").close(MatchId(bytes(16)), bytes(12))
    with pytest.raises(SealedError):
        other.open(sealed)
    with pytest.raises(SealedError):
        other.open(sealed[:-1])


def test_neither_key_nor_match_id_shows_in_a_repr() -> None:
    assert KEY.hex() not in repr(MatchIdSeal.of(KEY, "rel-" + "1" * 32, "schools"))


VECTORS_OF_DESTRUCTION = read_vectors("destruction")
KEYS_OF_DESTRUCTION = [VerifierKey.from_text(text) for text in VECTORS_OF_DESTRUCTION["log_keys"]]
KEY_OF_DESTRUCTION = Ed25519PrivateKey.from_private_bytes(private_bytes(21)[:32])


def known_as(identity: PublicIdentity, **changes: Any) -> PersonKeys:
    """Return what a log has that enrolled this person, but for the changes."""
    fields = {
        name: getattr(identity, name) for name in ("party", "person", "duties", "signing_key")
    }
    body = PersonEnrolled(**{**fields, "receiving_key": identity.key_digests()[1], **changes})
    log, known = SampleLog(), PersonKeys()
    known.take(log.append(body, actor=OPERATOR))
    return known


def plain_file() -> CertificateFile:
    return CertificateFile.from_canonical(
        VECTORS_OF_DESTRUCTION["files"]["good"][0]["document"].encode()
    )


def test_what_a_person_signed_is_theirs_and_is_signed_the_same_here() -> None:
    for vector in VECTORS_OF_DESTRUCTION["signed"]["good"]:
        with naming(vector):
            signed = SignedDestruction.from_canonical(vector["document"].encode())
            signer = signed.verify()
            assert (signer.party, signer.person) == ("child-welfare", PERSON)
            assert duties_for(type(signed.said)) & set(signer.duties)
            assert sign_destruction(signed.said, signer, KEY_OF_DESTRUCTION) == signed


def test_what_nobody_of_that_duty_signed_does_not_count() -> None:
    for vector in VECTORS_OF_DESTRUCTION["signed"]["bad"]:
        with naming(vector), pytest.raises(SignatureError):
            SignedDestruction.from_canonical(vector["document"].encode()).verify()


def test_a_good_file_proves_the_certificate() -> None:
    for vector in VECTORS_OF_DESTRUCTION["files"]["good"]:
        with naming(vector):
            file = CertificateFile.from_canonical(vector["document"].encode())
            check = verify_certificate(file, KEYS_OF_DESTRUCTION)
            assert check.entry.object == check.certificate.certificate
            assert len(check.countersigners) == len(file.countersignatures)


def test_a_bad_file_proves_nothing() -> None:
    for vector in VECTORS_OF_DESTRUCTION["files"]["bad"]:
        with naming(vector):
            file = CertificateFile.from_canonical(vector["document"].encode())
            with pytest.raises(FormatError):
                verify_certificate(file, KEYS_OF_DESTRUCTION)


def test_what_a_party_has_stated_is_not_outstanding_any_more() -> None:
    file = plain_file()
    assert len(still_outstanding(file.certificate, ())) == 2
    left = verify_certificate(file, KEYS_OF_DESTRUCTION).outstanding
    assert [(owing.party, owing.what) for owing in left] == [("child-welfare", "link-table")]


def test_keys_that_are_not_known_to_be_a_persons_do_not_count_where_they_are_known() -> None:
    file = plain_file()
    identity = file.countersignatures[0].identity
    assert verify_certificate(file, KEYS_OF_DESTRUCTION, known_as(identity)).stated_by
    others: list[dict[str, Any]] = [
        {"party": "school-district"},
        {"person": "per-" + "22" * 16},
        {"duties": ("approver",)},
        {"signing_key": public_of(CW).signing_key},
    ]
    for known in (PersonKeys(), *(known_as(identity, **other) for other in others)):
        with pytest.raises(SignatureError):
            verify_certificate(file, KEYS_OF_DESTRUCTION, known)
