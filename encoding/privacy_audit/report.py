"""The audit as a document, as lines for the terminal, and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from encoding.privacy_audit.audit import FEWEST_RECORDS, Audit
from encoding.privacy_audit.goals import Outcome
from encoding.privacy_audit.structure import StructureScan
from encoding.report import (
    Bar,
    Markup,
    Section,
    Verdict,
    bar_chart,
    paragraph,
    render_page,
    table,
    verdicts,
)
from schemas.canonical import canonical_digest

VERSION = "blindlink/privacy-audit/1"

_LEAK = (
    "whoever has the secret needs about {minutes:,} minutes on one processor core to encode ten million people"
    " and find out everyone; no encoding protects against that, only keeping the secret does"
)
_LIMITS = (
    "The attacks were made on a sample under keys that were thrown away; the secret of your project was not"
    " used. They are the strongest that this program knows, not the strongest there are: an attacker with"
    " better ones, with more known people or with a larger register may do better. Encodings stay protected"
    " personal data."
)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """An audit of one file under one profile, with what it means.

    Attributes:
        profile: digest of the encoding profile.
        audit: what the attacks found.
        outcomes: each goal with what was measured; empty if the file has too few records.
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
    if not report.outcomes:
        return f"the file has fewer than {FEWEST_RECORDS} records, too few to attack; nothing was found out"
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
        yield f"  note  {_leak(report)}"


def report_page(report: AuditReport, file_name: str) -> str:
    """Return the report as one self-contained HTML file; it holds aggregates only and may be shown."""
    sections = [Section("Goals", [verdicts(list(_verdicts(report)))])]
    results = report.audit.known_pairs
    if results:
        bars = [
            Bar(
                f"{r.n_known:,} known",
                r.share,
                f"{r.share:.1%}",
                is_bad=_is_missed(report, r.n_known),
            )
            for r in results
        ]
        header = ("known people", "tested", "candidates", "first guess", "first ten guesses")
        rows = [
            (
                f"{r.n_known:,}", f"{r.n_tested:,}", f"{r.n_candidates:,}", f"{r.share:.2%}",
                f"{r.n_ten / r.n_tested:.2%}",
            )
            for r in results
        ]  # fmt: skip
        sections.append(
            Section(
                "Attack by someone who knows some people",
                [
                    bar_chart("Share of the other people that were named at the first guess", bars),
                    table("Guesses", header, rows),
                ],
            )
        )
    scan = report.audit.structure
    if scan is not None:
        sections.append(Section("What the encodings show by themselves", [_structure(scan)]))
    sections.append(Section("What this does not say", [paragraph(_LIMITS)]))
    footer = f"Fingerprint of this report: {report.digest()}"
    return render_page(f"Privacy audit of {file_name}", f"{summary(report)}.", sections, footer)


def _verdicts(report: AuditReport) -> Iterator[Verdict]:
    if not report.outcomes:
        yield Verdict("note", summary(report))
    for outcome in report.outcomes:
        yield Verdict("good" if outcome.is_reached else "bad", outcome.sentence)
    if report.audit.key_leak is not None:
        yield Verdict("note", _leak(report))


def _structure(scan: StructureScan) -> Markup:
    return table(
        f"{scan.n_records:,} records, people who are in twice left out",
        ("measure", "found", "random bits have"),
        [
            ("who resembles whom", f"{scan.variance:.4f}", "0"),
            ("correlation of two positions, chance = 1", f"{scan.bit_correlation:.3f}", "1"),
            ("pairs of positions that go together", f"{scan.n_linked_bits:,}", "0"),
            ("set bits with length of the record", f"{scan.weight_correlation:.3f}", "0"),
            ("records with an encoding that another has too", f"{scan.n_repeated:,}", "0"),
        ],
    )


def _is_missed(report: AuditReport, n_known: int) -> bool:
    return any(outcome.name == f"known-people-{n_known}" for outcome in report.missed)


def _leak(report: AuditReport) -> str:
    leak = report.audit.key_leak
    return "" if leak is None else _LEAK.format(minutes=leak.register_minutes)


def _decimal(value: float) -> str:
    return f"{value:.4f}"
