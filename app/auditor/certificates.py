"""Certificates of destruction: checked by themselves, and held to the match log where there is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.auditor.errors import (
    CertificateRefusedError,
    CertificateUnreadableError,
    PinContradictedError,
    PinUnreadableError,
)
from app.auditor.files import why_unreadable
from app.auditor.verdict import Caveat, Verdict
from schemas.documents.errors import CheckpointError, FormatError
from schemas.matchlog.checkpoint import parse_checkpoint
from schemas.matchlog.person_keys import PersonKeys
from schemas.reports.certificate import CertificateCheck, CertificateFile, verify_certificate
from schemas.reports.certificate_log import contradictions
from schemas.reports.certificate_page import LOCAL_WORDS, REMAINS_WORDS
from schemas.signing.note import VerifierKey

if TYPE_CHECKING:
    from app.auditor.pins import Pin
    from schemas.matchlog.entry import Entry

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
# As each begins, since a document is written with its names in order.
START: Final = b'{"certificate":'

NO_LOG: Final = Caveat(
    "no-log",
    "no log was given: whether it lists all that was there, and its signers have the keys that the log knows, "
    "was not checked",
)
OWN_KEY: Final = Caveat(
    "no-log-key",
    "no log key was given: the certificate was checked against the key that it brings itself",
)
PINS_APART: Final = Caveat(
    "pins-apart",
    "no pin is of the size at which the certificate was logged, so none could be compared: give the log, too",
)


@dataclass(frozen=True, slots=True)
class CertificateVerdict:
    """A certificate that verified; `log` is the log that it was held to, `pins` of how many were compared."""

    file: CertificateFile
    check: CertificateCheck
    log: Verdict | None
    pins: int
    caveats: tuple[Caveat, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the verdict for `--json`."""
        certificate = self.check.certificate
        return {
            "verified": True,
            "certificate": certificate.certificate,
            "sha256": certificate.digest(),
            "project": certificate.project,
            "scope": certificate.scope,
            "reason": certificate.reason,
            "finished": certificate.finished,
            "objects": len(certificate.objects),
            "entry": self.check.entry.seq,
            "countersigned": [signer.party for signer in self.check.countersigners],
            "stated": sorted({signer.party for signer in self.check.stated_by}),
            "outstanding": [one.model_dump() for one in self.check.outstanding],
            "pins": self.pins,
            "log": None if self.log is None else self.log.to_json(),
            "caveats": [{"code": c.code, "text": c.text} for c in self.caveats],
        }

    def lines(self) -> Iterator[str]:
        """Yield what is printed without it."""
        certificate = self.check.certificate
        counts = Counter(one.kind for one in certificate.objects)
        listed = ", ".join(f"{n:,} {kind}" for kind, n in sorted(counts.items())) or "none"
        yield f"certificate  {certificate.certificate}, project {certificate.project}"
        yield f"objects      {listed}"
        yield f"finished     {certificate.finished}, log entry {self.check.entry.seq}"
        signers = ", ".join(signer.party for signer in self.check.countersigners)
        yield f"signed       by the log of {certificate.operator}; counter-signed by {signers or 'nobody'}"
        for one in certificate.remains:
            yield f"remains      {REMAINS_WORDS[one.what]}: {one.why}"
        for owing in self.check.outstanding:
            what = LOCAL_WORDS[owing.what]
            yield f"outstanding  {owing.party}: {what}, not yet stated to be deleted"


def read_certificate(path: Path) -> CertificateFile:
    """Read the file of a certificate; nothing in it is verified."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        raise CertificateUnreadableError(why_unreadable(path, exc)) from exc
    if len(raw) > MAX_FILE_BYTES:
        raise CertificateUnreadableError(f"the file {path.name} is too long for a certificate")
    try:
        return CertificateFile.from_canonical(raw)
    except FormatError as exc:
        raise CertificateUnreadableError(
            f"{path.name} is not a certificate of destruction"
        ) from exc


def verify_alone(
    file: CertificateFile, log_key: VerifierKey | None, pins: Sequence[Pin]
) -> CertificateVerdict:
    """Check a certificate by itself, offline."""
    key = log_key or _own_key(file)
    check = _checked(file, [key], None)
    n_pins = _compare_with_pins(file, key, pins)
    caveats = [NO_LOG]
    if log_key is None:
        caveats.append(OWN_KEY)
    if pins and not n_pins:
        caveats.append(PINS_APART)
    return CertificateVerdict(file, check, None, n_pins, tuple(caveats))


@dataclass(slots=True)
class CertificateBook:
    """Takes the entries of a log that is being verified, then holds a certificate to them."""

    file: CertificateFile
    persons: PersonKeys = field(default_factory=PersonKeys)
    entries: list[Entry] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        """Take one entry, in order."""
        self.persons.take(entry)
        if entry.project == self.file.certificate.project:
            self.entries.append(entry)

    def compare(self, verdict: Verdict) -> CertificateVerdict:
        """Hold the certificate to the log that has verified.

        Raises:
            CertificateRefusedError: the log does not say the same, or leaves something that was meant.
        """
        keys = [VerifierKey.from_text(text) for text in verdict.log_keys]
        check = _checked(self.file, keys, self.persons)
        entry = next((one for one in self.entries if one.seq == check.entry.seq), None)
        if entry != check.entry:
            raise CertificateRefusedError(
                "this log does not hold the entry that vouches for the certificate",
                index=check.entry.seq,
            )
        for wrong in contradictions(self.file, check.entry, self.entries):
            raise CertificateRefusedError(
                wrong.message, index=check.entry.seq, evidence=dict(wrong.evidence)
            )
        return CertificateVerdict(self.file, check, verdict, verdict.pins, verdict.caveats)


def _checked(
    file: CertificateFile, keys: Sequence[VerifierKey], persons: PersonKeys | None
) -> CertificateCheck:
    try:
        return verify_certificate(file, keys, persons)
    except FormatError as exc:
        raise CertificateRefusedError(f"the certificate does not verify: {exc}") from exc


def _own_key(file: CertificateFile) -> VerifierKey:
    try:
        return VerifierKey.from_text(file.log_key)
    except CheckpointError as exc:
        raise CertificateRefusedError("the certificate does not name a log's key") from exc


def _compare_with_pins(file: CertificateFile, key: VerifierKey, pins: Sequence[Pin]) -> int:
    own, _ = parse_checkpoint(file.receipt.checkpoint.encode("utf-8"))
    n_compared = 0
    for pin in pins:
        pinned = pin.checkpoint
        if pinned.origin != own.origin:
            raise PinUnreadableError(f"{pin.place} is of another log than the certificate")
        if pinned.size != own.size:
            continue
        pin.require_signed([key])
        if pinned.root != own.root:
            raise PinContradictedError(
                "the certificate was logged in another history than the one that was pinned",
                evidence=pin.evidence([key]),
            )
        n_compared += 1
    return n_compared
