"""A match record in words, as CSV and as a page: its weights, kinds of decisions, and each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from app.auditor.match_records import RecordRead
from app.auditor.verdict import Verdict
from schemas.linkage.decision_steps import PROBABILITY_STEPS
from schemas.rounds.match_record import Decision, MatchRecordHeader
from schemas.shared.page import (
    Bar,
    Section,
    Standing,
    bar_chart,
    facts,
    findings,
    paragraph,
    prose_table,
    render_page,
)

BANDS: Final = {"auto": "linked", "review": "sent to clerical review"}
RULES: Final = {
    "match-probability": "likely enough to be linked",
    "review-band": "likely enough to be reviewed, not enough to be linked",
    "contradicted": "names or dates contradict the number that they share, or that they were linked before",
    "twin-guard": "twins would explain it as well",
    "lead-too-small": "another pair of one of its records is nearly as likely",
    "reviewed": "reviewers accepted it after it was sent to review",
}
COLUMNS: Final = (
    "number", "band", "rule", "probability", "lead", "larger_party", "smaller_party", "larger_commitment",
    "smaller_commitment",
)  # fmt: skip
WEIGHTS_HEADER: Final = ("field", "level, 1 is the nearest", "weight in bits", "odds times")
UNHELD: Final = (
    "the record was not held to a match log: give one with --log, or anyone could have written it"
)


def row_of(header: MatchRecordHeader, number: int, decision: Decision) -> tuple[str, ...]:
    """Return a decision as one row under `COLUMNS`; without lead where its records have no other pair."""
    larger, smaller = header.uploads
    return (
        str(number), decision.band, decision.rule, decision.probability,
        "" if decision.lead is None else str(decision.lead), larger.party, smaller.party,
        *decision.commitments,
    )  # fmt: skip


def weight_rows(header: MatchRecordHeader) -> Iterator[tuple[str, str, str, str]]:
    """Yield the weights by which the run decided, under `WEIGHTS_HEADER`; the prior first."""
    yield "before anything is compared", "", _bits(header.prior), _odds(header.prior)
    for field in header.weights:
        for number, weight in enumerate(field.levels, start=1):
            yield field.field, str(number), _bits(weight), _odds(weight)


def summary_lines(read: RecordRead) -> Iterator[str]:
    """Yield what a person reads of a record: weights, kinds with their counts, and the histogram."""
    header = read.header
    yield f"run          {header.run} of project {header.project}, round {header.round}"
    yield f"uploads      {', '.join(f'{u.party} {u.upload}' for u in header.uploads)}"
    yield f"root         {read.root}"
    yield f"rows         {header.rows:,}, of which {read.withheld:,} are withheld"
    for field, level, bits, _ in weight_rows(header):
        yield f"weight       {bits:>8}  {field}{f', level {level}' if level else ''}"
    for (band, rule), count in read.by(0, 1).items():
        yield f"{band:<12} {count:>9,}  {rule}: {RULES[rule]}"
    yield f"expected     {expected_wrong(read)}"
    yield from _histogram(read)


def expected_wrong(read: RecordRead) -> str:
    """Return how many of the linked pairs that are shown are expected to be wrong, as a sentence's end."""
    n_linked = sum(count for (band,), count in read.by(0).items() if band == "auto")
    most = float(read.most_expected_wrong())
    return f"at most {most:,.1f} of the {n_linked:,} linked pairs that are shown are expected to be wrong"


def record_page(
    read: RecordRead, rows: Sequence[Sequence[str]], listed: int, verdict: Verdict | None
) -> str:
    """Return a record as a page; `rows` are those of `listed` decisions that are shown on it."""
    less = "" if len(rows) == listed else f", of {listed:,} asked for; the CSV file has all of them"
    sections = [
        Section("The record", [facts(_facts(read)), findings(_standings(read, verdict))]),
        Section(
            "Weights",
            [
                paragraph(
                    "A pair's weights are added up: each bit makes a match twice as likely. The first row "
                    "is where"
                    " every pair starts. Names of levels stand in the encoding profile."
                ),
                prose_table(
                    "Match weights of this run", WEIGHTS_HEADER, [*weight_rows(read.header)]
                ),
            ],
        ),
        _kinds(read),
        Section(
            "Decision by decision",
            [
                prose_table(
                    f"{len(rows):,} decisions{less}", [c.replace("_", " ") for c in COLUMNS], rows
                )
            ]
            if rows
            else [paragraph("None is listed.")],
        ),
    ]
    lead = "Every decision that a run made, without saying whose records it is about."
    return render_page(
        "Match record",
        lead,
        sections,
        "Made by blindlink-audit.",
        maker="blindlink-audit",
    )


def _facts(read: RecordRead) -> Iterator[tuple[str, str]]:
    header = read.header
    yield "run", header.run
    yield "project", header.project
    yield "round", str(header.round)
    yield "uploads", ", ".join(f"{u.party} {u.upload}" for u in header.uploads)
    yield "specification", header.specification
    yield "root", read.root
    yield "rows", f"{header.rows:,}, of which {read.withheld:,} are withheld"
    yield "expected", expected_wrong(read)


def _kinds(read: RecordRead) -> Section:
    kinds = [
        (band, BANDS[band], rule, RULES[rule], f"{count:,}")
        for (band, rule), count in read.by(0, 1).items()
    ]
    if not kinds:
        return Section("Decisions by kind", [paragraph("None can be shown.")])
    charts = [
        bar_chart(
            f"{BANDS[band]}: decisions by match probability, from each step on",
            _bars(_steps(read, band)),
        )
        for band in BANDS
        if any(key[0] == band for key in read.counts)
    ]
    header = ("Band", "Meaning", "Rule", "Meaning", "Decisions")
    return Section("Decisions by kind", [prose_table("Kinds", header, kinds), *charts])


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
    known = [step for step in PROBABILITY_STEPS if step in counts]
    first = PROBABILITY_STEPS.index(known[0])
    last = PROBABILITY_STEPS.index(known[-1])
    return [(step, counts.get(step, 0)) for step in PROBABILITY_STEPS[first : last + 1]]


def _bars(counts: list[tuple[str, int]]) -> list[Bar]:
    most = max((count for _, count in counts), default=0) or 1
    return [Bar(step, count / most, f"{count:,}") for step, count in counts]


def _histogram(read: RecordRead) -> Iterator[str]:
    counts = read.by(0, 2)
    most = max(counts.values(), default=0)
    for band in BANDS:
        for step in PROBABILITY_STEPS:
            count = counts.get((band, step))
            if count:
                yield f"{band:<7} {step:<5} {count:>9,}  {'#' * max(1, 40 * count // most)}"


def _bits(weight: int) -> str:
    return f"{weight / 1000:+.3f}"


def _odds(weight: int) -> str:
    """Return by what a weight multiplies the odds, rounded to what a person takes in."""
    times = 2.0 ** (weight / 1000)
    return f"{times:,.1f}" if times >= 1 else f"1/{1 / times:,.1f}"
