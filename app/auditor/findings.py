"""What an audit report says of a log: agreements, what happened, disclosures, and what is still there."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.agreement.agreement import Agreement
from schemas.linkage.run import RunSpecification
from schemas.matchlog.agreement_kinds import AgreementInForce, AgreementProposed
from schemas.matchlog.disclosures import Disclosure, DisclosureBook
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import Outcome, RunAsked, RunFinished, UploadReceived
from schemas.matchlog.round_kinds import RoundClosed, RoundOpened, RoundSuperseded
from schemas.reports.audit_report import Activity, Bound, Disclosed, Left, LinkedRun, RoundsOf

# Half a year of weeks, or more of a project of several pairs: older runs are in older reports.
NEWEST: Final = 26


# What an entry adds to, or takes from, what is there in its project.
_CHANGES: Final[dict[str, tuple[str, int]]] = {
    "upload-received": ("uploads", 1),
    "upload-destroyed": ("uploads", -1),
    "release-prepared": ("releases", 1),
    "blind-release-prepared": ("releases", 1),
    "release-destroyed": ("releases", -1),
    "legal-hold-set": ("holds", 1),
    "legal-hold-lifted": ("holds", -1),
}


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
    _left: dict[str, Counter[str]] = field(default_factory=dict)
    _proposed: dict[str, Agreement] = field(default_factory=dict)
    _bound: list[Bound] = field(default_factory=list)
    _rounds: RoundTotals = field(default_factory=RoundTotals)
    _runs: LinkedRuns = field(default_factory=LinkedRuns)

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        self._activity[entry.project or "", entry.kind, entry.outcome] += 1
        self._take_disclosures(entry)
        if entry.project is None or entry.outcome == "refused":
            return
        left = self._left.setdefault(entry.project, Counter())
        if entry.kind in _CHANGES:
            what, change = _CHANGES[entry.kind]
            left[what] += change
        self._take_agreement(entry)
        self._rounds.take(entry)
        self._runs.take(entry)

    def agreements(self) -> tuple[Bound, ...]:
        """Return what bound the projects, in the order in which it came into force."""
        return tuple(self._bound)

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

    def rounds(self) -> tuple[RoundsOf, ...]:
        """Return how the rounds of each project went."""
        return self._rounds.totals()

    def runs(self) -> tuple[LinkedRun, ...]:
        """Return the newest runs of each project, and what they say of their links."""
        return self._runs.newest()

    def left(self) -> tuple[Left, ...]:
        """Return what is still there, project by project."""
        return tuple(
            Left(
                project=project,
                uploads=counts["uploads"],
                releases=counts["releases"],
                holds=counts["holds"],
            )
            for project, counts in sorted(self._left.items())
        )

    def _take_disclosures(self, entry: Entry) -> None:
        self._book.take(entry)
        for line in self._book.lines:
            if line.outcome == "done":
                key = (line.project, line.giver, line.receiver, line.what)
                self._totals.setdefault(key, _Total(line.time)).add(line)
        self._book.lines.clear()

    def _take_agreement(self, entry: Entry) -> None:
        body: Any = entry.body
        if isinstance(body, AgreementProposed):
            self._proposed[body.agreement.digest()] = body.agreement
        elif isinstance(body, AgreementInForce):
            self._bound.append(_bound(entry, self._proposed[entry.of_agreement]))
        elif entry.kind == "agreement-withdrawn":
            self._bound = list(self._ended_by(entry))

    def _ended_by(self, entry: Entry) -> Iterator[Bound]:
        # A party that leaves ends every agreement of the project that has come into force and names it.
        for bound in self._bound:
            is_ended = (bound.project, bound.ended) == (entry.project, None) and (
                entry.actor.party in bound.parties
            )
            yield bound.model_copy(update={"ended": entry.seq}) if is_ended else bound


def _bound(entry: Entry, agreement: Agreement) -> Bound:
    return Bound(
        project=agreement.project,
        digest=agreement.digest(),
        number=agreement.number,
        parties=agreement.names(),
        purpose=agreement.purpose.code,
        start=agreement.start,
        end=agreement.end,
        entry=entry.seq,
        ended=None,
    )
