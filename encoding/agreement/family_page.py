"""A notice to families as a page to print, and as Markdown to adapt."""

from __future__ import annotations

from html import escape

from encoding.agreement.family_notice import OPEN_END, OPEN_START, FamilyNotice, NoticePart
from encoding.agreement.text import plain_markdown
from schemas.shared.page import Markup, Section, render_page


def family_page(notice: FamilyNotice) -> str:
    """Return the notice as an HTML file that needs no other; open places are framed."""
    sections = [Section(part.heading, list(map(_block, part.blocks))) for part in notice.parts]
    return render_page(notice.title, notice.lead, sections, notice.source, language=notice.language)


def family_markdown(notice: FamilyNotice) -> str:
    """Return the notice as Markdown; open places are in bold and braces."""
    lines = [f"# {notice.title}", notice.lead]
    for part in notice.parts:
        lines += [f"## {part.heading}", *_markdown_blocks(part)]
    return "\n\n".join([*lines, plain_markdown(notice.source)]) + "\n"


def _block(block: str | tuple[str, ...]) -> Markup:
    if isinstance(block, str):
        return Markup(f"<p>{_marked(block)}</p>")
    return Markup(f"<ul>{''.join(f'<li>{_marked(item)}</li>' for item in block)}</ul>")


def _marked(text: str) -> str:
    return escape(text).replace(OPEN_START, "<mark>").replace(OPEN_END, "</mark>")


def _markdown_blocks(part: NoticePart) -> list[str]:
    return [
        _bold(block) if isinstance(block, str) else "\n".join(f"- {_bold(item)}" for item in block)
        for block in part.blocks
    ]


def _bold(text: str) -> str:
    return plain_markdown(text).replace(OPEN_START, "**").replace(OPEN_END, "**")
