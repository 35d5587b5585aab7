"""The sheet that counsel signs once for many agreements that one template makes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from encoding.agreement.page import signature_blanks
from encoding.hub.spokes import Spoke, sheet_digest
from schemas.chapters import grouped
from schemas.shared.page import Markup, Section, paragraph, prose_table, render_page


def sheet_page(number: int, party: str, spokes: Sequence[Spoke], columns: Sequence[str]) -> str:
    """Return the sheet as one printable page that loads nothing.

    Args:
        number: of the sheet.
        party: the hub's.
        spokes: those on the sheet.
        columns: what the template takes from the list, besides name, title and project.
    """
    fingerprint = grouped(sheet_digest(spokes))
    sections = [
        Section(
            "What counsel signs",
            [
                paragraph(
                    f"One agreement with each of the {len(spokes):,} spokes below. All are made from one"
                    " template: they differ in what stands in this table, in the persons of the spoke, and in"
                    f" nothing else. Read one of them in full: spokes/{spokes[0].project}/agreement.html."
                ),
                prose_table(
                    "The spokes of this sheet, and the fingerprint of each one's agreement",
                    ("project", "party", "title", *columns, "fingerprint"),
                    [
                        (
                            spoke.project,
                            spoke.name,
                            spoke.title,
                            *(spoke.cells.get(name, "") for name in columns),
                            grouped(spoke.agreement),
                        )
                        for spoke in spokes
                    ],
                ),
            ],
        ),
        Section(
            "Signature of counsel",
            [
                paragraph(
                    "The fingerprint of this sheet is made from the fingerprints above: a change of a single"
                    " character in one of the agreements gives another one. The steward types its first eight"
                    " characters, and signs all of them with a key."
                ),
                Markup(
                    f"<p>Fingerprint (SHA-256) of sheet {number} of {escape(party)}:</p>"
                    f'<p style="font:1.1rem ui-monospace,Consolas,monospace;max-width:37ch">'
                    f"{escape(fingerprint)}</p>"
                ),
                Markup(signature_blanks()),
            ],
            own_page=True,
        ),
    ]
    return render_page(
        f"Sheet {number} of the hub {party}",
        f"{len(spokes):,} agreements, one with each spoke.",
        sections,
        f"Fingerprint of the sheet: {fingerprint}",
    )
