"""Puts an audit report together: what a verification found, in the form that the auditor signs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Final

from app.auditor.errors import AuditError, MalformedError, PinContradictedError, RolledBackError
from app.auditor.findings import FindingsBook, agreements_in, left_in, rounds_in
from app.auditor.verdict import EARLY, HELD_LATE, HOLD, LATE, TIMES, WHO_TYPED, Verdict
from schemas.documents.ids import utc_text
from schemas.documents.printable import printable
from schemas.reports.audit_incident import Incident
from schemas.reports.audit_report import (
    AuditReport,
    EvidenceItem,
    Fault,
    LogFacts,
    Receipts,
    Witnessed,
)
from schemas.shared.amounts import counted


@dataclass(frozen=True, slots=True)
class Making:
    """Who makes a report, by which clock, and the digest of the file that it is about."""

    at: datetime
    auditor: str | None
    source: str


def report_of(
    making: Making, verdict: Verdict, found: FindingsBook, incident: Incident | None
) -> AuditReport:
    """Return the report on a log that verified."""
    return AuditReport(
        made=utc_text(making.at),
        software=f"blindlink-{version('blindlink')}",
        auditor=making.auditor,
        source=making.source,
        proves=_few(_proves(verdict), MOST_TEXTS),
        proves_not=(
            *_few(_proves_not(verdict), MOST_TEXTS - len(NEVER_PROVED)),
            *NEVER_PROVED,
        ),
        log=_log_facts(verdict),
        fault=None,
        agreements=tuple(agreements_in(verdict.log)),
        activity=found.activity(),
        disclosures=found.disclosures(),
        rounds=tuple(rounds_in(verdict.log)),
        runs=found.runs(),
        left=tuple(left_in(verdict.log)),
        incident=incident,
    )


def report_of_fault(making: Making, error: AuditError) -> AuditReport:
    """Return the report on a log that does not verify."""
    evidence = {name: value for name, value in error.evidence.items() if value is not None}
    return AuditReport(
        made=utc_text(making.at),
        software=f"blindlink-{version('blindlink')}",
        auditor=making.auditor,
        source=making.source,
        proves=(_faulty(error),),
        proves_not=NOT_BY_A_FAULT,
        log=None,
        fault=Fault(
            code=error.code,
            message=unicodedata.normalize("NFC", printable(error.message)).strip(),
            index=error.index,
            evidence=tuple(EvidenceItem(name=n, value=str(v)) for n, v in evidence.items()),
        ),
        agreements=(),
        activity=(),
        disclosures=(),
        rounds=(),
        runs=(),
        left=(),
        incident=None,
    )


NEVER_PROVED: Final = (
    "What nobody wrote down: a broker that is not honest can compare what it holds in secret, and the log "
    "would not show it.",
    "That no match was withheld: a broker may leave out pairs that it found. Who runs the same linkage "
    "again on "
    "the same uploads, with the agencies' help, sees that.",
    "Whether links are right, and whose records they are: only the agencies can see that, at a visit with a "
    "sample of links.",
    "What receivers did with what they received, and what was signed on paper.",
)
# As many as the format has room for, of what is proved and of what is not.
MOST_TEXTS: Final = 32
LATENESS: Final = frozenset({LATE, HELD_LATE, EARLY, HOLD})
ALWAYS: Final = (TIMES, WHO_TYPED)
PIN_FAULTS: Final = frozenset({PinContradictedError.code, RolledBackError.code})
UNREADABLE_CODE: Final = MalformedError.code
FAULTY: Final = (
    "The file of this digest is not a match log that holds: a check fails at the place that is named below, "
    "and anyone who repeats it finds the same."
)
CONTRADICTED: Final = (
    "The file of this digest contradicts a pin: the log's own key signed what was pinned, and what the file "
    "shows is not that history, or breaks off before it. Anyone who has the file and the pin finds the same."
)
UNREADABLE: Final = (
    "The file of this digest cannot be read as a match log by the software that made this report. It is "
    "damaged, or no bundle, or of a newer version, which newer software can read."
)
NOT_BY_A_FAULT: Final = (
    "What happened instead, who changed it, and whether it was meant: the checks stop at the first fault.",
    "Anything else about this log: what else it says was not looked at, or does not count.",
    "When anything happened: times are the broker's own.",
)


def _faulty(error: AuditError) -> str:
    if error.code == UNREADABLE_CODE:
        return UNREADABLE
    return CONTRADICTED if error.code in PIN_FAULTS else FAULTY


def _proves(verdict: Verdict) -> Iterator[str]:
    yield (
        f"The log {verdict.origin} has {verdict.size:,} entries, and each is the one that the log's own key "
        f"signed for, in its place: none is missing, added, changed or moved since."
    )
    yield (
        "What the entries say follows the rules of the log: no round, upload, run, approval, release or "
        "destruction outside what binds the project, nothing for anybody whom it does not name."
    )
    yield (
        "What a person did for an agency that person has signed, who was enrolled for it, not revoked, and had "
        "the duty; no signature was used twice."
    )
    yield (
        "No nonce served two pairs or two rounds, each pair was linked at most once a round, and each closed "
        "round lists the last claims that its parties sent."
    )
    late = "; ".join(caveat.text for caveat in verdict.caveats if caveat.code in LATENESS)
    kept = "no encodings, match IDs, match records or columns were kept longer than agreed"
    yield f"By the log's own times, {late or kept}."
    if verdict.pins:
        yield f"It extends what was kept of it earlier: {counted(verdict.pins, 'pin')}."
    for party, count in sorted(verdict.receipts.items()):
        yield f"Every receipt that {party} handed over, {count:,} in all, is an entry of this log."
    for name in sorted(verdict.vouched):
        yield (
            f"The witness {name} has signed for its first {verdict.cosigned[name]:,} entries, by keys that a "
            f"signed agreement lists."
        )


def _proves_not(verdict: Verdict) -> Iterator[str]:
    # Times come first: they are what a reader takes for granted.
    for caveat in ALWAYS:
        yield _sentence(caveat.text)
    for caveat in verdict.caveats:
        if caveat not in ALWAYS and caveat.code not in LATENESS:
            yield _sentence(caveat.text)
    for name, size in sorted(verdict.cosigned.items()):
        if name not in verdict.vouched:
            yield (
                f"That {name} has signed as a witness for the first {size:,} entries: the broker names a "
                "key of this witness that no signed agreement lists."
            )


def _few(sentences: Iterable[str], most: int) -> tuple[str, ...]:
    """Return all sentences, or as many as a report may have, the last of which says how many are left out."""
    said = tuple(sentences)
    if len(said) <= most:
        return said
    n_left = len(said) - most + 1
    return (
        *said[: most - 1],
        f"{n_left:,} more like the last, which blindlink-audit verify lists.",
    )


def _log_facts(verdict: Verdict) -> LogFacts:
    return LogFacts.from_row(
        verdict,
        root=verdict.root.hex(),
        shown=verdict.entries_shown,
        witnesses=tuple(Witnessed(witness=n, size=s) for n, s in sorted(verdict.cosigned.items())),
        receipts=tuple(Receipts(party=p, count=c) for p, c in sorted(verdict.receipts.items())),
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
