"""Certificates of destruction and what is signed about them: by their vectors."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.log import SampleLog
from samples.parties import CW, OPERATOR
from samples.parties import identity as public_of
from vectors.destruction import PERSON
from vectors.file import naming, read_vectors
from vectors.identity import private_bytes

from schemas.documents.errors import FormatError, SignatureError
from schemas.matchlog.person_keys import PersonKeys
from schemas.matchlog.person_kinds import PersonEnrolled
from schemas.reports.certificate import CertificateFile, still_outstanding, verify_certificate
from schemas.rounds.destruction import (
    SignedDestruction,
    duties_for,
    sign_destruction,
)
from schemas.signing.identity import PublicIdentity
from schemas.signing.note import VerifierKey

VECTORS = read_vectors("destruction")
KEYS = [VerifierKey.from_text(text) for text in VECTORS["log_keys"]]
KEY = Ed25519PrivateKey.from_private_bytes(private_bytes(21)[:32])


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
    return CertificateFile.from_canonical(VECTORS["files"]["good"][0]["document"].encode())


def test_what_a_person_signed_is_theirs_and_is_signed_the_same_here() -> None:
    for vector in VECTORS["signed"]["good"]:
        with naming(vector):
            signed = SignedDestruction.from_canonical(vector["document"].encode())
            signer = signed.verify()
            assert (signer.party, signer.person) == ("child-welfare", PERSON)
            assert duties_for(type(signed.said)) & set(signer.duties)
            assert sign_destruction(signed.said, signer, KEY) == signed


def test_what_nobody_of_that_duty_signed_does_not_count() -> None:
    for vector in VECTORS["signed"]["bad"]:
        with naming(vector), pytest.raises(SignatureError):
            SignedDestruction.from_canonical(vector["document"].encode()).verify()


def test_a_good_file_proves_the_certificate() -> None:
    for vector in VECTORS["files"]["good"]:
        with naming(vector):
            file = CertificateFile.from_canonical(vector["document"].encode())
            check = verify_certificate(file, KEYS)
            assert check.entry.object == check.certificate.certificate
            assert len(check.countersigners) == len(file.countersignatures)


def test_a_bad_file_proves_nothing() -> None:
    for vector in VECTORS["files"]["bad"]:
        with naming(vector):
            file = CertificateFile.from_canonical(vector["document"].encode())
            with pytest.raises(FormatError):
                verify_certificate(file, KEYS)


def test_what_a_party_has_stated_is_not_outstanding_any_more() -> None:
    file = plain_file()
    assert len(still_outstanding(file.certificate, ())) == 2
    left = verify_certificate(file, KEYS).outstanding
    assert [(owing.party, owing.what) for owing in left] == [("child-welfare", "link-table")]


def test_keys_that_are_not_known_to_be_a_persons_do_not_count_where_they_are_known() -> None:
    file = plain_file()
    identity = file.countersignatures[0].identity
    assert verify_certificate(file, KEYS, known_as(identity)).stated_by
    others: list[dict[str, Any]] = [
        {"party": "school-district"},
        {"person": "per-" + "22" * 16},
        {"duties": ("approver",)},
        {"signing_key": public_of(CW).signing_key},
    ]
    for known in (PersonKeys(), *(known_as(identity, **other) for other in others)):
        with pytest.raises(SignatureError):
            verify_certificate(file, KEYS, known)
