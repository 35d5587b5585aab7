"""The report of a hub as one self-contained page, in the look of the report of a round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from encoding.extras.hub.report import HubReport, SpokeLine, SpokeState
from schemas.shared.amounts import NOT_SHOWN, shown
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

WORDS: Final[dict[SpokeState, str]] = {
    "failed": "needs you",
    "unreachable": "broker not reached",
    "late": "late",
    "linked": "linked",
    "idle": "nothing due",
    "new": "not begun",
}
_STANDINGS: Final[dict[SpokeState, Standing]] = {
    "failed": "bad",
    "unreachable": "warn",
    "late": "warn",
    "linked": "good",
    "idle": "good",
    "new": "note",
}
_SENTENCES: Final[dict[SpokeState, str]] = {
    "failed": "need attention at the hub.",
    "unreachable": "were not asked to the end, since the broker was not reached; the next night asks again.",
    "late": "have yet to do their part; the others went on.",
    "linked": "were linked in this night.",
    "idle": "had nothing due.",
    "new": "have not begun.",
}


def hub_page(report: HubReport) -> str:
    """Return the report as one HTML file that loads nothing."""
    need = [one for one in report.spokes if one.state not in ("linked", "idle")]
    sections = [
        Section("In short", [findings(_in_short(report))]),
        *([Section("Who is waited for, and why", [_needs(need)])] if need else []),
        Section("All spokes", list(_all(report))),
    ]
    n_spokes = len(report.spokes)
    return render_page(
        f"Report of the hub {report.party}",
        f"{n_spokes:,} spokes, {report.states.get('failed', 0):,} of which need attention.",
        sections,
        f"{report.party}, made {report.made}. It names nobody; numbers under {report.floor}, and those from"
        " which one could be computed, are not shown.",
    )


def _in_short(report: HubReport) -> Iterator[tuple[Standing, str]]:
    for state, sentence in _SENTENCES.items():
        n_spokes = report.states.get(state, 0)
        if n_spokes:
            yield _STANDINGS[state], f"{n_spokes:,} of {len(report.spokes):,} spokes {sentence}"
    linked = shown(report.linked)
    yield "note", f"Records with a link in the last round of each spoke, together: {linked}."


def _needs(spokes: list[SpokeLine]) -> Markup:
    return prose_table(
        "Spokes without links from this night",
        ("spoke", "stands", "why", "what to do"),
        [
            (f"{one.title} ({one.party})", WORDS[one.state], one.why, one.hint or "")
            for one in spokes
        ],
    )


def _all(report: HubReport) -> Iterator[Markup]:
    yield table(
        "The last links of each spoke",
        ("spoke", "stands", "round", "linked on", "records", "linked"),
        [
            (
                one.party, WORDS[one.state], "none yet" if one.round is None else str(one.round),
                "" if one.linked_at is None else one.linked_at[:10],
                *map(_number, (one, one), (one.records, one.linked)),
            )
            for one in sorted(report.spokes, key=lambda one: one.project)
        ],
    )  # fmt: skip
    yield paragraph(
        "A record that is compared with many spokes counts once at each. Each spoke is a project of its own:"
        " its secret, link IDs and match log are nobody else's, and link IDs of two spokes cannot be joined."
    )


def _number(one: SpokeLine, number: int | None) -> str:
    if number is None:
        return "" if one.round is None else NOT_SHOWN
    return f"{number:,}"
