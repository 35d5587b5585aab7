"""Signatures over documents: Ed25519 over `blindlink/v1/<kind>` + newline + canonical JSON.

The kind is inside what is signed, so that a signature on a manifest can never pass for one on an
agreement. Spec page: `schemas/spec/signing.md`.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field

from schemas.documents.canonical import JsonValue, canonical_bytes
from schemas.documents.document import Document
from schemas.documents.errors import SignatureError

KINDS = frozenset(
    {
        "manifest",
        "nonces",
        "agreement",
        "approval",
        "secret-share",
        "share-confirmation",
        "destruction",
        "enrolment",
        "key-rotation",
        "audit-report",
        "receipt",
        "workspace-backup",
        "ledger-claims",
        "chain-statement",
        "ledger-rollback",
        "review-card",
        "review-statement",
        "delivery",
        "request",
    }
)
SIGNATURE_BYTES = 64
SignatureText = Annotated[str, Field(min_length=88, max_length=88)]


class Signed(Document):
    """A document in an envelope with one signature over it.

    Each kind of envelope says in which field the document lies, and of which kind the signature is; whose key
    counts is for its own `verify` to know.
    """

    KIND: ClassVar[str] = "signed document"
    BODY: ClassVar[str]
    SIGNED_AS: ClassVar[str]

    signature: SignatureText

    @classmethod
    def of(cls, body: Document, key: Ed25519PrivateKey, /, **beside: Any) -> Self:
        """Return a document signed with this key; `beside` are the envelope's other fields."""
        signature = sign_document(cls.kind_of(body), body.to_json(), key)
        return cls(**{cls.BODY: body}, signature=signature, **beside)

    @classmethod
    def kind_of(cls, body: Document) -> str:  # noqa: ARG003 - an envelope of several kinds looks
        """Return the kind of the signature over this document."""
        return cls.SIGNED_AS

    def require_signature(self, key: Ed25519PublicKey) -> None:
        """Check that the holder of this key has signed the document.

        Raises:
            SignatureError: the signature does not cover it.
        """
        body: Document = getattr(self, self.BODY)
        verify_document(self.kind_of(body), body.to_json(), self.signature, key)


def signed_bytes(kind: str, document: JsonValue) -> bytes:
    """Return the exact bytes that a signature of this kind covers."""
    if kind not in KINDS:
        raise SignatureError("unknown kind of signature")
    return f"blindlink/v1/{kind}\n".encode("ascii") + canonical_bytes(document)


def sign_document(kind: str, document: JsonValue, key: Ed25519PrivateKey) -> str:
    """Return the signature as standard base64."""
    return base64.b64encode(key.sign(signed_bytes(kind, document))).decode("ascii")


def verify_document(kind: str, document: JsonValue, signature: str, key: Ed25519PublicKey) -> None:
    """Check a signature made by `sign_document`.

    Raises:
        SignatureError: it does not verify over this kind and document, or is not canonical base64.
    """
    try:
        key.verify(_signature_bytes(signature), signed_bytes(kind, document))
    except InvalidSignature as exc:
        raise SignatureError(f"the signature does not cover this {kind}") from exc


def _signature_bytes(signature: str) -> bytes:
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise SignatureError("a signature is not base64") from exc
    # Re-encoding catches padding bits that base64 readers ignore, so a signature has one spelling.
    if len(raw) != SIGNATURE_BYTES or base64.b64encode(raw).decode("ascii") != signature:
        raise SignatureError("a signature is not 64 bytes of canonical base64")
    return raw
