"""A match record in words, as CSV and as a page: how many decisions of which kind, and each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from app.auditor.match_records import STEPS, RecordRead
from app.auditor.page import Section, Standing, bars, facts, findings, paragraph, render_page, table
from app.auditor.verdict import Verdict
from schemas.match_record import Decision, MatchRecordHeader

BANDS: Final = {"auto": "linked", "review": "held back for a person's decision"}
RULES: Final = {
    "mutual-best-with-margin": "each is the other's best, ahead of the next by the margin",
    "review-band": "alike enough to be looked at, not enough to be linked",
    "not-mutual-best": "another record is more alike to one of the two",
    "margin-too-small": "the next best is too close",
    "group-conflict": "another link of the same group rules it out",
}
COLUMNS: Final = (
    "number",
    "band",
    "rule",
    "similarity",
    "margin",
    "left_party",
    "right_party",
    "left_commitment",
    "right_commitment",
)
UNHELD: Final = (
    "the record was not held to a match log: give one with --log, or anyone could have written it"
)


def row_of(header: MatchRecordHeader, number: int, decision: Decision) -> tuple[str, ...]:
    """Return a decision as one row under `COLUMNS`; without margin where there was no other candidate."""
    left, right = (header.uploads[place].party for place in decision.uploads)
    return (
        str(number),
        decision.band,
        decision.rule,
        decision.similarity,
        decision.margin or "",
        left,
        right,
        *decision.commitments,
    )


def summary_lines(read: RecordRead) -> Iterator[str]:
    """Yield what a person reads of a record: kinds with their counts, and the histogram."""
    yield f"run          {read.header.run} of project {read.header.project}"
    yield f"uploads      {', '.join(f'{u.party} {u.upload}' for u in read.header.uploads)}"
    yield f"root         {read.root}"
    yield f"rows         {read.header.rows:,}, of which {read.withheld:,} are withheld"
    for (band, rule), count in read.by(0, 1).items():
        yield f"{band:<12} {count:>9,}  {rule}: {RULES[rule]}"
    yield from _histogram(read)


def record_page(
    read: RecordRead, rows: Sequence[Sequence[str]], listed: int, verdict: Verdict | None
) -> str:
    """Return a record as a page; `rows` are those of `listed` decisions that are shown on it."""
    header = read.header
    made_of = [
        ("run", header.run),
        ("project", header.project),
        ("uploads", ", ".join(f"{u.party} {u.upload}" for u in header.uploads)),
        ("specification", header.specification),
        ("root", read.root),
        ("rows", f"{header.rows:,}, of which {read.withheld:,} are withheld"),
    ]
    kinds = [
        (band, BANDS[band], rule, RULES[rule], f"{count:,}")
        for (band, rule), count in read.by(0, 1).items()
    ]
    charts = [
        bars(f"{BANDS[band]}: decisions by similarity, in steps of 0.05", _steps(read, band))
        for band in BANDS
        if any(key[0] == band for key in read.counts)
    ]
    less = "" if len(rows) == listed else f", of {listed:,} asked for; the CSV file has all of them"
    sections = [
        Section("The record", [facts(made_of), findings(_standings(read, verdict))]),
        Section(
            "Decisions by kind",
            [table("Kinds", ("Band", "Meaning", "Rule", "Meaning", "Decisions"), kinds), *charts]
            if kinds
            else [paragraph("None can be shown.")],
        ),
        Section(
            "Decision by decision",
            [table(f"{len(rows):,} decisions{less}", [c.replace("_", " ") for c in COLUMNS], rows)]
            if rows
            else [paragraph("None is listed.")],
        ),
    ]
    lead = "Every decision that a run made, without saying whose records it is about."
    return render_page("Match record", lead, sections, "Made by blindlink-audit.")


def _standings(read: RecordRead, verdict: Verdict | None) -> Iterator[tuple[Standing, str]]:
    if verdict is None:
        yield "warn", UNHELD
    else:
        yield "good", f"its root is in the match log {verdict.origin}, which verified"
        for caveat in verdict.caveats:
            yield "note", caveat.text
    if read.header.floor > 1:
        yield (
            "note",
            f"of each kind only a multiple of {read.header.floor} is shown; the rest, and rows that stand"
            " for no decision, are withheld",
        )


def _steps(read: RecordRead, band: str) -> list[tuple[str, int]]:
    counts = {step: count for (b, step), count in read.by(0, 2).items() if b == band}
    first = STEPS.index(min(counts))
    return [(step, counts.get(step, 0)) for step in STEPS[first:]]


def _histogram(read: RecordRead) -> Iterator[str]:
    counts = read.by(0, 2)
    most = max(counts.values(), default=0)
    for (band, step), count in counts.items():
        yield f"{band:<7} {step}  {count:>9,}  {'#' * max(1, 40 * count // most)}"
