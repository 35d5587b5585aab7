"""The audit as one page that a lawyer reads: the verdict first, what was found, what was tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from encoding.privacy_audit.report import AuditReport, notes, summary
from encoding.privacy_audit.results import Audit
from schemas.shared.page import (
    Markup,
    Section,
    Standing,
    findings,
    paragraph,
    prose_table,
    render_page,
    table,
)

# The last of each tells of an audit whether that was tried.
_TRIED: Final[tuple[tuple[str, str, str, Callable[[Audit], bool]], ...]] = (
    ("Look for structure in the bytes", "The broker alone",
     "Looks for a hidden linear code, look-alike rows, uneven bits, unequal row counts and a telling order.",
     lambda audit: bool(audit.sealed)),
    ("See who meets whom", "The broker alone",
     "Counts the records of which anything is seen: those that share a blocking key with the other file.",
     lambda audit: audit.n_larger > 0),
    ("Name children from a register", "The broker with a list of everybody",
     "Works out whom each person on the list would meet, and looks for the record with just such meetings.",
     lambda audit: bool(audit.naming)),
    ("Follow records", "The broker over two rounds",
     "Looks for records that meet others in the same pattern in both rounds.",
     lambda audit: audit.followed is not None),
    ("Guess traits", "The broker with some known people",
     "Learns how traits go with distances, common keys and neighbors, and guesses the rest.",
     lambda audit: bool(audit.attributes)),
)  # fmt: skip
_REGISTERS: Final = (
    "A register is a list of everybody. Known: children whose records the attacker knows already; others: the"
    " rest. Guessed: how many of these the attacker named; right: how many rightly, which is also given as part"
    " of the others. Patterns of meetings are who meets whom, without a name."
)
_TRAITS: Final = (
    "Right: how often the guess was right. Chance: how often the most frequent answer is right; of two kinds,"
    " the attacker is shown one child of each, so that it is 50%. Points gained: the difference, with twice its"
    " standard error."
)
_LIMITS: Final = (
    "The attacks were made on your file and on a rehearsed partner's file, under keys that were thrown away."
    " Your project's secret was not used, and nothing left this computer. These are the strongest attacks that"
    " this program knows, not the strongest there are. Encodings are protected personal data, whatever this"
    " page says."
)


def report_page(report: AuditReport, file_name: str) -> str:
    """Return the report as one self-contained HTML file; it holds aggregates only and may be shown."""
    listed: list[tuple[Standing, str]] = [
        (
            "good" if outcome.is_reached else "bad" if outcome.name == "structure" else "warn",
            outcome.sentence,
        )
        for outcome in (*report.missed, *(one for one in report.outcomes if one.is_reached))
    ] or [("note", summary(report))]
    listed += [("note", note) for note in notes(report)]
    sections = [
        Section("Verdict", [findings(listed)]),
        *_naming(report.audit),
        *_traits(report.audit),
        Section("What was tried", list(_tried(report.audit))),
        Section("What this does not say", [paragraph(_LIMITS)]),
    ]
    footer = f"Fingerprint of this report: {report.digest()}"
    return render_page(f"Privacy audit of {file_name}", f"{_lead(report)}.", sections, footer)


def _lead(report: AuditReport) -> str:
    text = summary(report)
    return text[:1].upper() + text[1:]


def _tried(audit: Audit) -> Iterator[Markup]:
    rows = [(name, who, how, "yes" if was(audit) else "no") for name, who, how, was in _TRIED]
    yield prose_table("Attacks", ("attack", "who attacks", "how", "tried here"), rows)
    if any(row[-1] == "no" for row in rows):
        yield paragraph(
            "What says no was not tried: the quick audit leaves out what takes minutes, and some attacks need"
            " more records. This page says nothing about it."
        )


def _naming(audit: Audit) -> Iterator[Section]:
    rows = [
        (
            kind.register, f"{result.n_known:,}", f"{result.n:,}", f"{result.n_guessed:,}",
            f"{result.n_right:,}", f"{result.share:.2%}",
        )
        for kind in audit.naming
        for result in kind.results
    ]  # fmt: skip
    blocks = []
    if rows:
        header = ("register", "known", "others", "guessed", "right", "named")
        blocks += [paragraph(_REGISTERS), table("Children in care who were named", header, rows)]
    apart, exact, followed = audit.apart, audit.apart_exact, audit.followed
    shapes = [
        (name, f"{shape.smaller:.2%}", f"{shape.larger:.2%}")
        for name, shape in (
            ("told apart, both files known exactly", apart),
            ("the same, if distances had no error", exact),
            ("followed to the next round, 2% changed", followed),
        )
        if shape is not None
    ]
    if shapes:
        blocks.append(
            table("By the pattern of meetings alone", ("", "smaller file", "larger file"), shapes)
        )
    if blocks:
        yield Section("Naming and following people", blocks)


def _traits(audit: Audit) -> Iterator[Section]:
    if not audit.attributes:
        return
    rows = [
        (
            result.name, f"{result.n:,}", f"{result.share:.1%}", f"{result.chance:.1%}",
            f"{100 * result.gain:+.1f} ± {200 * result.error:.1f}",
        )
        for result in audit.attributes
    ]  # fmt: skip
    header = ("trait", "children", "right", "chance", "points gained")
    blocks = [paragraph(_TRAITS), table("Traits of linked children", header, rows)]
    yield Section("Traits", blocks)
