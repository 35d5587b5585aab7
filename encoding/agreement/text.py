"""An agreement as lines for the terminal, and as Markdown for the person who attaches it to a paper."""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from schemas.agreement.agreement import Agreement
from schemas.agreement.chapters import Chapter, Table, chapters_of, grouped
from schemas.linkage.profile import EncodingProfile

_WIDTH: Final = 96
# What Markdown would take for a sign of its own; agreements hold plain text.
_SIGNS: Final = re.compile(r"([\\`*_\[\]<>|#])")


def agreement_lines(
    agreement: Agreement, profile: EncodingProfile | None, signatures: Sequence[Chapter] = ()
) -> Iterator[str]:
    """Yield the agreement as lines of at most 96 characters, the fingerprint first and last."""
    fingerprint = f"fingerprint  {grouped(agreement.digest())}"
    yield f"Agreement {agreement.number} of the project {agreement.project}"
    yield fingerprint
    for chapter in (*chapters_of(agreement, profile), *signatures):
        yield ""
        yield chapter.heading.upper()
        for sentence in chapter.sentences:
            yield from _wrapped(sentence, "")
        for table in chapter.tables:
            yield from _rows(table)
    yield ""
    yield fingerprint


def changed_lines(
    before: tuple[Agreement, EncodingProfile | None],
    after: tuple[Agreement, EncodingProfile | None],
) -> Iterator[str]:
    """Yield what an amendment takes out, with a minus, and what it puts in, with a plus."""
    old, new = list(agreement_lines(*before)), list(agreement_lines(*after))
    for line in difflib.ndiff(old, new):
        if line[:1] in "-+" and line[2:].strip():
            yield line


def agreement_markdown(
    agreement: Agreement, profile: EncodingProfile | None, signatures: Sequence[Chapter] = ()
) -> str:
    """Return the agreement as Markdown with tables."""
    lines = [
        f"# Agreement {agreement.number} of the project {agreement.project}",
        "",
        f"Fingerprint (SHA-256): `{grouped(agreement.digest())}`",
    ]
    for chapter in (*chapters_of(agreement, profile), *signatures):
        lines += ["", f"## {chapter.heading}"]
        for sentence in chapter.sentences:
            lines += ["", plain_markdown(sentence)]
        for table in chapter.tables:
            lines += ["", f"**{plain_markdown(table.caption)}**", "", *_grid(table)]
    return "\n".join(lines) + "\n"


def _rows(table: Table) -> Iterator[str]:
    """Yield a table as a terminal shows it: each row a paragraph, each cell under its heading's name."""
    yield from _wrapped(f"{table.caption}:", "  ")
    for row in table.rows:
        yield from _wrapped(row[0], "    ")
        for heading, cell in zip(table.header[1:], row[1:], strict=True):
            if cell:
                yield from _wrapped(f"{heading}: {cell}", "      ")


def _wrapped(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )


def _grid(table: Table) -> Iterator[str]:
    yield _grid_row(table.header)
    yield _grid_row(["---"] * len(table.header))
    for row in table.rows:
        yield _grid_row([plain_markdown(cell) for cell in row])


def _grid_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def plain_markdown(text: str) -> str:
    """Return text that Markdown shows as it is written."""
    return _SIGNS.sub(r"\\\1", text)
