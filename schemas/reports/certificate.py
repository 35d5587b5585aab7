"""A certificate of destruction as a file: with its signatures and the proof that the match log holds it.

`verify_certificate` checks all of it without asking anybody. Spec page: `schemas/spec/destruction.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field, StringConstraints

from schemas.documents.document import Document
from schemas.documents.errors import SignatureError
from schemas.matchlog.destruction_kinds import DESTRUCTION_KINDS, DestructionCertified
from schemas.matchlog.entry import Entry
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.person_keys import PersonKeys
from schemas.matchlog.proof import verify_receipt
from schemas.rounds.destruction import (
    SIGNATURE_KIND,
    Certificate,
    Countersignature,
    LocalStatement,
    Outstanding,
    SignedDestruction,
    duties_for,
)
from schemas.rounds.receipt import Receipt
from schemas.signing.identity import PublicIdentity
from schemas.signing.note import LOG_KEY, VerifierKey
from schemas.signing.signatures import SignatureText, verify_document

MAX_SIGNATURES: Final = 64


class CertificateFile(Document):
    """A certificate, the log's key that signed it, who has joined in since, and the log's receipt for it."""

    KIND: ClassVar[str] = "file of a certificate"

    version: Literal["blindlink/destruction-file/1"] = "blindlink/destruction-file/1"
    certificate: Certificate
    log_key: Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=300)]
    signature: SignatureText
    countersignatures: Annotated[tuple[SignedDestruction, ...], Field(max_length=MAX_SIGNATURES)]
    statements: Annotated[tuple[SignedDestruction, ...], Field(max_length=MAX_SIGNATURES)]
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class CertificateCheck:
    """What a file has shown.

    `entry` is the log entry that vouches for the certificate; `countersigners` and `stated_by` are the persons
    whose signatures verified; `outstanding` is what no statement accounts for yet.
    """

    certificate: Certificate
    entry: Entry
    countersigners: tuple[PublicIdentity, ...]
    stated_by: tuple[PublicIdentity, ...]
    outstanding: tuple[Outstanding, ...]


def verify_certificate(
    file: CertificateFile,
    log_keys: Sequence[VerifierKey] | LogKeys,
    persons: PersonKeys | None = None,
) -> CertificateCheck:
    """Check a certificate, its signatures and its place in the match log.

    Args:
        log_keys: the keys of the broker's log that are trusted; any of them may have signed.
        persons: as the log has them; with None, a signature is held against the keys beside it only.
    Raises:
        SignatureError: a signature does not verify, is not by a trusted key, or is about something else.
        CheckpointError, ProofError, EntryError: the match log does not vouch for this certificate.
    """
    certificate = file.certificate
    _verify_signature(file, log_keys)
    entry, _ = verify_receipt(file.receipt, log_keys, DESTRUCTION_KINDS)
    body = entry.body
    if not isinstance(body, DestructionCertified) or entry.object != certificate.certificate:
        raise SignatureError("the log entry beside the certificate is about something else")
    if (body.sha256, entry.project) != (certificate.digest(), certificate.project):
        raise SignatureError("the match log vouches for another certificate of this number")
    countersigners = tuple(_signer(signed, persons) for signed in file.countersignatures)
    stated_by = tuple(_signer(signed, persons) for signed in file.statements)
    for signed in file.countersignatures:
        _require_about(signed, certificate)
    return CertificateCheck(
        certificate,
        entry,
        countersigners,
        stated_by,
        still_outstanding(certificate, file.statements),
    )


def still_outstanding(
    certificate: Certificate, statements: Sequence[SignedDestruction]
) -> tuple[Outstanding, ...]:
    """Return what a certificate lists as outstanding and no statement has accounted for since.

    Raises:
        SignatureError: a statement is about another project, or older than what was destroyed.
    """
    settled = set()
    for signed in statements:
        said = signed.said
        if not isinstance(said, LocalStatement) or said.project != certificate.project:
            raise SignatureError("a statement beside the certificate is about something else")
        if said.at < certificate.asked:
            raise SignatureError(
                "a statement is older than the destruction that it is to account for"
            )
        settled |= {(said.party, what) for what in said.none_left}
    return tuple(
        owing for owing in certificate.outstanding if (owing.party, owing.what) not in settled
    )


def _verify_signature(file: CertificateFile, log_keys: Sequence[VerifierKey] | LogKeys) -> None:
    trusted = [key for _, key in log_keys.known] if isinstance(log_keys, LogKeys) else log_keys
    key = next((key for key in trusted if key.text == file.log_key), None)
    if key is None or key.kind != LOG_KEY:
        raise SignatureError("the certificate is signed by a key that is not trusted")
    if key.name != file.certificate.log:
        raise SignatureError("the certificate is of another broker's log")
    public = Ed25519PublicKey.from_public_bytes(key.public_key)
    verify_document(SIGNATURE_KIND, file.certificate.to_json(), file.signature, public)


def _signer(signed: SignedDestruction, persons: PersonKeys | None) -> PublicIdentity:
    identity = signed.verify()
    if persons is not None and not persons.know(identity, duties_for(type(signed.said))):
        raise SignatureError(
            "someone signed with keys that are not known to be theirs, or without the duty"
        )
    return identity


def _require_about(signed: SignedDestruction, certificate: Certificate) -> None:
    said = signed.said
    is_about = isinstance(said, Countersignature) and (
        (said.certificate, said.sha256) == (certificate.certificate, certificate.digest())
    )
    if not is_about:
        raise SignatureError("a counter-signature is under another certificate")
