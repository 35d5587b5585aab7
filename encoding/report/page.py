"""The page around the blocks of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import Final

from encoding.files import refuse_to_overwrite, write_durably
from encoding.report.blocks import Markup

PAGE_START: Final = "<!doctype html>\n<!-- blindlink report -->\n"
# Nothing may load or run, whatever a browser's extensions or a careless edit put into the file.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report under a heading."""

    heading: str
    blocks: Sequence[Markup]


def render_page(title: str, lead: str, sections: Sequence[Section], footer: str) -> str:
    """Return a whole HTML file that needs no other."""
    body = "".join(
        f"<section><h2>{escape(section.heading)}</h2>{''.join(section.blocks)}</section>\n"
        for section in sections
    )
    return (
        f'{PAGE_START}<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>\n{body}</main>\n'
        f"<footer>{escape(footer)}</footer>\n</body>\n</html>\n"
    )


def write_page(path: Path, page: str, *, force: bool = False) -> None:
    """Write a page; an earlier report is replaced, any other file is not.

    Raises:
        OutputExistsError, OutputBlockedError: see encoding.files.
    """
    refuse_to_overwrite(path, own_start=PAGE_START.encode(), force=force)
    write_durably(path, page.encode())


@cache
def _style() -> str:
    return resources.files("encoding.report").joinpath("page.css").read_text("utf-8")
