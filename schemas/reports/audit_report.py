"""The audit report: what an auditor found in a match log that was verified, or that it does not verify.

The auditor signs it with a key of their own; so does the page that is made of it. It opens with what it
proves and what it does not. Spec page: `schemas/spec/audit-report.md`.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, ClassVar, Final, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, StringConstraints, model_validator

from schemas.documents.document import Document, Model
from schemas.documents.errors import DocumentError, SignatureError
from schemas.documents.ids import Code, IsoDate, Name, Origin, Sha256Hex, UtcTime
from schemas.documents.texts import Line, Text
from schemas.linkage.link_quality import Concordance
from schemas.linkage.run import RoundNumber
from schemas.matchlog.registry import KeyText, Ordinal, Outcome
from schemas.reports.audit_incident import Count, Incident
from schemas.signing.identity import (
    ED25519_BYTES,
    SigningKeyText,
    base64_bytes,
    base64_text,
    fingerprint_digits,
)
from schemas.signing.signatures import SignatureText, Signed, sign_document, verify_document

SIGNATURE_KIND: Final = "audit-report"

_SEAL_START: Final = b"<!-- blindlink-audit-page "
_SEAL_END: Final = b" -->\n"
_MAX_SEAL_BYTES: Final = 2048


class Witnessed(Model):
    """A witness, by the name in its key, and the largest number of entries that it signed for."""

    witness: Annotated[str, StringConstraints(pattern=r"^[!-*,-~]{1,200}$")]
    size: Ordinal


class Receipts(Model):
    """How many receipts of an agency were held to the log; all are entries of it."""

    party: Name
    count: Count


class LogFacts(Model):
    """The log that verified, from its first entry that is shown to its last; times are the broker's.

    `project` is null where nothing is withheld. `pins` counts the checkpoints that it was held to.
    """

    origin: Origin
    project: Name | None
    size: Ordinal
    root: Sha256Hex
    shown: Ordinal
    checkpoints: Ordinal
    log_keys: Annotated[tuple[KeyText, ...], Field(min_length=1, max_length=64)]
    pins: Count
    witnesses: Annotated[tuple[Witnessed, ...], Field(max_length=64)]
    receipts: Annotated[tuple[Receipts, ...], Field(max_length=64)]
    first_time: UtcTime
    last_time: UtcTime


class EvidenceItem(Model):
    """One thing that shows a fault, by name."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]
    value: Line


class Fault(Model):
    """The first thing that is wrong with the log: a stable code, a sentence, the entry, what shows it."""

    code: Code
    message: Text
    index: Count | None
    evidence: Annotated[tuple[EvidenceItem, ...], Field(max_length=16)]


class Bound(Model):
    """An agreement that bound a project.

    `entry` is the one by which it came into force, `ended` that of a party's withdrawal; null: none.
    """

    project: Name
    digest: Sha256Hex
    number: Ordinal
    parties: Annotated[tuple[Name, ...], Field(max_length=64)]
    purpose: Code
    start: IsoDate
    end: IsoDate
    entry: Count
    ended: Count | None


class Activity(Model):
    """How many entries of one kind and outcome a project has; project null: those of no project."""

    project: Name | None
    kind: Code
    outcome: Outcome
    count: Ordinal


class Disclosed(Model):
    """How often one party received something of another, from the first to the last time.

    `what` and the count of `records` are those of the register of disclosures; null: one was below the floor.
    """

    project: Name
    giver: Name
    receiver: Name
    what: Code
    times: Ordinal
    records: Count | None
    first: UtcTime
    last: UtcTime


class Left(Model):
    """What is still there at the end of the log, in one project: uploads, releases, holds that stand."""

    project: Name
    uploads: Count
    releases: Count
    holds: Count


class RoundsOf(Model):
    """How many rounds a project has opened, corrected and closed, and in how many a run has succeeded.

    `open` is the number of the round that is open at the end of the log; null where none is.
    """

    project: Name
    opened: Count
    corrected: Count
    closed: Count
    linked: Count
    open: RoundNumber | None


class LinkedRun(Model):
    """A run that finished: how many matches it made, how many of them it expects to be wrong, how they agree.

    The last three are null where the log tells nobody; `smaller_records` are those of the smaller file.
    """

    project: Name
    round: RoundNumber
    larger: Name
    smaller: Name
    smaller_records: Ordinal
    floor: Count
    matches: Count | None
    expected_false: Count | None
    concordance: Annotated[tuple[Concordance, ...], Field(max_length=16)] | None

    @model_validator(mode="after")
    def _tells_all_or_nothing(self) -> Self:
        told = {one is None for one in (self.matches, self.expected_false, self.concordance)}
        if len(told) > 1:
            raise ValueError(
                "a run tells of its links, but not how many they are, or the other way round"
            )
        return self


class AuditReport(Document):
    """What an auditor found. Exactly one of `log` and `fault` is there, and without `log` nothing else is.

    `made` is by the auditor's clock, `auditor` says who it is in their own words, `source` is the digest of
    the file that was read. `proves` and `proves_not` say in sentences how far the rest may be believed.
    """

    KIND: ClassVar[str] = "audit report"

    version: Literal["blindlink/audit-report/1"] = "blindlink/audit-report/1"
    made: UtcTime
    software: Code
    auditor: Line | None
    source: Sha256Hex
    proves: Annotated[tuple[Text, ...], Field(max_length=32)]
    proves_not: Annotated[tuple[Text, ...], Field(min_length=1, max_length=32)]
    log: LogFacts | None
    fault: Fault | None
    agreements: Annotated[tuple[Bound, ...], Field(max_length=10_000)]
    activity: Annotated[tuple[Activity, ...], Field(max_length=100_000)]
    disclosures: Annotated[tuple[Disclosed, ...], Field(max_length=100_000)]
    rounds: Annotated[tuple[RoundsOf, ...], Field(max_length=10_000)]
    runs: Annotated[tuple[LinkedRun, ...], Field(max_length=100_000)]
    left: Annotated[tuple[Left, ...], Field(max_length=10_000)]
    incident: Incident | None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.log is None) != (self.fault is not None):
            raise ValueError("a report has either the log that verified or the fault of one")
        found = (
            self.agreements, self.activity, self.disclosures, self.rounds, self.runs, self.left,
        )  # fmt: skip
        if self.log is None and any((*found, self.incident)):
            raise ValueError("a report finds something in a log that does not verify")
        return self


class SignedReport(Signed):
    """A report with the auditor's public key and signature, so that it can be read alone.

    Whose key it is, is for the reader to compare.
    """

    KIND: ClassVar[str] = "signed audit report"
    BODY: ClassVar[str] = "report"
    SIGNED_AS: ClassVar[str] = SIGNATURE_KIND

    report: AuditReport
    key: SigningKeyText

    def verify(self) -> AuditReport:
        """Return the report, which the key signed."""
        self.require_signature(_public(self.key))
        return self.report


class PageSeal(Document):
    """What stands under a page: the digests of the page and of its report, and a signature over both."""

    KIND: ClassVar[str] = "seal of a page"

    version: Literal["blindlink/audit-page/1"] = "blindlink/audit-page/1"
    page_sha256: Sha256Hex
    report_sha256: Sha256Hex
    key: SigningKeyText
    signature: SignatureText


def sign_report(report: AuditReport, key: Ed25519PrivateKey) -> SignedReport:
    """Return a report signed with the auditor's key."""
    return SignedReport.of(report, key, key=public_text(key))


def seal_page(page: bytes, report: AuditReport, key: Ed25519PrivateKey) -> bytes:
    """Return a page with the auditor's seal under it; browsers take the seal for a comment."""
    stated = {
        "version": "blindlink/audit-page/1",
        "page_sha256": hashlib.sha256(page).hexdigest(),
        "report_sha256": report.digest(),
    }
    signature = sign_document(SIGNATURE_KIND, dict(stated), key)
    seal = PageSeal.from_json({**stated, "key": public_text(key), "signature": signature})
    return page + _SEAL_START + seal.to_canonical() + _SEAL_END


def open_page(raw: bytes) -> PageSeal:
    """Return the seal under a page, once it verifies over all that stands above it.

    Raises:
        DocumentError: there is none, or it is malformed.
        SignatureError: the page above it, or the seal, is not what was signed.
    """
    start = raw.rfind(_SEAL_START, max(0, len(raw) - _MAX_SEAL_BYTES))
    if start < 0 or not raw.endswith(_SEAL_END):
        raise DocumentError("seal of a page: there is none under this page")
    seal = PageSeal.from_canonical(raw[start + len(_SEAL_START) : -len(_SEAL_END)])
    stated = seal.model_dump(include={"version", "page_sha256", "report_sha256"})
    verify_document(SIGNATURE_KIND, stated, seal.signature, _public(seal.key))
    if hashlib.sha256(raw[:start]).hexdigest() != seal.page_sha256:
        raise SignatureError("the page is not the one that was signed")
    return seal


def open_report(raw: bytes) -> SignedReport:
    """Return a signed report from its file, once its signature verifies.

    Raises:
        DocumentError: it is no signed report of this version.
        SignatureError: it was changed after it was signed.
    """
    signed = SignedReport.from_canonical(raw)
    signed.verify()
    return signed


def is_page(raw: bytes) -> bool:
    """Tell whether bytes are meant to be a page with a seal, rather than a signed report."""
    return raw.endswith(_SEAL_END)


def public_text(key: Ed25519PrivateKey) -> str:
    """Return the public half of an auditor's key, as reports and key files state it."""
    return base64_text(key.public_key().public_bytes_raw())


def key_fingerprint(key: str) -> str:
    """Return 12 groups of 5 digits for an auditor's public key, to be compared by voice or on paper.

    Raises:
        ValueError: it is not the text of a public key.
    """
    return fingerprint_digits(base64_bytes(key, ED25519_BYTES))


def _public(key: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64_bytes(key, ED25519_BYTES))
