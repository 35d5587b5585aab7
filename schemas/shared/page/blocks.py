"""The text blocks of a page. Whatever is passed in is text, and is escaped here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, Literal


class Markup(str):
    """HTML that is escaped already, also by the word of `__html__`, which templates ask for."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return it as it is."""
        return self


Standing = Literal["good", "warn", "bad", "note"]
"""How a sentence stands: `note` where nothing is judged."""

# Said in words too, since color alone reaches neither everyone nor every printer.
_WORDS: Final = {"good": "in order", "warn": "look at it", "bad": "not in order", "note": "note"}
# A browser breaks a date at its hyphens otherwise.
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def paragraph(text: str) -> Markup:
    """Return a paragraph."""
    return Markup(f"<p>{escape(text)}</p>")


def findings(listed: Iterable[tuple[Standing, str]]) -> Markup:
    """Return a list of sentences, each with its standing."""
    items = "".join(
        f'<li class="{standing}"><b>{_WORDS[standing]}</b><span>{escape(sentence)}</span></li>'
        for standing, sentence in listed
    )
    return Markup(f'<ul class="findings">{items}</ul>')


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Return names with what they are."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(what)}</dd>" for name, what in pairs)
    return Markup(f"<dl>{items}</dl>")


def lines(text: str) -> Markup:
    """Return text as it stands, line by line."""
    return Markup(f'<div class="lines">{escape(text)}</div>')


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Return a table of numbers; the first cell of each row is its heading, the others are right-aligned."""
    return _table("", caption, header, rows)


def prose_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Return a table of words, left-aligned; on a narrow screen each row becomes a paragraph.

    An empty cell is one to be filled in by hand.
    """
    return _table(' class="prose"', caption, header, rows)


def scrolling(name: str, content: str) -> Markup:
    """Return markup in a frame that scrolls by itself where the page is narrow; the keyboard reaches it."""
    return Markup(
        f'<div class="wide" role="region" aria-label="{escape(name)}" tabindex="0">{content}</div>'
    )


def _table(
    attributes: str, caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> Markup:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(_row(header, row) for row in rows)
    return scrolling(
        f"Table: {caption}",
        f"<table{attributes}><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>",
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
