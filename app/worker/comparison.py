"""The comparison of a run, task by task, by as many workers as there are.

Anyone who holds the run sees it to its end, and does tasks itself meanwhile. Others do what tasks they get.
Nothing outlives a kill but what is in the database: what a task has found is stored as it is done, sealed under
the run's key.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce
from app.broker import Broker
from app.engine import NumberedRange, ProgressMeter, StoppedError, number_ranges, threads, work_off
from app.errors import TooManyPairsError
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import Met
from app.matching.blocks.ranges import Sizes, meet_range, met_to_bytes, plan_ranges
from app.runs import tasks
from app.runs.attempts import Attempt, enter_stage, note_progress
from app.runs.tasks import TaskSums
from app.sealed.objects import put_piece
from app.traces import step
from app.uploads.reader import StoredUpload, locate_container
from schemas.linkage.run import RunSpecification

BLOCK_KIND: Final = "run-block"
# How often anyone who holds a run looks whether the others have done what they took.
_LOOK_S: Final = 0.5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a run compares: both files, the profile's levels, and the tasks that all its workers agree on."""

    larger: StoredUpload
    smaller: StoredUpload
    rules: LevelRules
    plan: tuple[NumberedRange, ...]

    @property
    def sizes(self) -> Sizes:
        """How many records the two files have."""
        return Sizes(
            smaller=self.smaller.stored.parts.records, larger=self.larger.stored.parts.records
        )


def locate_comparison(
    broker: Broker, specification: RunSpecification, terms: TermsInForce, range_rows: int
) -> Comparison:
    """Return what a run compares, cut into ranges of about so many rows."""
    with broker.database.read() as session:
        stored = [
            locate_container(session, broker, upload.upload) for upload in specification.uploads
        ]
    larger, smaller = map(StoredUpload, stored)
    ranges = plan_ranges(smaller, larger, rows_each=range_rows)
    plan = number_ranges(smaller, larger, ranges)
    return Comparison(larger, smaller, LevelRules(terms.profile), plan)


class Share(ABC):
    """What one worker does of a comparison: a few tasks at a time, each kept as it is done."""

    def __init__(
        self, broker: Broker, run: str, token: str, comparison: Comparison, stop: threading.Event
    ) -> None:
        self.broker, self.run, self.token = broker, run, token
        self.comparison, self.stop = comparison, stop

    def claim(self, session: Session, n_most: int | None = None) -> list[NumberedRange]:
        """Lease tasks that nobody is at: as many as the threads need to go on, or at most so many."""
        # One more than there are threads, so that none waits for the disk.
        n_most = self.broker.settings.worker_threads + 1 if n_most is None else n_most
        lease_ms = self.broker.settings.lease_s * 1000
        numbers = tasks.claim_tasks(session, self.run, self.token, n_most, lease_ms)
        return [self.comparison.plan[number] for number in numbers]

    def work_off(self, first: Sequence[NumberedRange]) -> None:
        """Do these tasks, and others in their place, until there is none that nobody is at."""
        with threads(self.broker.settings.worker_threads) as executor:
            work_off(first, self._meet, self._keep, executor, self.stop)

    def _meet(self, task: NumberedRange) -> Met:
        files = self.comparison
        with step("range", run_id=self.run, block=task.number):
            return meet_range(task.range, files.smaller, files.larger, files.rules)

    def _keep(self, task: NumberedRange, met: Met) -> list[NumberedRange]:
        content = met_to_bytes(met, task.range)
        # Durable before the row that names it.
        piece = put_piece(self.broker, self.run, BLOCK_KIND, task.number, content)
        with self.broker.database.write() as session:
            # Anyone who ends a run locks its row before those of its tasks.
            self.lock_run(session)
            tasks.keep_task(session, self.token, len(met), piece)
            self.note(session)
            more = self.claim(session, n_most=1)
        # How many meetings it holds may lie below the floor, so not even the operator's log says it.
        log.info("range_stored", run_id=self.run, block=task.number, n_rows=task.n_rows)
        return more

    @abstractmethod
    def lock_run(self, session: Session) -> None:
        """Lock the run's row; raises LeaseLostError where nothing is to be kept any more."""

    @abstractmethod
    def note(self, session: Session) -> None:
        """Note how far the run has come, after a task is kept."""


class HoldersShare(Share):
    """The share of the person who holds the run."""

    def __init__(
        self, broker: Broker, attempt: Attempt, comparison: Comparison, stop: threading.Event
    ) -> None:
        super().__init__(broker, attempt.run, attempt.lease.token, comparison, stop)
        self._attempt = attempt
        self._n_rows = sum(task.n_rows for task in comparison.plan)
        self._meter = ProgressMeter(self._n_rows)
        self._most = attempt.specification.policy.max_pairs

    def compare(self) -> None:
        """See all tasks done, by this worker and any others."""
        with self.broker.database.write() as session:
            self.lock_run(session)
            tasks.plan_tasks(session, self.run, self.comparison.plan)
            before = tasks.sums_of_tasks(session, self.run).n_rows
            self._meter = ProgressMeter(self._n_rows, n_before=before)
            # Not yet noted as getting on: the first task may be what ends its workers.
            rows = {"rows_done": before, "rows_total": self._n_rows}
            enter_stage(session, self._attempt, "comparing", **rows)
            claimed = self.claim(session)
        while True:
            self.work_off(claimed)
            with self.broker.database.read() as session:
                sums = tasks.sums_of_tasks(session, self.run)
                is_free = tasks.has_free_task(session, self.run, self.token)
            self._refuse_too_many(sums)
            if not sums.n_open:
                return
            claimed = self._claim_again() if is_free else []
            if not claimed and self.stop.wait(_LOOK_S):
                raise StoppedError("The run was stopped before it was complete.")

    def _claim_again(self) -> list[NumberedRange]:
        with self.broker.database.write() as session:
            self.lock_run(session)
            return self.claim(session)

    def lock_run(self, session: Session) -> None:
        """Lock the run's row; raises LeaseLostError where another worker holds the run, or it has ended."""
        enter_stage(session, self._attempt, "comparing")

    def note(self, session: Session) -> None:
        """Note what all workers have done; raises TooManyPairsError as `compare`."""
        sums = tasks.sums_of_tasks(session, self.run)
        self._refuse_too_many(sums)
        progress = self._meter.reach(sums.n_rows)
        note_progress(session, self._attempt, sums.n_rows, progress.comparisons_per_s)

    def _refuse_too_many(self, sums: TaskSums) -> None:
        if sums.n_meetings > self._most:
            raise TooManyPairsError(f"Rows of the two files meet more than {self._most:,} times.")


class HelpersShare(Share):
    """The share of a worker that helps."""

    def lock_run(self, session: Session) -> None:
        """Lock the run's row, and note that it gets on; raises LeaseLostError where it has ended."""
        tasks.note_help(session, self.run)

    def note(self, session: Session) -> None:
        """Say nothing more: anyone who holds the run says how far it is."""
