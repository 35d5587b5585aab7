"""The page around its blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from typing import Final, Literal

from schemas.shared.page.blocks import Markup

Maker = Literal["blindlink report", "blindlink-audit", "blindlink certificate"]

# Nothing may load or run, whatever a browser's extensions or a careless edit put into the file.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under a heading; `own_page` begins a new sheet in print."""

    heading: str
    blocks: Sequence[Markup]
    own_page: bool = False


def page_start(maker: Maker) -> str:
    """Return how pages of this maker begin, by which an earlier one is known that may be overwritten."""
    return f"<!doctype html>\n<!-- {maker} -->\n"


def render_page(
    title: str,
    lead: str,
    sections: Iterable[Section],
    footer: str,
    *,
    maker: Maker = "blindlink report",
    is_brief: bool = False,
    language: str = "en",
) -> str:
    """Return a whole HTML file that needs no other."""
    kind = "" if maker == "blindlink report" else ' class="wide-page"'
    kind = ' class="brief"' if is_brief else kind
    under = f'<p class="lead">{escape(lead)}</p>\n' if lead else ""
    return (
        f'{page_start(maker)}<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body{kind}>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n{under}{''.join(map(_section, sections))}</main>\n"
        f"<footer>{escape(footer)}</footer>\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    kind = ' class="own-page"' if section.own_page else ""
    return f"<section{kind}><h2>{escape(section.heading)}</h2>{''.join(section.blocks)}</section>\n"


@cache
def _style() -> str:
    return resources.files("schemas.shared.page").joinpath("page.css").read_text("utf-8")
