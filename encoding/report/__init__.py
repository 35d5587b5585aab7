"""Self-contained HTML reports: one file, no script, nothing fetched; charts are inline SVG."""

from __future__ import annotations

from encoding.report.blocks import (
    Markup,
    Verdict,
    paragraph,
    prose_table,
    scrolling,
    table,
    verdicts,
)
from encoding.report.charts import Bar, bar_chart, column_chart
from encoding.report.page import Section, render_page, write_page

__all__ = [
    "Bar",
    "Markup",
    "Section",
    "Verdict",
    "bar_chart",
    "column_chart",
    "paragraph",
    "prose_table",
    "render_page",
    "scrolling",
    "table",
    "verdicts",
    "write_page",
]
