"""The newest runs of each project that finished, and what the log says of their links: for the audit report."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.linkage.run import RunSpecification
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import RunAsked, RunFinished, UploadReceived
from schemas.reports.audit_report import LinkedRun

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
