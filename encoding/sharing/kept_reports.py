"""The reports of rounds as this workspace keeps them, so that later ones can be held against them.

Files: sealed as `encoding.workspace.sealed_record` says; within, a `blindlink/round-report/2`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace
from schemas.reports.round_report import MOST_FORMER, RoundReport


@dataclass(frozen=True, slots=True)
class KeptReports:
    """What is kept of one link-ID set; use it under the workspace's lock."""

    workspace: Workspace
    project: str
    space: str

    def keep(self, report: RoundReport) -> None:
        """Keep the report of a round, in place of one that was kept of it."""
        self._record(report.now.round).write(report.to_canonical())

    def of_round(self, number: int) -> RoundReport | None:
        """Return the report of a round; None if none is kept."""
        return self._record(number).read_as(RoundReport)

    def before(self, number: int) -> Iterator[RoundReport]:
        """Yield the newest reports of rounds before this one, oldest first, at most `MOST_FORMER`."""
        rounds = self.workspace.rounds_with_report(self.project, self.space)
        for one in [at for at in rounds if at < number][-MOST_FORMER:]:
            found = self.of_round(one)
            if found is not None:
                yield found

    def _record(self, number: int) -> SealedRecord:
        path = self.workspace.round_report(self.project, self.space, number)
        name = f"history/{self.project}.{number}.{self.space}"
        return SealedRecord(path, name, self.workspace.key())
