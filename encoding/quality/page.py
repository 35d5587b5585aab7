"""The report as a page, and as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from encoding.quality.counts import ColumnCounts
from encoding.quality.findings import FLOOR, is_small
from encoding.quality.report import Report, years_shown
from schemas.linkage.passes import KeyForm
from schemas.shared.page import (
    Bar,
    Column,
    Markup,
    Section,
    Standing,
    bar_chart,
    column_chart,
    findings,
    paragraph,
    prose_table,
    render_page,
    table,
)

VERDICTS: Mapping[str, Standing] = {"stop": "bad", "warn": "warn", "note": "note"}
_WORD = {"stop": "stop", "warn": "look", "note": "note"}
_FAULTS = ("missing", "placeholder", "invalid", "garbled", "non_ascii")
_PASS_HEADER = (
    "pass", "keys", "records without", "blocks too large", "rows left out", "because of column"
)  # fmt: skip
_HEADER = ("column", "empty", "unknown", "unreadable", "garbled", "letters beyond A to Z")


def summary(report: Report) -> str:
    """Return the outcome in one sentence."""
    rows = f"{report.counts.rows:,} rows, {report.counts.records:,} records"
    if report.stops:
        return f"{rows}: look at what was found before you encode this file"
    worth = sum(finding.standing == "warn" for finding in report.findings)
    if not worth:
        return f"{rows}: in order"
    things = "1 thing is" if worth == 1 else f"{worth} things are"
    return f"{rows}: can be encoded; {things} worth a look"


def report_lines(report: Report, *, shareable: bool) -> Iterator[str]:
    """Yield the report as lines of text."""
    yield summary(report)
    for finding in report.findings:
        yield f"  {_WORD[finding.standing]:<5} {finding.sentence(shareable=shareable)}"
    width = max(len(column.header) for column in report.counts.columns)
    yield f"  {'column':<{width}} {'empty':>9} {'unknown':>9} {'unreadable':>10}"
    for column in report.counts.columns:
        shown = [
            _count(getattr(column, fault), report.counts.rows, shareable=shareable)
            for fault in _FAULTS[:3]
        ]
        yield f"  {column.header:<{width}} {shown[0]:>9} {shown[1]:>9} {shown[2]:>10}"
    width = max(len(one.name) for one in report.counts.blocks.passes)
    yield f"  {'pass':<{width}} {'without':>9} {'too large':>9} {'left out':>9}  because of"
    for name, _, without, too_large, dropped, why in _pass_cells(report, shareable=shareable):
        yield f"  {name:<{width}} {without:>9} {too_large:>9} {dropped:>9}  {why}".rstrip()


def report_page(report: Report, file_name: str, *, shareable: bool) -> str:
    """Return the report as one self-contained HTML file."""
    sections = [
        Section("What was found", [_verdicts(report, shareable=shareable)]),
        Section("Columns", list(_columns(report, shareable=shareable))),
        Section("Passes", list(_passes(report, shareable=shareable))),
        Section("Dates of birth", list(_births(report, shareable=shareable))),
    ]
    note = (
        f"Counts under {FLOOR} are not shown."
        if shareable
        else "This page shows small counts: keep it where the file is kept."
    )
    return render_page(f"Check of {file_name}", f"{summary(report)}.", sections, note)


def _verdicts(report: Report, *, shareable: bool) -> Markup:
    if not report.findings:
        return findings([("good", "nothing that is worth a look")])
    return findings(
        [
            (VERDICTS[finding.standing], finding.sentence(shareable=shareable))
            for finding in report.findings
        ]
    )


def _columns(report: Report, *, shareable: bool) -> Iterator[Markup]:
    rows = report.counts.rows
    yield table(
        f"Cells of {rows:,} rows",
        _HEADER,
        [
            (
                column.header,
                *(_count(getattr(column, fault), rows, shareable=shareable) for fault in _FAULTS),
            )
            for column in report.counts.columns
        ],
    )
    yield bar_chart(
        "Cells that say nothing, by column: empty, unknown or unreadable",
        [_bar(column, rows, shareable=shareable) for column in report.counts.columns],
    )


def _passes(report: Report, *, shareable: bool) -> Iterator[Markup]:
    blocks = report.counts.blocks
    yield table(
        f"Blocking keys of {blocks.records:,} records that can be encoded, by pass",
        _PASS_HEADER,
        list(_pass_cells(report, shareable=shareable)),
    )
    sent = "1 row" if blocks.cap == 1 else f"{blocks.cap} rows"
    yield paragraph(
        "A block is the records that share a blocking key. Of each block the larger file of a pair sends "
        f"{sent}, and leaves the others out: such a block is too large."
    )
    yield prose_table(
        "Two records are compared if they agree on one of these keys",
        ("pass", "its keys, by derived column"),
        [
            (one.name, "; or ".join(_form_words(form) for form in one.forms))
            for one in blocks.passes
        ],
    )
    if blocks.one_in > 1:
        yield paragraph(f"Counted in one of {blocks.one_in} blocks, and multiplied.")


def _form_words(form: KeyForm) -> str:
    """Return a key's columns; of a part of several columns the order of the values does not count."""
    return " + ".join(
        part[0] if len(part) == 1 else f"({' and '.join(part)} in either order)" for part in form
    )


def _pass_cells(
    report: Report, *, shareable: bool
) -> Iterator[tuple[str, str, str, str, str, str]]:
    blocks = report.counts.blocks
    header_of = {column.name: column.header for column in report.counts.columns}
    for one in blocks.passes:
        yield (
            one.name, f"{one.keys:,}", _count(one.records_without, blocks.records, shareable=shareable),
            _count(one.blocks_too_large, one.keys, shareable=shareable),
            _count(one.rows_dropped, one.keys, shareable=shareable),
            ", ".join(header_of.get(name, name) for name in one.dropped_by),
        )  # fmt: skip


def _bar(column: ColumnCounts, rows: int, *, shareable: bool) -> Bar:
    parts = (column.missing, column.placeholder, column.invalid)
    told = [part for part in parts if not (shareable and is_small(part, rows))]
    share = sum(told) / rows if rows else 0.0
    text = f"{share:.1%}"
    # The length of a bar, and the sum of its parts, would tell what the table leaves out.
    if shareable and any(FLOOR <= one < rows < one + FLOOR for one in (*parts, sum(told))):
        share, text = 1.0, "nearly all"
    elif len(told) < len(parts):
        text = f"{text} and a few" if share else "a few"
    return Bar(column.header, share, text, is_bad=column.is_required and share > 0.1)


def _births(report: Report, *, shareable: bool) -> Iterator[Markup]:
    births = report.counts.births
    years = years_shown(births.by_year, shareable=shareable)
    counted = dict(years)
    # A year without a date has its place too: the axis is one of time.
    span = range(min(counted), max(counted) + 1) if counted else range(0)
    yield column_chart(
        "Rows by year of birth",
        [Column(str(year), counted.get(year, 0)) for year in span],
        axis="year of birth",
    )
    yield table(
        f"{births.dates:,} dates that can be read",
        ("year", "rows"),
        [(str(year), f"under {FLOOR}" if count is None else f"{count:,}") for year, count in years],
    )


def _count(count: int, of: int, *, shareable: bool) -> str:
    if shareable and is_small(count, of):
        return f"under {FLOOR}" if count < FLOOR else "nearly all"
    return f"{count:,}"
