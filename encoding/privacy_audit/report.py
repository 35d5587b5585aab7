"""The audit as a document and as lines for the terminal; `page` shows it as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from encoding.privacy_audit.audit import FEWEST_RECORDS, Audit
from encoding.privacy_audit.goals import Outcome
from encoding.privacy_audit.key_leak import KeyLeak
from encoding.privacy_audit.linear_code import LinearCodeResult
from encoding.privacy_audit.near_duplicates import NearDuplicatesResult
from schemas.canonical import canonical_digest

VERSION = "blindlink/privacy-audit/1"

_LEAK = (
    "whoever has the secret needs about {minutes:,} minutes on one processor core to encode ten million people"
    " and find out everyone; no encoding protects against that, only keeping the secret does"
)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """An audit of one file under one profile, with what it means.

    Attributes:
        profile: digest of the encoding profile.
        audit: what the attacks found.
        outcomes: each goal with what was measured; empty if there are too few records and nothing is hardened.
    """

    profile: str
    audit: Audit
    outcomes: tuple[Outcome, ...]

    @property
    def missed(self) -> tuple[Outcome, ...]:
        """The goals that were not reached."""
        return tuple(outcome for outcome in self.outcomes if not outcome.is_reached)

    def document(self) -> dict[str, Any]:
        """Return the audit as JSON without floats; times are left out, so that the same file gives the same."""
        scan = self.audit.structure
        return {
            "version": VERSION,
            "profile": self.profile,
            "records": self.audit.n_records,
            "encodings": self.audit.n_encodings,
            "goals": [
                {
                    "name": outcome.name,
                    "value": _decimal(outcome.value),
                    "limit": _decimal(outcome.limit),
                    "is_reached": outcome.is_reached,
                }
                for outcome in self.outcomes
            ],
            "known_people": [
                {
                    "known": result.n_known,
                    "tested": result.n_tested,
                    "candidates": result.n_candidates,
                    "first_guess": _decimal(result.share),
                    "first_ten_guesses": _decimal(result.n_ten / max(result.n_tested, 1)),
                }
                for result in self.audit.known_pairs
            ],
            "resemblance": None
            if self.audit.resemblance is None
            else {
                "people": self.audit.resemblance.n_people,
                "named": _decimal(self.audit.resemblance.share),
            },
            "linear_code": _linear_code(self.audit.linear_code),
            "near_duplicates": _near_duplicates(self.audit.near_duplicates),
            "structure": None
            if scan is None
            else {
                "records": scan.n_records,
                "variance": _decimal(scan.variance),
                "repeated": scan.n_repeated,
                "weight_correlation": _decimal(scan.weight_correlation),
                "linked_bits": scan.n_linked_bits,
                "bit_correlation": _decimal(scan.bit_correlation),
            },
        }

    def digest(self) -> str:
        """Return the SHA-256 of the document, which goes into the manifest of the upload."""
        return canonical_digest(self.document())


def summary(report: AuditReport) -> str:
    """Return the outcome in one sentence."""
    if report.audit.structure is None:
        few = f"the file has fewer than {FEWEST_RECORDS} records, too few to attack"
        if report.missed:
            return f"{few}; do not upload real records all the same, the hardening is broken"
        return f"{few}; nothing was found out"
    n = f"{report.audit.n_records:,} records attacked"
    if report.missed:
        missed = f"{len(report.missed)} of {len(report.outcomes)} goals missed"
        return f"{n}: {missed}; do not upload these encodings"
    return f"{n}: all {len(report.outcomes)} goals reached"


def report_lines(report: AuditReport) -> Iterator[str]:
    """Yield the report as lines of text."""
    yield summary(report)
    for outcome in report.outcomes:
        yield f"  {'good' if outcome.is_reached else 'stop'}  {outcome.sentence}"
    if report.audit.key_leak is not None:
        yield f"  note  {leak_sentence(report.audit.key_leak)}"


def leak_sentence(leak: KeyLeak) -> str:
    """Return what whoever has the secret can do."""
    return _LEAK.format(minutes=leak.register_minutes)


def _linear_code(found: LinearCodeResult | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "encodings": found.n_encodings,
        "found": _decimal(found.found_share),
        "opened": _decimal(found.opened_share),
        "rounds": found.n_rounds,
    }


def _near_duplicates(found: NearDuplicatesResult | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "pairs": found.n_pairs,
        "claimed": found.n_claimed,
        "found": _decimal(found.share),
    }


def _decimal(value: float) -> str:
    return f"{value:.4f}"
