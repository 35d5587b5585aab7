"""Reads the project's pages: their links, headings and examples."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("schemas/spec/*.md")]
# What people read to do their work: no decision records, no answers to standards, no formats.
GUIDES = sorted(ROOT.glob("docs/*.md"))

_FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)


def links_of(page: Path) -> list[str]:
    """Return what a page links to, on this machine alone."""
    return re.findall(
        r"\]\((?!https?:|mailto:)([^)\s]+)\)", _FENCE.sub("", page.read_text("utf-8"))
    )


@cache
def headings(page: Path) -> frozenset[str]:
    """Return the names by which a repository's host links to the headings of a page."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles)


def has_example(page: Path) -> bool:
    """Tell whether a page shows something: a picture, a command, or an output."""
    return bool(re.search(r"^!\[|^ *```|^    \w", page.read_text("utf-8"), re.MULTILINE))
