"""The worker: one thread does the runs that wait, one after the other; another ends projects that are too old.

A run that is cut off is queued again, a few times, and gives the same pairs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from app.engine import Progress
from app.errors import KeyGoneError, UnavailableError, place_of
from app.extras.anonlink import repository
from app.extras.anonlink.memberships import FORM, number_blocks, sharing_a_block
from app.extras.anonlink.results import result_texts
from app.extras.anonlink.service import (
    RESULT_PREFIX,
    Service,
    fail_run,
    queue_interrupted,
    remove_expired,
)
from app.extras.anonlink.uploads import BLOCKS, CLKS
from app.extras.exhaustive import (
    Block,
    Candidates,
    MatchingError,
    Words,
    pack_words,
)
from app.extras.exhaustive.run import find_pairs
from app.ids import new_id
from app.sealed.objects import NewObject, cut_pieces, open_pieces

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = structlog.get_logger()

SWEEP_S: Final = 600.0


class RunGoneError(Exception):
    """The run was deleted while it was under way, or the service is to end."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a run needs: its project's CLKs by party, at one threshold."""

    run: str
    project: str
    result_type: str
    threshold: Fraction
    clks: tuple[str, ...]
    n_clks: tuple[int, ...]
    clk_bytes: int
    uses_blocking: bool


@contextmanager
def working(service: Service) -> Iterator[None]:
    """Do the runs of a service and end its projects, each in a thread of its own, until the block ends."""
    threads = [
        threading.Thread(target=_work, args=(service,), name="anonlink-worker"),
        threading.Thread(target=_sweep, args=(service,), name="anonlink-sweeper"),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        service.stopping.set()
        service.waking.set()
        for thread in threads:
            thread.join()


def do_waiting_runs(service: Service) -> None:
    """Do all runs that wait, in the order in which they were asked for, and those that came to no end."""
    # Nobody else does runs: what is under way now could not even say that it failed.
    queue_interrupted(service)
    while not service.stopping.is_set():
        with service.database.write() as session:
            task = _claim(service, session)
        if task is None:
            return
        _do(service, task)


def _work(service: Service) -> None:
    while not service.stopping.is_set():
        service.waking.clear()
        try:
            do_waiting_runs(service)
        except Exception as exc:  # noqa: BLE001 - the thread has to live; a foreign message may hold values
            log.error("worker_failed", error=type(exc).__name__, where=place_of(exc))  # noqa: TRY400
            # Not at once again: what failed, a full disk perhaps, needs time.
            service.stopping.wait(SWEEP_S / 60)
        service.waking.wait(SWEEP_S)


def _sweep(service: Service) -> None:
    while not service.stopping.is_set():
        try:
            remove_expired(service)
        except Exception as exc:  # noqa: BLE001 - as in _work
            log.error("sweep_failed", error=type(exc).__name__, where=place_of(exc))  # noqa: TRY400
        service.stopping.wait(SWEEP_S)


def _claim(service: Service, session: Session) -> Task | None:
    run = repository.next_run(session)
    if run is None:
        return None
    project = repository.find_project(session, run.project)
    parties = repository.parties_of(session, run.project)
    if project is None or project.clk_bytes is None:
        raise ValueError("a run that is queued has a project with CLKs")
    run.state, run.started = "running", service.now()
    run.attempts += 1
    return Task(
        run=run.id,
        project=project.id,
        result_type=project.result_type,
        threshold=Fraction(run.threshold),
        clks=tuple(party.clks or "" for party in parties),
        n_clks=tuple(party.n_clks or 0 for party in parties),
        clk_bytes=project.clk_bytes,
        uses_blocking=project.uses_blocking,
    )


def _do(service: Service, task: Task) -> None:
    service.present.run, service.present.progress = task.run, None
    log.info("run_started", run_id=task.run, project=task.project)
    try:
        _compare(service, task)
    except (RunGoneError, KeyGoneError):
        log.info("run_left", run_id=task.run, project=task.project)
        if service.stopping.is_set():
            _forget_attempt(service, task)
    except MatchingError as exc:
        # Says how many pairs there are, and of no record anything.
        _fail(service, task, str(exc))
    except UnavailableError as exc:
        _fail(service, task, exc.detail.removesuffix("."))
    except Exception as exc:  # noqa: BLE001 - one run that fails must not stop the others
        log.error("run_failed", run_id=task.run, error=type(exc).__name__, where=place_of(exc))  # noqa: TRY400
        _fail(service, task, "the service failed; its log says where")
    finally:
        service.present.run = None


def _compare(service: Service, task: Task) -> None:
    datasets = [
        _words(service, clks, n, task.clk_bytes)
        for clks, n in zip(task.clks, task.n_clks, strict=True)
    ]
    pairs = find_pairs(
        datasets,
        task.threshold,
        n_threads=service.limits.n_threads,
        max_pairs=service.limits.max_pairs,
        watch=partial(_watch, service, task),
        keep=_keep(service, task),
    )
    del datasets
    watch = partial(_leave_if_gone, service, task)
    with NewObject(service, new_id(RESULT_PREFIX)) as stored:
        for kind, texts in result_texts(task.result_type, pairs, watch).items():
            pieces = cut_pieces(text.encode("ascii") for text in texts)
            stored.write(kind, _watched(pieces, watch))
        with service.database.write() as session:
            run = repository.find_run(session, task.project, task.run)
            if run is None:
                raise RunGoneError
            run.state, run.completed, run.result = "completed", service.now(), stored.id
            stored.keep(session)
            service.note(session, "run-completed", task.project, task.run)
    log.info("run_completed", run_id=task.run, project=task.project, n_pairs=len(pairs))


def _watched(pieces: Iterator[bytes], watch: Callable[[], None]) -> Iterator[bytes]:
    for piece in pieces:
        watch()
        yield piece


def _watch(service: Service, task: Task, progress: Progress) -> None:
    _leave_if_gone(service, task)
    service.present.progress = progress
    if progress.comparisons_per_s is not None:
        service.present.rate = round(progress.comparisons_per_s)


def _leave_if_gone(service: Service, task: Task) -> None:
    with service.database.read() as session:
        is_gone = repository.find_run(session, task.project, task.run) is None
    if is_gone or service.stopping.is_set():
        raise RunGoneError


def _fail(service: Service, task: Task, message: str) -> None:
    with service.database.write() as session:
        run = repository.find_run(session, task.project, task.run)
        if run is not None:
            fail_run(service, session, run, message)


def _forget_attempt(service: Service, task: Task) -> None:
    with service.database.write() as session:
        run = repository.find_run(session, task.project, task.run)
        if run is not None:
            run.attempts -= 1


def _words(service: Service, clks: str, n: int, n_bytes: int) -> Words:
    rows = np.empty(n * n_bytes, dtype=np.uint8)
    at = 0
    for piece in _pieces(service, clks, CLKS):
        rows[at : at + len(piece)] = np.frombuffer(piece, dtype=np.uint8)
        at += len(piece)
    if at != len(rows):
        raise ValueError("the CLKs are as many as were counted")
    return pack_words(rows.reshape(n, n_bytes))


def _keep(service: Service, task: Task) -> Callable[[Block, Candidates], Candidates]:
    if not task.uses_blocking:
        return lambda _, pairs: pairs
    files: Sequence[NDArray[np.void]] = [
        np.frombuffer(b"".join(_pieces(service, clks, BLOCKS)), dtype=FORM) for clks in task.clks
    ]
    return partial(
        sharing_a_block,
        number_blocks(files, task.n_clks),
        watch=partial(_leave_if_gone, service, task),
    )


def _pieces(service: Service, object_id: str, kind: str) -> Iterator[bytes]:
    with service.database.read() as session:
        pieces = open_pieces(session, service, object_id, kind)
    return iter(pieces)
