"""The audit as one page that a lawyer reads: the verdict first, what was tried, and the same on plain CLKs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from encoding.privacy_audit.report import AuditReport, notes, summary
from encoding.privacy_audit.results import Audit
from encoding.report import (
    Bar,
    Section,
    Verdict,
    bar_chart,
    paragraph,
    prose_table,
    render_page,
    table,
    verdicts,
)

_TRIED: Final = (
    ("Look for structure in the bytes", "The broker alone",
     "Looks for a hidden linear code, look-alike rows, uneven bits, unequal row counts and a telling order."),
    ("See who meets whom", "The broker alone",
     "Counts the records of which anything is seen: those that share a blocking key with the other file."),
    ("Name children from a register", "The broker with a list of everybody",
     "Works out whom each person on the list would meet, and looks for the record with just such meetings."),
    ("Start from known people", "The broker with staff or a leaked list",
     "Knows up to 3,000 people's records and works outward from them, along the meetings and by regression."),
    ("Follow records", "The broker over two rounds",
     "Looks for records that meet others in the same pattern in both rounds."),
    ("Guess traits", "The broker with some known people",
     "Learns how traits go with distances, common keys and neighbors, and guesses the rest."),
    ("Guess names", "The broker with a list of names",
     "Averages the distances of two names over all their meetings and asks which pairs of names fit."),
    ("Ask by linking", "A dishonest agency", "Uploads made-up people and watches who links."),
    ("Invent links", "A dishonest broker", "Claims links between records that never met."),
)  # fmt: skip
_LIMITS: Final = (
    "The attacks were made on your file and on a rehearsed partner's file, under keys that were thrown away."
    " Your project's secret was not used, and nothing left this computer. These are the strongest attacks that"
    " this program knows, not the strongest there are. Encodings are protected personal data, whatever this"
    " page says."
)


def report_page(report: AuditReport, file_name: str) -> str:
    """Return the report as one self-contained HTML file; it holds aggregates only and may be shown."""
    listed = [
        Verdict("good" if outcome.is_reached else "bad", outcome.sentence)
        for outcome in (*report.missed, *(one for one in report.outcomes if one.is_reached))
    ] or [Verdict("note", summary(report))]
    listed += [Verdict("note", note) for note in notes(report)]
    sections = [
        Section("Verdict", [verdicts(listed)]),
        *_beside_plain(report.audit),
        *_naming(report.audit),
        *_traits(report.audit),
        Section(
            "What was tried",
            [prose_table("Attacks", ("attack", "who attacks", "how"), _TRIED)],
        ),
        Section("What this does not say", [paragraph(_LIMITS)]),
    ]
    footer = f"Fingerprint of this report: {report.digest()}"
    return render_page(f"Privacy audit of {file_name}", f"{_lead(report)}.", sections, footer)


def _lead(report: AuditReport) -> str:
    text = summary(report)
    return text[:1].upper() + text[1:]


def _beside_plain(audit: Audit) -> Iterator[Section]:
    plain = audit.plain
    if plain is None:
        return
    best = {result.n_known: result.share for kind in audit.naming[:1] for result in kind.results}
    bars = []
    for result in plain.known_pairs:
        bars.append(
            Bar(
                f"{result.n_known:,} known, plain", result.share, f"{result.share:.1%}", is_bad=True
            )
        )
        if result.n_known in best:
            share = best[result.n_known]
            bars.append(Bar(f"{result.n_known:,} known, Blindlink", share, f"{share:.1%}"))
    if plain.resemblance is not None:
        found = plain.resemblance.share
        bars.append(Bar("nobody known, plain", found, f"{found:.1%}", is_bad=True))
        if 0 in best:
            bars.append(Bar("nobody known, Blindlink", best[0], f"{best[0]:.1%}"))
    told = (
        "Plain CLKs use one key for a whole file. The same records were encoded that way too, and attacked by"
        " the classic attacks. Blindlink does not send plain CLKs to a project."
    )
    chart = bar_chart("Share of the other people who were named at the first guess", bars)
    yield Section("The same people as plain CLKs", [paragraph(told), chart])


def _naming(audit: Audit) -> Iterator[Section]:
    rows = [
        (
            kind.register, f"{result.n_known:,}", f"{result.n:,}", f"{result.n_guessed:,}",
            f"{result.n_right:,}", f"{result.share:.2%}",
        )
        for kind in audit.naming
        for result in kind.results
    ]  # fmt: skip
    if not rows:
        return
    header = ("register", "known", "others", "guessed", "right", "named")
    blocks = [table("Children in care who were named", header, rows)]
    apart, exact, followed = audit.apart, audit.apart_exact, audit.followed
    shapes = [
        (name, f"{shape.smaller:.2%}", f"{shape.larger:.2%}")
        for name, shape in (
            ("told apart, both files known exactly", apart),
            ("the same, if distances had no error", exact),
            ("followed to the next round, 2 % changed", followed),
        )
        if shape is not None
    ]
    if shapes:
        blocks.append(
            table("By the pattern of meetings alone", ("", "smaller file", "larger file"), shapes)
        )
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
    blocks = [table("Traits of linked children", header, rows)]
    if audit.spread:
        spread = [
            (
                one.name,
                f"{one.n:,}",
                f"{one.n_told:,}",
                f"{one.n_right:,}",
                f"{100 * one.gain:+.1f}",
            )
            for one in audit.spread
        ]
        blocks.append(
            table(
                "Traits copied from 1,000 known children to those they meet with an equal tag",
                ("trait", "others", "told", "right", "points gained"),
                spread,
            )
        )
    names = audit.name_pairs
    if names is not None:
        blocks.append(
            paragraph(
                f"Of {names.n:,} pairs of unequal first names that met, {names.right:.1%} were guessed from"
                f" their distance; by frequency alone, {names.chance:.1%}. One distance is off by"
                f" {names.error_once:.1f} of 64 bits, the mean of a pair's meetings by {names.error_mean:.1f}."
            )
        )
    yield Section("Traits and names", blocks)
