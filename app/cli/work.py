"""`blindlink-broker work`."""

from __future__ import annotations

import dataclasses
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import click

from app.cli.opening import opened_broker
from app.logs import configure_logs
from app.traces import tracing

if TYPE_CHECKING:
    from app.broker import Broker

WAIT_S: Final = 5.0


@click.command("work", short_help="Do the runs that are asked for.")
@click.option("--until-idle", is_flag=True, help="End as soon as nothing waits.")
@click.option(
    "--tasks",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Tasks at a time; worker_threads of the settings unless given.",
)
@click.pass_context
def work(ctx: click.Context, *, until_idle: bool, tasks: int | None) -> None:
    """Take runs from the database and do them, until SIGTERM or Ctrl-C.

    Several may work at once. A run is cut into tasks: a worker without a run
    of its own helps with another's. Any may come, go, or be killed; the
    result is the same.

    Checks of uploads that a broker has left, such as one that was killed,
    are done, too. While the database does not answer, it waits, except
    with --until-idle.

    Example: blindlink-broker --state /srv/blindlink work --tasks 4
    """
    from app.worker import run_worker

    configure_logs()
    with ExitStack() as open_until_end:
        broker = _enter(open_until_end, ctx, waits=not until_idle)
        with broker.database.read() as session:
            broker.log.check(session)
        if tasks is not None:
            settings = broker.settings.model_copy(update={"worker_threads": tasks})
            broker = dataclasses.replace(broker, settings=settings)
        with tracing(broker.settings, "blindlink-work"):
            run_worker(broker, until_idle=until_idle)


def _enter(stack: ExitStack, ctx: click.Context, *, waits: bool) -> Broker:
    """Open the broker until the stack's end, as soon as its database answers where this waits for it."""
    import structlog
    from sqlalchemy.exc import OperationalError

    while True:
        try:
            return stack.enter_context(opened_broker(ctx))
        except OperationalError as exc:
            if not waits:
                raise
            structlog.get_logger().warning("database_unavailable", error=type(exc).__name__)
            time.sleep(WAIT_S)
