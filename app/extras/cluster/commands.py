"""`blindlink-broker cluster`: an optional cluster of Dask that helps with runs and compares plain CLKs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import structlog

from app.cli.opening import opened_broker
from app.extras.cluster import certificates
from app.extras.cluster.place import needed_place
from app.logs import configure_logs

if TYPE_CHECKING:
    from app.extras.cluster.help import RunHelper
    from app.settings import Settings

_MACHINE: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")

log = structlog.get_logger()


@click.group("cluster", short_help="Run a cluster of Dask that helps.")
def cluster() -> None:
    """Run a cluster of Dask whose workers help with runs and compare plain CLKs.

    You do not need one: several `blindlink-broker work` share a run, too. docs/cluster.md says who can do
    with a cluster, and what each of its certificates opens.
    """


@cluster.command("certify", short_help="Make certificates for its machines.")
@click.argument("machines", nargs=-1, required=True)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("cluster-ca"),
    show_default=True,
    help="Where the cluster's CA is, or is made.",
)
def certify(machines: tuple[str, ...], folder: Path) -> None:
    """Make a certificate and key for each of MACHINES, and the CA if there is none.

    Whoever has one of these certificates with its key can run any program on every machine of the cluster.
    Hand each out a safe way, and keep ca.key away from all of them.

    Example: blindlink-broker cluster certify scheduler broker worker-1
    """
    for machine in machines:
        if not _MACHINE.fullmatch(machine) or machine == certificates.CA_NAME:
            raise click.UsageError(
                "a machine's name is of small letters, digits, dots and hyphens, and not ca"
            )
    if certificates.make_ca(folder):
        click.echo(folder / "ca.crt")
    for machine in machines:
        certificates.certify(folder, machine)
        click.echo(folder / f"{machine}.crt")


@cluster.command("scheduler", short_help="Be its scheduler.")
@click.pass_context
def scheduler(ctx: click.Context) -> None:
    """Be the cluster's scheduler at cluster_address of the settings, until SIGTERM or Ctrl-C.

    Prints its address once it listens. It needs no broker's state.

    Example: blindlink-broker --state /srv/cluster cluster scheduler
    """
    configure_logs()
    place = needed_place(_settings(ctx))
    # Not before: it needs Dask.
    from app.extras.cluster.nodes import run_scheduler

    def announce(address: str) -> None:
        log.info("scheduler_started", host=place.host, port=place.port)
        click.echo(address)

    run_scheduler(place, announce)
    log.info("scheduler_stopped")


@cluster.command("worker", short_help="Be one of its workers.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Blocks at a time; all processors.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="0: a free one.")
@click.pass_context
def worker(ctx: click.Context, *, threads: int | None, port: int) -> None:
    """Be a worker of the cluster at cluster_address of the settings, until SIGTERM or Ctrl-C.

    Where the state folder is that of the broker (same database, same keys, same blobs), it helps with
    runs, too. Without, it compares blocks of plain CLKs only.

    Example: blindlink-broker --state /srv/blindlink cluster worker
    """
    from app.settings import usable_processors

    configure_logs()
    settings = _settings(ctx)
    place = needed_place(settings)
    # Not before: it needs Dask.
    from app.extras.cluster.nodes import run_cluster_worker

    with _helper(ctx, settings) as helper:
        kind = "blocks" if helper is None else "runs-and-blocks"
        run_cluster_worker(
            place,
            n_threads=threads or usable_processors(),
            port=port,
            helps=helper,
            on_stop=lambda: None if helper is None else helper.stop(),
            on_joined=lambda: log.info("cluster_joined", state=kind),
        )
    log.info("worker_stopped")


def _settings(ctx: click.Context) -> Settings:
    from app.settings import read_settings

    return read_settings(ctx.obj)


@contextmanager
def _helper(ctx: click.Context, settings: Settings) -> Iterator[RunHelper | None]:
    """Open what helps with runs; None where the state folder is no broker's."""
    if not settings.log_key_file.exists():
        yield None
        return
    from app.extras.cluster.help import RunHelper

    with opened_broker(ctx) as broker:
        with broker.database.read() as session:
            broker.log.check(session)
        helper = RunHelper(broker)
        try:
            yield helper
        finally:
            helper.end()
