"""How a project's rounds went, in numbers: for the audit report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import RunAsked
from schemas.matchlog.round_kinds import RoundClosed, RoundOpened, RoundSuperseded
from schemas.reports.audit_report import RoundsOf


@dataclass(slots=True)
class _Rounds:
    opened: int = 0
    corrected: int = 0
    closed: int = 0
    open: int | None = None
    linked: set[int] = field(default_factory=set)


@dataclass(slots=True)
class RoundTotals:
    """Takes the entries of a verified log in order; `totals()` are those of each project that opened one."""

    _projects: dict[str, _Rounds] = field(default_factory=dict)
    _runs: dict[str, int] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Take the next entry that was not refused."""
        body: Any = entry.body
        rounds = self._projects.setdefault(entry.project or "", _Rounds())
        if isinstance(body, RoundOpened):
            rounds.opened, rounds.open = rounds.opened + 1, body.round
        elif isinstance(body, RoundSuperseded):
            rounds.corrected, rounds.open = rounds.corrected + 1, None
            rounds.linked.discard(body.round)
        elif isinstance(body, RoundClosed):
            rounds.closed, rounds.open = rounds.closed + 1, None
        elif isinstance(body, RunAsked):
            self._runs[entry.object or ""] = body.specification.round
        elif entry.kind == "run-finished":
            rounds.linked.add(self._runs.pop(entry.object or ""))

    def totals(self) -> tuple[RoundsOf, ...]:
        """Return the totals in the order of project names."""
        return tuple(
            RoundsOf.from_row(
                one,
                project=project,
                linked=len(one.linked),
            )
            for project, one in sorted(self._projects.items())
            if one.opened
        )
