"""What a worker of the cluster is asked to do; all that the scheduler sees of it stands here.

Nothing is raised: Dask would log it with the task's arguments, and send it through the scheduler. Whoever asked
does what a worker could not do, and finds out why. What no task after it can change ends the worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

import structlog

from app.errors import place_of
from app.extras.exhaustive import match_block

if TYPE_CHECKING:
    from app.extras.cluster.fetching import BlockTask, Fetched

# What a worker has one of that can help with runs, so that it is given one run at a time.
BROKER: Final = "broker"

log = structlog.get_logger()


class Helps(Protocol):
    """A worker's way to help with a run.

    Attributes:
        final: errors after which it can help with nothing more, until its process is started anew.
    """

    final: tuple[type[Exception], ...]

    def __call__(self, run: str) -> None:
        """Do tasks of the run until none is free, or this worker is to end."""


class Equipped(Protocol):
    """A worker of the cluster that Blindlink started; `helps` is None where it has no broker's state."""

    fetched: Fetched
    helps: Helps | None

    def give_up(self, error: Exception) -> None:
        """End the worker's process by this error; called from a task's thread."""


def help_with(run: str) -> bool:
    """Help with a run, on a worker that has the broker's state; False where it could not."""
    worker = _worker()
    helps = worker.helps
    if helps is None:
        return False
    try:
        helps(run)
    except Exception as exc:  # noqa: BLE001 - see above
        log.warning("help_failed", run_id=run, error=type(exc).__name__, where=place_of(exc))
        if isinstance(exc, helps.final):
            worker.give_up(exc)
        return False
    return True


def compare_block(task: BlockTask) -> bool:
    """Compare a block, and bring its pairs to whoever asked; False where it could not."""
    fetched = _worker().fetched
    try:
        pairs = match_block(
            fetched.datasets(task),
            task.block,
            task.threshold,
            kernel=task.kernel,
            max_pairs=task.max_pairs,
        )
        fetched.bring(task, pairs)
    except Exception as exc:  # noqa: BLE001 - see above
        log.warning("block_failed", error=type(exc).__name__, where=place_of(exc))
        return False
    return True


def _worker() -> Equipped:
    from app.extras.cluster.configuration import distributed  # noqa: PLC0415 - it takes a second to load

    return cast("Equipped", distributed.get_worker())
