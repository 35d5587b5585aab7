"""A worker without a run of its own helps with the tasks of one that another worker holds."""

from __future__ import annotations

import threading
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.broker import Broker
from app.engine import StoppedError
from app.errors import LeaseLostError, UnavailableError
from app.runs import tasks
from app.runs.attempts import agreed_terms
from app.traces import step
from app.worker.companion import Heartbeat
from app.worker.comparison import HelpersShare, locate_comparison

log = structlog.get_logger()


class Helper:
    """Helps with one run after the other, and with none again whose tasks it could not do."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        # Anyone who holds such a run finds out what is wrong with it, and fails it where it should.
        self._given_up: set[str] = set()

    def help_once(self, stop: threading.Event) -> bool:
        """Do tasks of one run until none is free; False where no run can do with help."""
        with self._broker.database.read() as session:
            found = tasks.begin_help(session, self._given_up)
        if found is None:
            return False
        self._broker.blobs.refuse_when_full()
        run = found.specification.run
        try:
            with step("help", run_id=run):
                return self._help(found, stop)
        except (StoppedError, LeaseLostError):
            log.info("help_ended", run_id=run)
        except (SQLAlchemyError, UnavailableError):
            # What passes; the leases of the tasks run out by themselves.
            raise
        except Exception as exc:  # noqa: BLE001 - one run's fault must not end the worker
            self._given_up.add(run)
            log.warning("help_failed", run_id=run, error=type(exc).__name__)
        with self._broker.database.write() as session:
            tasks.free_tasks(session, found.token)
        return True

    def _help(self, found: tasks.Help, stop: threading.Event) -> bool:
        run, broker = found.specification.run, self._broker
        with broker.database.read() as session:
            terms = agreed_terms(session, broker, found.specification)
        comparison = locate_comparison(broker, found.specification, terms, found.range_rows)
        share = HelpersShare(broker, run, found.token, comparison, stop)
        with broker.database.write() as session:
            claimed = share.claim(session)
        if not claimed:
            return False
        log.info("run_helped", run_id=run)
        with Heartbeat(broker, run, partial(tasks.renew_tasks, token=found.token), stop):
            share.work_off(claimed)
        return True
