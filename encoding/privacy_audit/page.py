"""The audit as a page; it holds aggregates only and may be shown."""

from __future__ import annotations

from collections.abc import Iterator

from encoding.privacy_audit.audit import Audit
from encoding.privacy_audit.report import AuditReport, leak_sentence, summary
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

_LIMITS = (
    "The attacks were made on a sample under keys that were thrown away; the secret of your project was not"
    " used. They are the strongest that this program knows, not the strongest there are: an attacker with"
    " better ones, with more known people or with a larger register may do better. Encodings are"
    " personal data."
)


def report_page(report: AuditReport, file_name: str) -> str:
    """Return the report as one self-contained HTML file."""
    sections = [
        Section("Goals", [verdicts(list(_verdicts(report)))]),
        *_hardening(report.audit),
        *_known_people(report),
    ]
    scan = report.audit.structure
    if scan is not None:
        sections.append(Section("What the encodings show by themselves", [_structure(scan)]))
    sections.append(Section("What this does not say", [paragraph(_LIMITS)]))
    footer = f"Fingerprint of this report: {report.digest()}"
    return render_page(f"Privacy audit of {file_name}", f"{summary(report)}.", sections, footer)


def _hardening(audit: Audit) -> Iterator[Section]:
    code, near = audit.linear_code, audit.near_duplicates
    if code is None or near is None:
        return
    header = ("attack", "looked at", "secret structure found", "encodings opened", "seconds")
    rows = [
        (
            "structure of all encodings", f"{code.n_encodings:,} encodings", f"{code.found_share:.1%}",
            f"{code.opened_share:.1%}", f"{code.seconds:.1f}",
        ),
        (
            "nearly equal encodings", f"{near.n_pairs:,} pairs", f"{near.share:.1%}", "not tried",
            f"{near.seconds:.1f}",
        ),
    ]  # fmt: skip
    sentence = (
        "Both attacks see nothing but the encodings, and the encoding profile, which is public. What is opened"
        " is as good as an encoding that was never hardened, and the attacks below are made on it."
    )
    yield Section(
        "Attack on the hardening, by someone who knows nobody",
        [paragraph(sentence), table("What the hardening gives away", header, rows)],
    )


def _known_people(report: AuditReport) -> Iterator[Section]:
    results = report.audit.known_pairs
    if not results:
        return
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
    yield Section(
        "Attack by someone who knows some people",
        [
            bar_chart("Share of the other people that were named at the first guess", bars),
            table("Guesses", header, rows),
        ],
    )


def _verdicts(report: AuditReport) -> Iterator[Verdict]:
    if not report.outcomes:
        yield Verdict("note", summary(report))
    for outcome in report.outcomes:
        yield Verdict("good" if outcome.is_reached else "bad", outcome.sentence)
    if report.audit.key_leak is not None:
        yield Verdict("note", leak_sentence(report.audit.key_leak))


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
