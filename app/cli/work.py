"""`blindlink-broker work`."""

from __future__ import annotations

import click

from app.cli.opening import opened_broker
from app.logs import configure_logs


@click.command("work", short_help="Do the runs that are asked for.")
@click.option("--until-idle", is_flag=True, help="End as soon as nothing waits.")
@click.pass_context
def work(ctx: click.Context, *, until_idle: bool) -> None:
    """Take runs from the database and do them, until SIGTERM or Ctrl-C; several may work at once.

    Checks of uploads that a broker has left, such as one that was killed, are done, too.

    Example: blindlink-broker --state /srv/blindlink work
    """
    from app.worker import run_worker

    configure_logs()
    with opened_broker(ctx) as broker:
        with broker.database.read() as session:
            broker.log.check(session)
        run_worker(broker, until_idle=until_idle)
