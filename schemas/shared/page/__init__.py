"""Self-contained HTML pages: one file, no script, nothing fetched; charts are inline SVG."""

from __future__ import annotations

from schemas.shared.page.blocks import (
    Markup,
    Standing,
    facts,
    findings,
    lines,
    paragraph,
    prose_table,
    scrolling,
    table,
)
from schemas.shared.page.charts import (
    Bar,
    Column,
    bar_chart,
    column_chart,
    counts_chart,
    nice_ticks,
    waterfall_chart,
)
from schemas.shared.page.page import Section, page_start, render_page

__all__ = [
    "Bar",
    "Column",
    "Markup",
    "Section",
    "Standing",
    "bar_chart",
    "column_chart",
    "counts_chart",
    "facts",
    "findings",
    "lines",
    "nice_ticks",
    "page_start",
    "paragraph",
    "prose_table",
    "render_page",
    "scrolling",
    "table",
    "waterfall_chart",
]
