"""The sheet of many agreements: counsel signs it for those of a template; an extension takes no ink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from encoding.agreement.page import signature_blanks
from encoding.extras.hub.spokes import Spoke, sheet_digest
from schemas.agreement.chapters import grouped
from schemas.shared.page import Markup, Section, paragraph, prose_table, render_page

# The column of the list that is in no agreement.
_ONLY: Final = "only"


def sheet_page(number: int, party: str, spokes: Sequence[Spoke], columns: Sequence[str]) -> str:
    """Return the sheet as one printable page that loads nothing."""
    sections = [
        Section(
            "What counsel signs",
            [
                paragraph(
                    f"One agreement with each of the {len(spokes):,} spokes below. All are made from one"
                    " template: they differ in what stands in this table, in the persons of the spoke, and in"
                    f" nothing else. Read one of them in full: spokes/{spokes[0].project}/agreement.html."
                    f"{_about_only(spokes)}"
                ),
                _table(spokes, {name: _cells(spokes, name) for name in columns}),
            ],
        ),
        Section(
            "Signature of counsel",
            [
                paragraph(
                    "The fingerprint of this sheet is made from the fingerprints above and all that the hub's"
                    " list says of these spokes: a change of a single character gives another one. The steward"
                    " types all of it, and signs all agreements with a key."
                ),
                _fingerprint(number, party, spokes),
                Markup(signature_blanks()),
            ],
            own_page=True,
        ),
    ]
    return _page(number, party, spokes, sections)


def extension_page(
    number: int, party: str, spokes: Sequence[Spoke], changes: Mapping[str, Mapping[str, str]]
) -> str:
    """Return the sheet of an extension, which no counsel signs, as one printable page that loads nothing."""
    sections = [
        Section(
            "What changes",
            [
                paragraph(
                    f"The next version of the agreement with each of the {len(spokes):,} spokes below. What"
                    " stands in this table changes, and nothing else. Each agreement says that the parties'"
                    " stewards may change this together, so no counsel has to sign: no ink is needed."
                    f"{_about_only(spokes)}"
                ),
                _table(spokes, changes),
            ],
        ),
        Section(
            "Fingerprint",
            [
                paragraph(
                    "It is made from the fingerprints above and all that the hub's list says of these spokes."
                    " The hub's steward and the operator type all of it, and sign with a key. The steward of"
                    " each spoke signs at home with: blindlink agreement sign"
                ),
                _fingerprint(number, party, spokes),
            ],
        ),
    ]
    return _page(number, party, spokes, sections)


def _cells(spokes: Sequence[Spoke], name: str) -> Mapping[str, str]:
    """Return what a column of the list says, by project; where it says nothing of any, it is empty."""
    return {spoke.project: spoke.cells[name] for spoke in spokes if spoke.cells.get(name)}


def _about_only(spokes: Sequence[Spoke]) -> str:
    if not _cells(spokes, _ONLY):
        return ""
    return (
        " The column only says which of the hub's records are compared with each spoke, by what stands in the"
        " hub's file; it is in no agreement."
    )


def _table(spokes: Sequence[Spoke], columns: Mapping[str, Mapping[str, str]]) -> Markup:
    if only := _cells(spokes, _ONLY):
        columns = {_ONLY: only, **columns}
    return prose_table(
        "The spokes of this sheet, and the fingerprint of each one's agreement",
        ("project", "party", "title", *columns, "fingerprint"),
        [
            (
                spoke.project,
                spoke.name,
                spoke.title,
                *(cells.get(spoke.project, "") for cells in columns.values()),
                grouped(spoke.agreement),
            )
            for spoke in spokes
        ],
    )


def _fingerprint(number: int, party: str, spokes: Sequence[Spoke]) -> Markup:
    return Markup(
        f"<p>Fingerprint (SHA-256) of sheet {number} of {escape(party)}:</p>"
        f'<p style="font:1.1rem ui-monospace,Consolas,monospace;max-width:37ch">'
        f"{escape(grouped(sheet_digest(spokes)))}</p>"
    )


def _page(number: int, party: str, spokes: Sequence[Spoke], sections: Sequence[Section]) -> str:
    return render_page(
        f"Sheet {number} of the hub {party}",
        f"{len(spokes):,} agreements, one with each spoke.",
        sections,
        f"Fingerprint of the sheet: {grouped(sheet_digest(spokes))}",
    )
