"""Self-contained HTML pages: one file, no script, nothing fetched. What is passed in is text, escaped here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import Final, Literal, NewType

Markup = NewType("Markup", str)
"""HTML that is escaped already."""

Standing = Literal["good", "warn", "bad", "note"]

PAGE_START: Final = "<!doctype html>\n<!-- blindlink-audit -->\n"
# Nothing may load or run, whatever a browser's extensions or a careless edit put into the file.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
# Said in words too, since colour alone reaches neither everyone nor every printer.
_STANDINGS: Final = {
    "good": "in order",
    "warn": "look at it",
    "bad": "not in order",
    "note": "note",
}
# A browser breaks a date at its hyphens otherwise.
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under a heading; `own_page` begins a new sheet in print."""

    heading: str
    blocks: Sequence[Markup]
    own_page: bool = False


def render_page(title: str, lead: str, sections: Iterable[Section], footer: str) -> str:
    """Return a whole HTML file that needs no other."""
    style = resources.files("app.auditor").joinpath("page.css").read_text("utf-8")
    body = "".join(map(_section, sections))
    return (
        f'{PAGE_START}<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>\n{body}</main>\n'
        f"<footer>{escape(footer)}</footer>\n</body>\n</html>\n"
    )


def counted(number: int, one: str) -> str:
    """Return a number with its word, such as "1 run" or "1,650 runs"."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def moment(time: str | None, without: str = "") -> str:
    """Return a time of the log as people read it, in UTC; `without` where there is none."""
    return without if time is None else f"{time[:10]} {time[11:19]}"


def paragraph(text: str) -> Markup:
    """Return a paragraph."""
    return Markup(f"<p>{escape(text)}</p>")


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Return names with what they are."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(what)}</dd>" for name, what in pairs)
    return Markup(f"<dl>{items}</dl>")


def findings(listed: Iterable[tuple[Standing, str]]) -> Markup:
    """Return sentences, each with its standing."""
    items = "".join(
        f'<li class="{standing}"><b>{_STANDINGS[standing]}</b><span>{escape(sentence)}</span></li>'
        for standing, sentence in listed
    )
    return Markup(f'<ul class="findings">{items}</ul>')


def lines(text: str) -> Markup:
    """Return text as it stands, line by line."""
    return Markup(f'<div class="lines">{escape(text)}</div>')


def bars(caption: str, counts: Sequence[tuple[str, int]]) -> Markup:
    """Return bars under each other, each with its count; the table beside them says the same."""
    most = max((count for _, count in counts), default=0) or 1
    pieces = "".join(
        f'<text x="52" y="{24 * place + 16}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="60" y="{24 * place + 4}" width="{520 * count / most:.1f}" height="16"/>'
        f'<text x="{66 + 520 * count / most:.1f}" y="{24 * place + 16}">{count:,}</text>'
        for place, (label, count) in enumerate(counts)
    )
    text = escape(caption)
    return Markup(
        f'<figure><svg viewBox="0 0 680 {24 * len(counts)}" role="img" aria-label="{text}">{pieces}</svg>'
        f"<figcaption>{text}</figcaption></figure>"
    )


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Return a table whose rows begin with their heading; on a narrow screen each row becomes a paragraph.

    An empty cell is one to be filled in by hand.
    """
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(_row(header, row) for row in rows)
    return Markup(
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(header: Sequence[str], row: Sequence[str]) -> str:
    cells = "".join(
        f'<td data-label="{escape(name)}"{_kind(cell)}>{escape(cell)}</td>'
        for name, cell in zip(header[1:], row[1:], strict=True)
    )
    return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'


def _kind(cell: str) -> str:
    if _DAY.fullmatch(cell):
        return ' class="day"'
    return "" if cell else ' class="blank"'


def _section(section: Section) -> str:
    kind = ' class="own-page"' if section.own_page else ""
    return f"<section{kind}><h2>{escape(section.heading)}</h2>{''.join(section.blocks)}</section>\n"
