"""The file by which an operator invites one person: where the broker is, how it is known, and a one-time code.

Anyone who has the file can enrol in that person's place until its code is used or ends: it is handed over by a
safe way, and the fingerprint of the keys is compared by telephone afterwards. Spec page:
`schemas/spec/invitation.md`.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from cryptography import x509
from pydantic import AfterValidator, Field, model_validator

from schemas.documents.canonical import canonical_digest
from schemas.documents.document import Document
from schemas.documents.errors import CheckpointError, CodeError, DocumentError
from schemas.documents.ids import ADDRESS_PATTERN, Name, Sha256Hex, UtcTime, utc_text
from schemas.documents.written_code import read_code, write_code
from schemas.signing.identity import Duty, duty_apart
from schemas.signing.note import LOG_KEY, VerifierKey

MAX_BYTES: Final = 64 * 1024
# What such a file begins with, so that a program knows its own before it replaces one.
FIRST_BYTES: Final = b'{"broker":"https://'


def _certificate(text: str) -> str:
    try:
        x509.load_pem_x509_certificate(text.encode("ascii"))
    except ValueError:
        raise ValueError("it is not a certificate in PEM") from None
    return text


def _log_key(text: str) -> str:
    try:
        kind = VerifierKey.from_text(text).kind
    except CheckpointError:
        kind = 0
    if kind != LOG_KEY:
        raise ValueError("it is not the key of a match log")
    return text


def _code(text: str) -> str:
    try:
        written = write_code(read_code(text))
    except CodeError:
        written = ""
    if written != text:
        raise ValueError("it is not a code as the broker writes it")
    return text


class Invitation(Document):
    """What one person needs to make keys, enrol them and pin the match log.

    `certificate` is null where the broker's is one that computers trust; `project` where the person is not
    invited for one. `label` says whom it is for, and may be empty. `check` is the SHA-256 of the other
    fields.
    """

    KIND: ClassVar[str] = "invitation"

    version: Literal["blindlink/invitation/1"] = "blindlink/invitation/1"
    broker: Annotated[str, Field(pattern=ADDRESS_PATTERN, max_length=2000)]
    certificate: Annotated[str, Field(max_length=16_384), AfterValidator(_certificate)] | None
    log_key: Annotated[str, Field(max_length=400), AfterValidator(_log_key)]
    project: Name | None
    party: Name
    duties: Annotated[tuple[Duty, ...], Field(min_length=1, max_length=7)]
    label: Annotated[str, Field(max_length=200)]
    code: Annotated[str, Field(max_length=39, repr=False), AfterValidator(_code)]
    expires: UtcTime
    check: Sha256Hex

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if list(self.duties) != sorted(set(self.duties)) or duty_apart(self.duties) is not None:
            raise ValueError(
                "duties must be listed once each, in alphabetical order, and go together"
            )
        others = self.model_dump(mode="json", exclude={"check"})
        if not hmac.compare_digest(self.check, canonical_digest(others)):
            raise ValueError("it was changed after the broker had written it")
        return self

    @classmethod
    def of(cls, **given: Any) -> Invitation:
        """Return the invitation of these fields, all but `version` and `check`.

        Raises:
            DocumentError: a field breaks its format.
        """
        fields = {"version": "blindlink/invitation/1", **given}
        return cls.from_json({**fields, "check": canonical_digest(fields)})

    def is_over(self, now: datetime) -> bool:
        """Tell whether the code has ended, by an aware moment."""
        return self.expires <= utc_text(now)

    def to_file(self) -> bytes:
        """Return the bytes of the file: one line of canonical JSON."""
        return self.to_canonical() + b"\n"

    @classmethod
    def from_file(cls, raw: bytes) -> Self:
        """Read the bytes of the file; a mail program may have changed its line end.

        Raises:
            DocumentError: too long, not an invitation, or changed since the broker wrote it.
        """
        if len(raw) > MAX_BYTES:
            raise DocumentError(f"{cls.KIND}: it is longer than any")
        return cls.from_canonical(raw.rstrip(b"\r\n"))
