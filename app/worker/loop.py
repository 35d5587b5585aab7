"""The worker's life: look for work, do it, sweep now and then, watch deadlines, and end when told to."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from functools import partial
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.broker import Broker
from app.db import SchemaChangedError
from app.engine import StoppedError
from app.errors import (
    BrokerError,
    ConfigurationError,
    KeyKeeperUnavailableError,
    LeaseLostError,
    StorageFullError,
    StoreUnavailableError,
    UnavailableError,
)
from app.runs.attempts import Attempt, begin_attempt, bury_exhausted, fail_attempt
from app.runs.commits import check_next
from app.runs.lease import forgive_attempt, give_back, has_work, renew_lease
from app.security.key_encryption import try_out
from app.traces import step
from app.worker.companion import WATCH_S, Heartbeat, Watch
from app.worker.helper import Helper
from app.worker.run import do_run
from app.worker.sweeper import Sweeper
from schemas.documents.errors import FormatError

POLL_S: Final = 1.0
SWEEP_S: Final = 30.0

log = structlog.get_logger()


def run_worker(broker: Broker, *, until_idle: bool = False) -> None:
    """Work until SIGTERM or SIGINT, which end the process between two ranges and lose nothing.

    With `until_idle`, end as soon as neither a check nor a run waits.
    """
    worker = Worker(broker)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    log.info("worker_started")
    worker.work(until_idle=until_idle)
    log.info("worker_stopped")


class Worker:
    """Takes checks and runs up one after the other, and helps with a run where none waits.

    Several workers may share a database.
    """

    def __init__(self, broker: Broker, *, poll_s: float = POLL_S, watch_s: float = WATCH_S) -> None:
        self._broker = broker
        self._poll_s = poll_s
        self._watch_s = watch_s
        self._sweeper = Sweeper(broker)
        self._helper = Helper(broker)
        self._stopping = threading.Event()
        # Set when the run under way must not go on: a stop, or a lost lease.
        self._halted = threading.Event()

    def stop(self) -> None:
        """End as soon as the comparison under way can be left; safe in a signal handler."""
        self._stopping.set()
        self._halted.set()

    def work(self, *, until_idle: bool = False) -> None:
        """Do checks and runs, sweep, and watch deadlines, until `stop`; with `until_idle` until none waits."""
        if self._stopping.is_set():
            return
        # First: what is overdue only since no worker worked is not told of.
        self._guarded_sweep()
        with Watch(self._broker, every_s=self._watch_s):
            self._work(until_idle=until_idle)

    def _work(self, *, until_idle: bool) -> None:
        swept = time.monotonic()
        while not self._stopping.is_set():
            if time.monotonic() - swept >= SWEEP_S:
                self._guarded_sweep()
                swept = time.monotonic()
            if self.work_once():
                continue
            if until_idle:
                return
            self._stopping.wait(self._poll_s)

    def work_once(self) -> bool:
        """Do one check or run as far as it goes, or help with one; False where nothing can be done now."""
        try:
            if check_next(self._broker, self._stopping):
                return True
            with self._broker.database.read() as session:
                self._broker.log.check(session)
                is_waiting = has_work(session)
            if not is_waiting:
                return self._helper.help_once(self._ready())
            # Else each attempt would fail, until the run counts as one that ends its workers.
            self._broker.blobs.refuse_when_unfit(writes=True)
            try_out(self._broker.keystore.ring.primary())
            attempt = self._begin()
        except (StorageFullError, StoreUnavailableError, KeyKeeperUnavailableError) as exc:
            log.warning(exc.code.replace("-", "_"))
            return False
        except SchemaChangedError:
            raise
        except (SQLAlchemyError, UnavailableError) as exc:
            log.warning("database_unavailable", error=type(exc).__name__)
            return False
        if attempt is not None:
            self._do(attempt)
        return True

    def _ready(self) -> threading.Event:
        """Return what halts the work that begins now."""
        self._halted.clear()
        if self._stopping.is_set():
            self._halted.set()
        return self._halted

    def _begin(self) -> Attempt | None:
        with self._broker.database.write() as session:
            if bury_exhausted(session, self._broker):
                return None
            return begin_attempt(session, self._broker)

    def _do(self, attempt: Attempt) -> None:
        log.info("run_taken_up", run_id=attempt.run, attempt=attempt.lease.attempt)
        renew = partial(renew_lease, lease=attempt.lease)
        with Heartbeat(self._broker, attempt.run, renew, self._ready()):
            self._attempt(attempt)
        self._guarded_sweep()

    def _attempt(self, attempt: Attempt) -> None:
        """Do a run, and decide what its failure means: for good, again later, or not ours any more."""
        try:
            with step("run", run_id=attempt.run, attempt=attempt.lease.attempt):
                do_run(self._broker, attempt, self._halted)
        except LeaseLostError:
            log.warning("lease_lost", run_id=attempt.run)
        except StoppedError:
            self._give_back(attempt)
        except Exception as exc:  # noqa: BLE001 - one run's fault must not end the worker
            if _is_final(exc):
                self._fail(attempt, getattr(exc, "code", BrokerError.code))
                return
            # The lease runs out by itself, which also is the pause before the next attempt.
            log.warning("attempt_failed", run_id=attempt.run, error=type(exc).__name__)
            if isinstance(exc, UnavailableError):
                self._forgive(attempt)

    def _forgive(self, attempt: Attempt) -> None:
        """Count no attempt: keys, store, disk or database failed, as they may for longer than five attempts."""
        # Where this fails, too, the attempt counts.
        with (
            suppress(LeaseLostError, UnavailableError, SQLAlchemyError),
            self._broker.database.write() as session,
        ):
            forgive_attempt(session, attempt.lease)

    def _give_back(self, attempt: Attempt) -> None:
        try:
            with self._broker.database.write() as session:
                give_back(session, attempt.lease)
            log.info("run_given_back", run_id=attempt.run)
        except LeaseLostError:
            log.warning("lease_lost", run_id=attempt.run)

    def _fail(self, attempt: Attempt, code: str) -> None:
        try:
            with self._broker.database.write() as session:
                fail_attempt(session, self._broker, attempt, code)
        except LeaseLostError:
            log.warning("lease_lost", run_id=attempt.run)

    def _guarded_sweep(self) -> None:
        try:
            with step("sweep"):
                self._sweeper.sweep()
        except Exception as exc:  # noqa: BLE001 - what one project's fault leaves is the next sweep's
            log.warning("sweep_failed", error=type(exc).__name__)


def _is_final(exc: Exception) -> bool:
    """Tell whether the next attempt would fail alike: the run or its data is at fault, not the moment."""
    is_passing = isinstance(exc, (UnavailableError, ConfigurationError))
    return isinstance(exc, (FormatError, BrokerError)) and not is_passing
