"""What match-log entries say of destruction: begun, certified, counter-signed, held up, stated by parties."""

from __future__ import annotations

from typing import Final, Self

from pydantic import model_validator

from schemas.documents.document import Model
from schemas.documents.ids import (
    CERTIFICATE_PREFIX,
    HOLD_PREFIX,
    UPLOAD_PREFIX,
    Code,
    Name,
    RandomId,
    Sha256Hex,
    is_random_id,
)
from schemas.documents.texts import Line
from schemas.matchlog.registry import Count, Kind, register
from schemas.rounds.destruction import Scope


class DestructionBegun(Model):
    """Everything of this scope is being destroyed; a certificate of the entry's object must follow.

    `party` is whose uploads are meant in the scope `party`, `upload` which one in the scope `upload`; null
    otherwise. `reason` says why then.
    """

    scope: Scope
    party: Name | None
    upload: RandomId | None
    reason: Code

    @model_validator(mode="after")
    def _names_what_its_scope_asks_for(self) -> Self:
        if (self.scope == "party") != (self.party is not None):
            raise ValueError("a party where the scope has none, or none where it has one")
        if (self.scope == "upload") != (self.upload is not None):
            raise ValueError("an upload where the scope has none, or none where it has one")
        if self.upload is not None and not is_random_id(self.upload, UPLOAD_PREFIX):
            raise ValueError("the upload is not an upload's id")
        return self


class DestructionCertified(Model):
    """The broker states that it is done: digest of the certificate, and number of its objects."""

    sha256: Sha256Hex
    objects: Count


class DestructionCountersigned(Model):
    """A party's person has signed the certificate, too; `signed_sha256` is the digest of what they signed."""

    sha256: Sha256Hex
    signed_sha256: Sha256Hex


class DestructionStated(Model):
    """A party states what it has deleted itself; `signed_sha256` is the digest of the signed statement."""

    signed_sha256: Sha256Hex


class RecordWithdrawn(Model):
    """A party has withdrawn one of its records, which no later run compares.

    `commitment` is the SHA-256 of 32 random bytes, which the party has, and the record's handle.
    """

    commitment: Sha256Hex


class LegalHoldSet(Model):
    """From here on nothing of the project is destroyed; `order` says on what ground.

    `signed_sha256` is the digest of what a person signed, null where the operator's command set it.
    """

    order: Line
    signed_sha256: Sha256Hex | None


class LegalHoldLifted(Model):
    """The hold ends, by the person who set it; `signed_sha256` is as in `LegalHoldSet`."""

    signed_sha256: Sha256Hex | None


DESTRUCTION_KINDS: Final = register(
    {
        "destruction-begun": Kind(
            DestructionBegun, object_prefix=CERTIFICATE_PREFIX, duties=("analyst", "steward")
        ),
        "destruction-certified": Kind(
            DestructionCertified, object_prefix=CERTIFICATE_PREFIX, by="broker"
        ),
        "destruction-countersigned": Kind(
            DestructionCountersigned,
            object_prefix=CERTIFICATE_PREFIX,
            duties=("reviewer", "steward"),
        ),
        "destruction-stated": Kind(
            DestructionStated,
            object_prefix=CERTIFICATE_PREFIX,
            object_optional=True,
            duties=("analyst", "recipient", "steward"),
        ),
        "record-withdrawn": Kind(RecordWithdrawn, duties=("analyst", "steward")),
        "legal-hold-set": Kind(LegalHoldSet, object_prefix=HOLD_PREFIX, duties=("steward",)),
        "legal-hold-lifted": Kind(LegalHoldLifted, object_prefix=HOLD_PREFIX, duties=("steward",)),
    }
)
