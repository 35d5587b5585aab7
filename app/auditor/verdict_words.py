"""A verdict in words: what was checked, what it shows, and what it cannot show."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from app.auditor.errors import AuditError
from app.auditor.verdict import Verdict


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Yield the lines that a person reads after a verification that went well."""
    withheld = f", {verdict.entries_withheld:,} withheld" if verdict.entries_withheld else ""
    yield f"verified     {verdict.origin}"
    if verdict.project is not None:
        yield f"project      {verdict.project}"
    yield f"entries      {verdict.size:,}{withheld}"
    yield f"period       {verdict.first_time} to {verdict.last_time}"
    yield f"checkpoints  {verdict.checkpoints:,}, one at the end of each batch, all signed"
    yield f"root         {base64.b64encode(verdict.root).decode('ascii')}"
    for key in verdict.log_keys:
        yield f"log key      {key}"
    if verdict.pins:
        yield f"pins         {verdict.pins}, all part of this log"
    for name, size in sorted(verdict.cosigned.items()):
        yield f"witness      {name} {_signed_for(verdict, name, size)}"
    for party, count in sorted(verdict.receipts.items()):
        yield f"receipts     {count:,} of {party}, all entries of this log"
    for one in verdict.agreements:
        said = ", as you gave it" if one.is_given else ""
        yield f"agreement    {one.project} {one.number}, fingerprint {one.sha256}{said}"
    for caveat in verdict.caveats:
        yield f"{caveat.label:<13}{caveat.text}"


def verdict_facts(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Yield name and value of what a verification went over, for the head of a page."""
    yield "log", verdict.origin
    if verdict.project is not None:
        yield "project", verdict.project
    yield "entries", f"{verdict.size:,}, of which {verdict.entries_withheld:,} are withheld"
    yield "period", f"{verdict.first_time} to {verdict.last_time}"
    yield "root", base64.b64encode(verdict.root).decode("ascii")
    for key in verdict.log_keys:
        yield "log key", key
    yield "pins", f"{verdict.pins}, all part of this log" if verdict.pins else "none was given"
    for name, size in sorted(verdict.cosigned.items()):
        yield "witness", f"{name} {_signed_for(verdict, name, size)}"
    for party, count in sorted(verdict.receipts.items()):
        yield "receipts", f"{count:,} of {party}, all entries of this log"


def failure_lines(error: AuditError) -> Iterator[str]:
    """Yield what a person reads, on stderr, after a verification that failed."""
    yield f"error: {error.message}"
    if error.index is not None:
        yield f"first bad entry: {error.index}"
    evidence = {name: value for name, value in error.evidence.items() if value is not None}
    if evidence:
        yield "evidence: " + ", ".join(f"{name} {value}" for name, value in evidence.items())
    yield f"code: {error.code}"
    if error.hint is not None:
        yield f"hint: {error.hint}"


def _signed_for(verdict: Verdict, name: str, size: int) -> str:
    listed = ", by keys that a signed agreement lists" if name in verdict.vouched else ""
    return f"signed for the first {size:,} entries{listed}"


def moment(time: str | None, without: str = "") -> str:
    """Return a time of the log as people read it, in UTC; `without` where there is none."""
    return without if time is None else f"{time[:10]} {time[11:19]}"
