"""The text blocks of a report. Whatever is passed in is text, and is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, NewType

Markup = NewType("Markup", str)
"""HTML that is escaped already."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sentence with its standing: `good`, `warn`, `bad`, or `note` where nothing is judged."""

    standing: Literal["good", "warn", "bad", "note"]
    sentence: str


# Said in words too, since colour alone reaches neither everyone nor every printer.
_STANDINGS = {"good": "in order", "warn": "look at it", "bad": "stop", "note": "note"}


def paragraph(text: str) -> Markup:
    """Return a paragraph."""
    return Markup(f"<p>{escape(text)}</p>")


def verdicts(listed: Sequence[Verdict]) -> Markup:
    """Return a list of sentences, each with its standing."""
    items = "".join(
        f'<li class="{v.standing}"><b>{_STANDINGS[v.standing]}</b> {escape(v.sentence)}</li>'
        for v in listed
    )
    return Markup(f'<ul class="verdicts">{items}</ul>')


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """Return a table; the first cell of each row is its heading, the others are right-aligned."""
    return _table("", caption, header, rows)


def prose_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """Return a table of sentences, left-aligned; on a narrow screen each row becomes a paragraph."""
    return _table(' class="prose"', caption, header, rows)


def scrolling(name: str, content: str) -> Markup:
    """Return markup in a frame that scrolls by itself where the page is narrow; the keyboard reaches it."""
    return Markup(
        f'<div class="wide" role="region" aria-label="{escape(name)}" tabindex="0">{content}</div>'
    )


def _table(
    attributes: str, caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> Markup:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(
            f'<td data-label="{escape(name)}">{escape(cell)}</td>'
            for name, cell in zip(header[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return scrolling(
        f"Table: {caption}",
        f"<table{attributes}><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>",
    )
