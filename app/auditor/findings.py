"""What an audit report says of a log: agreements, what happened, disclosures, and what is still there."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.linkage.run import RunSpecification
from schemas.matchlog.disclosures import Disclosure, DisclosureBook
from schemas.matchlog.entry import Entry
from schemas.matchlog.registry import Outcome
from schemas.matchlog.run_kinds import RunAsked, RunFinished
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.reports.audit_report import Activity, Bound, Disclosed, Left, LinkedRun, RoundsOf
from schemas.rules.log_state import LogState
from schemas.rules.project_state import AgreementState

# Half a year of weeks, or more of a project of several pairs: older runs are in older reports.
NEWEST: Final = 26


@dataclass(slots=True)
class LinkedRuns:
    """Takes the entries of a verified log in order; `newest()` are the runs, oldest first in each project."""

    _records: dict[str, int] = field(default_factory=dict)
    _asked: dict[str, RunSpecification] = field(default_factory=dict)
    _found: dict[str, deque[LinkedRun]] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Take the next entry that was not refused."""
        body, of = entry.body, entry.object or ""
        if isinstance(body, UploadReceived):
            self._records[of] = body.records
        elif isinstance(body, RunAsked):
            self._asked[of] = body.specification
        elif isinstance(body, RunFinished):
            run = self._run(entry.project or "", self._asked.pop(of), body)
            self._found.setdefault(run.project, deque(maxlen=NEWEST)).append(run)
        elif entry.kind in ("run-failed", "run-cancelled"):
            self._asked.pop(of, None)
        elif entry.kind == "upload-destroyed":
            self._records.pop(of, None)

    def newest(self) -> tuple[LinkedRun, ...]:
        """Return the newest runs, in the order of project names."""
        return tuple(run for _, runs in sorted(self._found.items()) for run in runs)

    def _run(self, project: str, asked: RunSpecification, body: Any) -> LinkedRun:
        larger, smaller = asked.uploads
        return LinkedRun(
            project=project,
            round=asked.round,
            larger=larger.party,
            smaller=smaller.party,
            smaller_records=self._records[smaller.upload],
            floor=asked.floor,
            matches=body.auto_pairs,
            expected_false=body.expected_false,
            concordance=body.concordance,
        )


@dataclass(slots=True)
class _Total:
    """Disclosures of one kind between two parties; `records` is None once one was below the floor."""

    first: str
    last: str = ""
    times: int = 0
    records: int | None = 0

    def add(self, line: Disclosure) -> None:
        self.last = line.time
        self.times += 1
        is_unknown = self.records is None or line.records is None
        self.records = None if is_unknown else (self.records or 0) + (line.records or 0)


@dataclass(slots=True)
class FindingsBook:
    """Takes the entries of a verified log in order, and keeps totals only."""

    _book: DisclosureBook = field(default_factory=DisclosureBook)
    _totals: dict[tuple[str, str, str, str], _Total] = field(default_factory=dict)
    _activity: Counter[tuple[str, str, Outcome]] = field(default_factory=Counter)
    _runs: LinkedRuns = field(default_factory=LinkedRuns)

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        self._activity[entry.project or "", entry.kind, entry.outcome] += 1
        self._take_disclosures(entry)
        if entry.project is None or entry.outcome == "refused":
            return
        self._runs.take(entry)

    def activity(self) -> tuple[Activity, ...]:
        """Return how many entries there are of each project, kind and outcome, in that order."""
        return tuple(
            Activity(project=project or None, kind=kind, outcome=outcome, count=count)
            for (project, kind, outcome), count in sorted(self._activity.items())
        )

    def disclosures(self) -> tuple[Disclosed, ...]:
        """Return who received what of whom, in the order of project, giver, receiver and what."""
        return tuple(
            Disclosed.from_row(
                total,
                project=project,
                giver=giver,
                receiver=receiver,
                what=what,
            )
            for (project, giver, receiver, what), total in sorted(self._totals.items())
        )

    def runs(self) -> tuple[LinkedRun, ...]:
        """Return the newest runs of each project, and what they say of their links."""
        return self._runs.newest()

    def _take_disclosures(self, entry: Entry) -> None:
        self._book.take(entry)
        for line in self._book.lines:
            if line.outcome == "done":
                key = (line.project, line.giver, line.receiver, line.what)
                self._totals.setdefault(key, _Total(line.time)).add(line)
        self._book.lines.clear()


def agreements_in(log: LogState) -> Iterator[Bound]:
    """Yield what bound the projects of a log, in the order in which it came into force."""
    for state in sorted(_bindings(log), key=lambda one: one.in_force or 0):
        agreement = state.agreement
        yield Bound(
            project=agreement.project,
            digest=state.digest,
            number=agreement.number,
            parties=agreement.names(),
            purpose=agreement.purpose.code,
            start=agreement.start,
            end=agreement.end,
            entry=state.in_force or 0,
            ended=state.withdrawn,
        )


def rounds_in(log: LogState) -> Iterator[RoundsOf]:
    """Yield how the rounds of each project went that opened one, in the order of project names."""
    finished = {(one.project, one.round) for one in log.runs.values() if one.stage == "finished"}
    for name, project in sorted(log.projects.items()):
        rounds = project.rounds
        if rounds.last:
            linked = {number for of, number in finished if of == name} - rounds.superseded
            yield RoundsOf(
                project=name,
                opened=rounds.last,
                corrected=len(rounds.superseded),
                closed=rounds.last - len(rounds.superseded) - (rounds.open is not None),
                linked=len(linked),
                open=None if rounds.open is None else rounds.open.number,
            )


def left_in(log: LogState) -> Iterator[Left]:
    """Yield what is still there, project by project."""
    uploads = Counter(one.project for one in log.uploads.values())
    releases = Counter(one.project for one in log.releases.values() if one.destroyed is None)
    for name, project in sorted(log.projects.items()):
        holds = sum(one.lifted is None for one in project.holds.values())
        yield Left(project=name, uploads=uploads[name], releases=releases[name], holds=holds)


def _bindings(log: LogState) -> list[AgreementState]:
    return [state for project in log.projects.values() for state in project.bindings]
