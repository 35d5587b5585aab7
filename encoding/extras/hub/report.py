"""The report of a hub's last night over all spokes: who is linked, late or in need of someone, and why.

It names no record. A spoke's number of links is shown as the report of a round shows a group's: from the floor
on, and with as many others left out as it takes that none can be computed. Spec page:
`schemas/spec/hub-report.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from encoding.extras.hub.spokes import Spoke
from encoding.files import write_durably
from encoding.sharing.small_cells import Group, shown_groups
from schemas.documents.document import Document, Model
from schemas.documents.errors import FormatError
from schemas.documents.ids import Name, UtcTime
from schemas.linkage.link_quality import Number
from schemas.reports.round_report import RoundReport

State = Literal["linked", "idle", "late", "unreachable", "failed"]

_FILE: Final = "last-night.json"
_Sentence = Annotated[str, Field(max_length=4_000)]
# What a night may meet that nobody at the hub has to do anything about.
WAITS: Final[frozenset[State]] = frozenset({"late", "unreachable"})


class Outcome(Document):
    """What came of one spoke in one night.

    `linked` is where link IDs were written, `idle` where nothing was due, `late` where others have yet to do
    their part, `failed` where a person at the hub has to look. `code` and `exit_code` are those of
    `blindlink refresh` alone, `message` and `hint` its sentences. `round`, `links`, `new`, `ended` and
    `changed` are of the last links that were written, at `linked_at`; null: none were.
    """

    KIND: ClassVar[str] = "outcome at a spoke"

    version: Literal["blindlink/hub-outcome/1"] = "blindlink/hub-outcome/1"
    project: Name
    party: Name
    at: UtcTime
    state: State
    code: str
    exit_code: int
    message: _Sentence
    hint: _Sentence | None
    warnings: tuple[_Sentence, ...]
    seconds: Number
    round: int | None
    linked_at: UtcTime | None
    links: Number | None
    new: Number | None
    ended: Number | None
    changed: Number | None


def keep_outcome(folder: Path, outcome: Outcome) -> None:
    """Keep what came of a night in a spoke's folder; of the last links where there are none from tonight."""
    write_durably(folder / _FILE, outcome.to_canonical() + b"\n")


def kept_outcome(folder: Path) -> Outcome | None:
    """Return what is kept; None if nothing is, or nothing that can be read: the next night makes it anew."""
    try:
        return Outcome.from_canonical((folder / _FILE).read_bytes().rstrip(b"\n"))
    except (OSError, FormatError):
        return None


_ROUND_REPORT: Final = "round-report.json"
_OTHERS: Final = "spokes that are put together"
# Told in place of what a spoke's own sentence says, by the exit code whose sentences count records.
_COUNTING: Final[Mapping[int, str]] = {
    3: "a file cannot be used as it is; blindlink hub status says why",
    8: "more links would end than the agreement allows",
    9: "something that came cannot be honest; blindlink hub status says what",
}
# In the order in which someone should look.
STATES: Final[tuple[SpokeState, ...]] = (
    "failed", "unreachable", "late", "linked", "idle", "new",
)  # fmt: skip

SpokeState = State | Literal["new"]


class SpokeLine(Model):
    """One spoke: `new` where no night has come to it yet.

    `linked` and `records` are of the last round whose links were written; null: none were, or it is not shown.
    """

    project: Name
    party: Name
    title: str
    state: SpokeState
    since: UtcTime | None
    why: str
    hint: str | None
    round: int | None
    linked_at: UtcTime | None
    records: Number | None
    linked: Number | None


class HubReport(Document):
    """All spokes, in the order in which someone should look; `linked` is the sum, null under the floor."""

    KIND: ClassVar[str] = "report of a hub"

    version: Literal["blindlink/hub-report/1"] = "blindlink/hub-report/1"
    party: Name
    made: UtcTime
    floor: Number
    states: dict[str, Number]
    linked: Number | None
    spokes: tuple[SpokeLine, ...]


@dataclass(frozen=True, slots=True)
class SpokeSeen:
    """What a spoke's folder says: what came of the last night, and the report of the last round."""

    spoke: Spoke
    outcome: Outcome | None
    report: RoundReport | None

    @property
    def state(self) -> SpokeState:
        """Where it stands."""
        return "new" if self.outcome is None else self.outcome.state


def seen(spoke: Spoke, folder: Path) -> SpokeSeen:
    """Return what a spoke's folder says."""
    return SpokeSeen(spoke, kept_outcome(folder), report_in(folder))


def report_in(folder: Path) -> RoundReport | None:
    """Return the report of the last round whose links were written in a spoke's folder; None: there is none."""
    try:
        raw = (folder / _ROUND_REPORT).read_bytes()
        return RoundReport.from_canonical(raw.rstrip(b"\n"))
    except (OSError, FormatError):
        return None


def in_order(found: Iterable[SpokeSeen]) -> list[SpokeSeen]:
    """Return spokes in the order in which someone should look."""
    return sorted(found, key=lambda one: (STATES.index(one.state), one.spoke.project))


def hub_report(party: str, found: Iterable[SpokeSeen], made: str) -> HubReport:
    """Return the report of what the spokes' folders say."""
    ordered = in_order(found)
    reports = [one.report for one in ordered if one.report is not None]
    floor = max((report.floor for report in reports), default=0)
    shown = dict(_shown(ordered, floor))
    total = sum(report.now.linked for report in reports)
    return HubReport(
        party=party,
        made=made,
        floor=floor,
        states=dict(Counter(one.state for one in ordered)),
        linked=total if total >= floor else None,
        spokes=tuple(_line(one, shown.get(one.spoke.project)) for one in ordered),
    )


def _shown(found: Iterable[SpokeSeen], floor: int) -> Iterator[tuple[str, int | None]]:
    """Yield the number of links of each spoke that has a line of its own; None: it is not shown."""
    groups = [
        Group(one.spoke.project, one.report.now.records, one.report.now.linked)
        for one in found
        if one.report is not None
    ]
    if len(groups) == 1:
        # Then the total says it already.
        yield groups[0].label, groups[0].linked if groups[0].least_side() >= floor else None
    for rate in shown_groups(groups, floor, others=_OTHERS, most=len(groups) + 1):
        yield rate.label, rate.linked


def _line(one: SpokeSeen, linked: int | None) -> SpokeLine:
    outcome, report = one.outcome, one.report
    records = None if report is None else report.now.records
    return SpokeLine(
        project=one.spoke.project,
        party=one.spoke.name,
        title=one.spoke.title,
        state=one.state,
        since=None if outcome is None else outcome.at,
        why=_why(outcome),
        hint=None if outcome is None else outcome.hint,
        round=None if outcome is None else outcome.round,
        linked_at=None if outcome is None else outcome.linked_at,
        records=records if report is not None and (records or 0) >= report.floor else None,
        linked=linked,
    )


def _why(outcome: Outcome | None) -> str:
    """Return why a spoke stands where it does, without a number of records."""
    if outcome is None:
        return "no night has come to it yet"
    if outcome.state == "linked":
        return f"round {outcome.round}"
    if outcome.state == "idle":
        return "nothing was due"
    return _COUNTING.get(outcome.exit_code, outcome.message)
