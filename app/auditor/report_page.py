"""An audit report as a page: what it proves and does not come first, then what was found."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Final

from app.auditor.report_document import PIN_FAULTS, UNREADABLE_CODE
from app.auditor.verdict_words import moment
from app.features import FEATURES
from schemas.linkage.link_quality import BIRTH_DATE, missed_matches, wrong_links
from schemas.matchlog.disclosures import WHAT
from schemas.reports.audit_report import AuditReport, Fault, LinkedRun, LogFacts, key_fingerprint
from schemas.shared.amounts import NOT_SHOWN, shown
from schemas.shared.page import (
    Markup,
    Section,
    Standing,
    facts,
    findings,
    paragraph,
    prose_table,
    render_page,
)


def report_page(report: AuditReport, key: str) -> str:
    """Return the page of a report that is signed by this public key; without the seal that goes under it."""
    return render_page(
        _title(report),
        _lead(report),
        _sections(report, key),
        FOOTER,
        maker="blindlink-audit",
    )


FOOTER: Final = "Made by blindlink-audit, and signed: change anything, and the seal does not fit."
BROKERS_TIMES: Final = "All times are the broker's own, in UTC."


def _title(report: AuditReport) -> str:
    if report.fault is not None:
        what = "contradicts a pin" if report.fault.code in PIN_FAULTS else "does not verify"
        if report.fault.code == UNREADABLE_CODE:
            what = "cannot be read"
        return f"Audit report: the match log {what}"
    return "Audit report" if report.incident is None else "Audit report on an incident"


def _lead(report: AuditReport) -> str:
    by = f" by {report.auditor}" if report.auditor else ""
    about = "" if report.log is None else f" from the match log {report.log.origin}"
    return f"Made{by}{about} on {moment(report.made)} UTC, by the auditor's clock."


def _sections(report: AuditReport, key: str) -> Iterator[Section]:
    proven: Standing = "good" if report.fault is None else "bad"
    yield Section("What this proves", [findings((proven, text) for text in report.proves)])
    yield Section(
        "What this does not prove", [findings(("note", text) for text in report.proves_not)]
    )
    if report.fault is not None:
        yield Section("What is wrong", [facts(_fault_facts(report.fault))])
    if report.log is not None:
        yield Section("The log", [facts(_log_facts(report.log))])
    if report.incident is not None:
        yield FEATURES.load("incidents", "page").incident_section(report.incident)
    if report.log is not None:
        yield Section("What binds the projects", [_agreements(report)])
        yield Section("Who received what", [_disclosures(report)])
        yield Section("Rounds", [_rounds(report)])
        yield Section("How sure the links are", list(_runs(report)))
        yield Section("Uploads and releases that are still there", [_left(report)])
        yield Section("Everything that happened", [_activity(report)])
    yield Section("How to check this report", [*_how_to_check(report, key)])


def _fault_facts(fault: Fault) -> Iterator[tuple[str, str]]:
    yield "fault", fault.message
    yield "code", fault.code
    if fault.index is not None:
        yield "first bad entry", str(fault.index)
    for item in fault.evidence:
        yield item.name.replace("_", " "), item.value


def _log_facts(log: LogFacts) -> Iterator[tuple[str, str]]:
    yield "log", log.origin
    if log.project is not None:
        yield "project", log.project
    yield "entries", f"{log.size:,}, of which {log.size - log.shown:,} are withheld"
    yield (
        "period",
        f"{moment(log.first_time)} to {moment(log.last_time)} UTC, by the broker's clock",
    )
    yield "checkpoints", f"{log.checkpoints:,}, one at the end of each batch"
    # As verify and pins write it; the report's file has hex.
    yield "root", base64.b64encode(bytes.fromhex(log.root)).decode("ascii")
    yield "root in hex", log.root
    for key in log.log_keys:
        yield "log key", key
    yield "pins", f"{log.pins:,}, all part of this log" if log.pins else "none was given"
    for one in log.witnesses:
        yield "witness", f"{one.witness} signed for the first {one.size:,} entries"
    for held in log.receipts:
        yield "receipts", f"{held.count:,} of {held.party}, all entries of this log"


def _agreements(report: AuditReport) -> Markup:
    header = ("Project", "What", "Between", "For", "From", "To", "Entry", "Ended by")
    rows = [
        (
            bound.project, f"agreement {bound.number}", ", ".join(bound.parties), bound.purpose,
            bound.start, bound.end, str(bound.entry),
            "nobody" if bound.ended is None else f"entry {bound.ended}",
        )
        for bound in report.agreements
    ]  # fmt: skip
    return _table("Agreements, in the order in which they came into force", header, rows)


def _disclosures(report: AuditReport) -> Markup:
    header = ("Project", "From", "To", "What", "Times", "Records in all", "First", "Last")
    rows = [
        (
            line.project, line.giver, line.receiver, WHAT[line.what], f"{line.times:,}",
            shown(line.records), moment(line.first),
            moment(line.last),
        )
        for line in report.disclosures
    ]  # fmt: skip
    return _table(f"Disclosures; each has its line in the register. {BROKERS_TIMES}", header, rows)


def _rounds(report: AuditReport) -> Markup:
    header = ("Project", "Opened", "Corrected", "Closed", "With a successful run", "Open now")
    rows = [
        (
            one.project, f"{one.opened:,}", f"{one.corrected:,}", f"{one.closed:,}", f"{one.linked:,}",
            "none" if one.open is None else f"round {one.open}",
        )
        for one in report.rounds
    ]  # fmt: skip
    return _table("Rounds by project; a corrected round does not count", header, rows)


def _runs(report: AuditReport) -> Iterator[Markup]:
    header = (
        "Project", "Round", "Larger file", "Smaller file", "Its records", "Linked", "Likely wrong",
        "Likely missed", "Another date of birth",
    )  # fmt: skip
    yield _table("The newest runs that finished", header, [_run_cells(one) for one in report.runs])
    if report.runs:
        yield paragraph(
            "Both ranges follow from what a run says of its own links; in rehearsals they held the true number"
            " in at least 90 of 100. Numbers below the floor, or not in the log, are not shown."
        )


def _run_cells(one: LinkedRun) -> tuple[str, ...]:
    known = (one.project, f"{one.round:,}", one.larger, one.smaller, f"{one.smaller_records:,}")
    if one.matches is None or one.expected_false is None or one.concordance is None:
        return (*known, *(NOT_SHOWN,) * 4)
    missed = missed_matches(one.matches, one.smaller_records, one.concordance, one.floor)
    apart = next((field.apart for field in one.concordance if field.field == BIRTH_DATE), None)
    return (
        *known, f"{one.matches:,}", wrong_links(one.expected_false).words(), missed.words(),
        shown(apart),
    )  # fmt: skip


def _left(report: AuditReport) -> Markup:
    header = ("Project", "Uploads", "Releases", "Legal holds")
    rows = [
        (left.project, f"{left.uploads:,}", f"{left.releases:,}", f"{left.holds:,}")
        for left in report.left
    ]
    caption = (
        "What the broker still holds of these, at the end of this log; match records, claims, shares of the "
        "secret and delivered columns are not counted"
    )
    return _table(caption, header, rows)


def _activity(report: AuditReport) -> Markup:
    header = ("Project", "Kind of entry", "Outcome", "Entries")
    rows = [
        (line.project or "none", line.kind, line.outcome, f"{line.count:,}")
        for line in report.activity
    ]
    return _table("Entries by project, kind and outcome", header, rows)


def _how_to_check(report: AuditReport, key: str) -> Iterator[Markup]:
    yield paragraph(
        "This page, and the report that it shows, carry a signature. Get the fingerprint of the auditor's key "
        "from the auditor, by voice or on paper, and compare it; then let the file be checked: "
        "blindlink-audit check report.html --key auditor.pub"
    )
    yield facts(
        (
            ("fingerprint", key_fingerprint(key)), ("auditor's key", key),
            ("digest of the file that was read", report.source), ("digest of the report", report.digest()),
            ("made with", report.software),
        )
    )  # fmt: skip


def _table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    return prose_table(caption, header, rows) if rows else paragraph("None.")
