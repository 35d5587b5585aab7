"""The register of disclosures as a file: CSV for spreadsheets, HTML to read and print, JSON for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple
from typing import Any, Final

from app.auditor.verdict import Verdict
from app.auditor.verdict_words import verdict_facts
from schemas.documents.printable import inert
from schemas.matchlog.disclosures import COLUMNS, WHAT, Disclosure, Wanted
from schemas.shared.amounts import NOT_SHOWN, utc
from schemas.shared.page import Section, facts, findings, paragraph, prose_table, render_page


def register_csv(lines: Iterable[Disclosure]) -> str:
    """Return the register with one line a disclosure, under the names of `Disclosure`'s fields."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([_cell(value) for value in astuple(line)])
    return out.getvalue()


def register_json(lines: Iterable[Disclosure], verdict: Verdict) -> dict[str, Any]:
    """Return the register with the verdict on the log that it was made from."""
    return {"log": verdict.to_json(), "disclosures": [asdict(line) for line in lines]}


def register_page(lines: Sequence[Disclosure], wanted: Wanted, verdict: Verdict) -> str:
    """Return the register as a page that opens with what it is made from."""
    sections = [
        Section("What this is made from", [facts(verdict_facts(verdict)), _caveats(verdict)]),
        Section("Disclosures", [_table(lines) if lines else paragraph("There is none.")]),
        Section("What it does not say", [findings(("note", text) for text in NOT_SAID)]),
    ]
    return render_page(
        "Register of disclosures",
        _lead(len(lines), wanted),
        sections,
        FOOTER,
        maker="blindlink-audit",
    )


NOT_SAID: Final = (
    "Whose records they are: only the agencies know. Each answers that from its own workspace, with"
    " `blindlink disclosures`, and proves each line by its entry in the match log.",
    "Claims, by which recipients agree on link IDs: they are sealed from one recipient to another, their "
    "digests"
    " are in the log, and what they say of a record both have been told already.",
    "Times: they are the broker's own. Entries stand in the order in which they happened.",
    "What a receiver did afterwards: onward disclosures are its own to record.",
)
FOOTER: Final = "Made by blindlink-audit from a match log that it verified."


def _lead(n_lines: int, wanted: Wanted) -> str:
    parts = [f"{n_lines:,} disclosures and refused requests"]
    parts += [f"of project {wanted.project}"] if wanted.project else []
    parts += [f"by or to {wanted.party}"] if wanted.party else []
    parts += [f"from {wanted.since}"] if wanted.since else []
    parts += [f"to {wanted.until}"] if wanted.until else []
    return " ".join(parts) + "."


def _caveats(verdict: Verdict) -> Any:
    return findings(("note", caveat.text) for caveat in verdict.caveats)


def _table(lines: Sequence[Disclosure]) -> Any:
    header = ("Date", "From", "To", "What", "Legitimate interest", "Legal basis", "Under", "Proof")
    rows = [
        (
            utc(line.time), _party(line.giver, line.giver_title),
            _party(line.receiver, line.receiver_title), what_words(line), line.interest or line.purpose,
            f"{line.basis}; {line.citation}" if line.citation else line.basis, _under(line),
            f"entry {line.entry}, {line.object}",
        )
        for line in lines
    ]  # fmt: skip
    return prose_table("One row a disclosure, in the order of the match log", header, rows)


def what_words(line: Disclosure) -> str:
    """Return what was disclosed, and of how many records as far as that is shown."""
    if line.outcome == "refused":
        return f"asked for {WHAT[line.what]}; refused"
    count = NOT_SHOWN if line.records is None else f"{line.records:,} records"
    return f"{WHAT[line.what]}: {count}" if line.what != "count" else WHAT[line.what]


def _under(line: Disclosure) -> str:
    onward = f"; onward to: {line.onward}" if line.onward else ""
    return f"{line.project}, agreement {line.agreement_number}, {line.agreement[:16]}{onward}"


def _party(name: str, title: str) -> str:
    return f"{title} ({name})" if title else name


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return inert(value) if isinstance(value, str) else value
