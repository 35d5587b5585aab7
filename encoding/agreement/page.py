"""An agreement as one printable HTML file, with the page that counsel signs in ink."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from encoding.agreement.picture import data_flow
from schemas.agreement.agreement import Agreement
from schemas.agreement.chapters import Chapter, Table, chapters_of, grouped
from schemas.linkage.profile import EncodingProfile
from schemas.shared.page import Markup, Section, paragraph, prose_table, render_page

HASH_PAGE: Final = "Signatures of counsel"
_BLANKS: Final = ("Signature", "Name", "Title", "Date")


def agreement_page(
    agreement: Agreement, profile: EncodingProfile | None, signatures: Sequence[Chapter] = ()
) -> str:
    """Return the page; it needs no other file and loads nothing.

    Args:
        profile: the encoding profile, if it is at hand; None says less about how encodings are made.
        signatures: chapters about who has signed, shown before the page of counsel's signatures.
    """
    sections = [
        Section("Where data goes", [data_flow(agreement)]),
        *(_section(chapter) for chapter in (*chapters_of(agreement, profile), *signatures)),
        Section(HASH_PAGE, list(_hash_page(agreement)), own_page=True),
    ]
    return render_page(
        f"Agreement {agreement.number} of the project {agreement.project}",
        agreement.purpose.statement,
        sections,
        f"Fingerprint of the agreement: {grouped(agreement.digest())}",
    )


def _section(chapter: Chapter) -> Section:
    blocks = [paragraph(sentence) for sentence in chapter.sentences]
    return Section(chapter.heading, [*blocks, *map(_table, chapter.tables)])


def _table(table: Table) -> Markup:
    return prose_table(table.caption, table.header, table.rows)


def _hash_page(agreement: Agreement) -> list[Markup]:
    fingerprint = escape(grouped(agreement.digest()))
    lines = "".join(
        f'<div style="break-inside:avoid;margin:1.2rem 0"><b>{escape(party.title)}</b> '
        f"({escape(party.name)})<br>{signature_blanks()}</div>"
        for party in agreement.parties
    )
    return [
        paragraph(
            "Each counsel signs this page for one party, having read the agreement to which the fingerprint "
            "belongs: a change of a single character gives another fingerprint. The party's steward then signs "
            "with a key, and names counsel, title and date."
        ),
        Markup(
            f"<p>Fingerprint (SHA-256) of agreement number {agreement.number} of the project "
            f"{escape(agreement.project)}:</p>"
            f'<p style="font:1.1rem ui-monospace,Consolas,monospace;max-width:37ch">{fingerprint}</p>'
        ),
        Markup(lines),
    ]


def signature_blanks() -> str:
    """Return the places where counsel signs, in HTML."""
    return "".join(map(_blank, _BLANKS))


def _blank(label: str) -> str:
    line = "display:inline-block;min-width:11rem;border-bottom:1px solid var(--soft)"
    return (
        '<span style="display:inline-block;margin:1.6rem 1.5rem 0 0">'
        f'<span style="color:var(--soft)">{label} </span><span style="{line}">&nbsp;</span></span>'
    )
