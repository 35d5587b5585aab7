"""The report and the table of a hub, from what the spokes' folders say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from encoding.agreement.kept_agreements import read_kept
from encoding.errors import AgencyError
from encoding.extras.hub.page import WORDS, hub_page
from encoding.extras.hub.report import HubReport, SpokeSeen, hub_report
from encoding.files import refuse_to_overwrite, write_durably
from encoding.project.noted_files import refuse_another_page, write_page
from encoding.workspace.workspace import open_workspace
from schemas.documents.ids import utc_text
from schemas.reports.overdue import since_end

if TYPE_CHECKING:
    from encoding.extras.hub.sessions import HubDesk

REPORT_START = b'{"floor":'
_MOST_WHY = 100


def reported(desk: HubDesk) -> HubReport:
    """Write the report of the last night, as a page and as JSON, and return it."""
    hub = desk.hub
    made = hub_report(hub.sections.hub.party, desk.seen(), utc_text(desk.session.now()))
    refuse_another_page(hub.report("html"))
    refuse_to_overwrite(hub.report("json"), own_start=REPORT_START)
    write_page(hub.report("html"), hub_page(made))
    write_durably(hub.report("json"), made.to_canonical() + b"\n")
    return made


def ending_words(desk: HubDesk) -> str | None:
    """Return in one sentence which agreements end soon, with none that follows kept; None: none does."""
    now, found = utc_text(desk.session.now()), []
    for spoke in desk.some_spokes():
        folder = desk.hub.folder_of(spoke) / "workspace"
        try:
            place = open_workspace(folder).agreements(spoke.project)
            kept = read_kept(place, spoke.project).last_complete()
        except (AgencyError, OSError):
            # What is wrong there was told as that spoke's outcome.
            continue
        if (
            kept is not None
            and since_end(kept.agreement.end) <= now
            and now[:10] <= kept.agreement.end
        ):
            found.append((kept.agreement.end, spoke.name))
    if not found:
        return None
    day, party = min(found)
    return (
        f"agreements that end soon: {len(found):,}, the first with {party} on {day}; your steward extends them"
        " with: blindlink hub extend"
    )


def summary(report: HubReport, page: Path) -> str:
    """Return the outcome in one sentence."""
    told = [f"{n:,} {WORDS[state]}" for state in WORDS if (n := report.states.get(state, 0))]
    return f"{len(report.spokes):,} spokes: {', '.join(told)}; see {page.name}"


def status_lines(found: Sequence[SpokeSeen]) -> Iterator[str]:
    """Yield the table of a hub's spokes, those first that need attention."""
    width = max((len(one.spoke.name) for one in found), default=0)
    header = f"{'stands':<18}  {'round':>5}  {'links':>7}  {'linked on':<10}  why"
    yield f"{'spoke':<{width}}  {header}"
    for one in found:
        outcome = one.outcome
        if outcome is None:
            yield f"{one.spoke.name:<{width}}  {WORDS['new']}"
            continue
        number = "" if outcome.round is None else str(outcome.round)
        links = "" if outcome.links is None else f"{outcome.links:,}"
        day = (outcome.linked_at or "")[:10]
        stands = WORDS[one.state]
        yield (
            f"{one.spoke.name:<{width}}  {stands:<18}  {number:>5}  {links:>7}  {day:<10}  {_why(one)}"
        )
    counted = ", ".join(
        f"{n:,} {WORDS[state]}"
        for state in WORDS
        if (n := sum(one.state == state for one in found))
    )
    yield f"{len(found):,} spokes: {counted}"


def _why(one: SpokeSeen) -> str:
    outcome = one.outcome
    if outcome is None or one.state in ("linked", "idle"):
        return ""
    why = outcome.message
    return why if len(why) <= _MOST_WHY else f"{why[: _MOST_WHY - 3]}..."
