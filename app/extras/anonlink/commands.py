"""`blindlink-broker anonlink`: the API of anonlink-entity-service, apart from the broker."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from app.errors import ConfigurationError
from app.logs import configure_logs
from app.memory import give_memory_back
from app.security.keyring import FILE
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from app.settings import Settings

# Where the old service listened.
PORT: Final = 8851
# An upload of millions of CLKs may take long; what comes too slowly is still cut off.
BODY_TIMEOUT_S: Final = 86_400
WARNING: Final = (
    "this service compares plain CLKs that are in use already, to rehearse and to move away from them: "
    "anyone who has them can find out who the people are, and no agreement or match log stands behind it"
)

_folder = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("anonlink-state"),
    show_default=True,
    help="Where the service keeps everything; apart from the broker's state.",
)


@click.group("anonlink", short_help="Serve clients of anonlink-entity-service.")
def anonlink() -> None:
    """Serve the API of anonlink-entity-service 1.15, for plain CLKs that are in use already."""


@anonlink.command("serve", short_help="Serve the API of anonlink-entity-service.")
@_folder
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="0: a free one."
)
@click.option("--tls-cert", "tls_cert_file", type=click.Path(path_type=Path), help="PEM chain.")
@click.option("--tls-key", "tls_key_file", type=click.Path(path_type=Path), help="PEM key.")
@click.option(
    "--keep-days",
    type=click.IntRange(1, 3650),
    default=30,
    show_default=True,
    help="After so many days a project is deleted.",
)
@click.option(
    "--max-pairs",
    type=click.IntRange(1),
    default=50_000_000,
    show_default=True,
    help="A run with more pairs fails.",
)
@click.option(
    "--max-clks",
    type=click.IntRange(1),
    default=20_000_000,
    show_default=True,
    help="A party may upload at most so many.",
)
@click.option("--threads", type=click.IntRange(1), help="Default: one for each processor.")
def serve(
    *,
    folder: Path,
    host: str,
    port: int,
    tls_cert_file: Path | None,
    tls_key_file: Path | None,
    keep_days: int,
    max_pairs: int,
    max_clks: int,
    threads: int | None,
) -> None:
    """Serve the API of anonlink-entity-service 1.15 until SIGTERM or Ctrl-C. Prints the URL once it listens.

    It needs no broker and touches none. Without TLS it listens on this machine only.

    Example: blindlink-broker anonlink serve --folder anonlink-state
    """
    from app.extras.anonlink.application import create_app
    from app.extras.anonlink.service import Limits, opened_service
    from app.extras.anonlink.worker import working
    from app.http.server import bind
    from app.http.server import serve as serve_app
    from app.settings import read_settings, usable_processors

    configure_logs()
    settings = read_settings(
        folder,
        host=host,
        port=port,
        tls_cert_file=tls_cert_file,
        tls_key_file=tls_key_file,
        body_timeout_s=BODY_TIMEOUT_S,
    )
    if settings.key_keeper != FILE:
        raise ConfigurationError(
            "this service keeps its keys in files of its own folder, and key_keeper says otherwise",
            hint="take key_keeper out of its settings",
        )
    tls = _tls(settings)
    give_memory_back()
    limits = Limits(
        max_pairs=max_pairs,
        max_clks=max_clks,
        n_threads=threads or usable_processors(),
        keep=timedelta(days=keep_days),
    )
    # Before the folder is made, which a port that is taken would leave.
    listener = bind(settings.host, settings.port)
    taken = {"port": listener.getsockname()[1], "insecure_plain_http": tls is None}
    settings = settings.model_copy(update=taken)
    with (
        closing(listener),
        opened_service(folder, limits, reserve_percent=settings.disk_reserve_percent) as service,
        working(service),
    ):
        click.echo(f"blindlink-broker: warning: {WARNING}", err=True)
        serve_app(
            create_app(service),
            settings,
            listener,
            tls,
            on_listening=lambda: click.echo(settings.listening_at),
            on_stop=service.stopping.set,
        )


@anonlink.command("record", short_help="Print what the service was asked to do.")
@_folder
@json_option
def record(folder: Path) -> None:
    """Print what was done, oldest first: what, when, in which project, and counts. No name and no token.

    Example: blindlink-broker anonlink record --folder anonlink-state
    """
    from app.extras.anonlink.service import read_notes

    rows = read_notes(folder)
    emit(rows, (_line(row) for row in rows))


@anonlink.command("remove", short_help="Destroy a project of the service.")
@click.argument("project")
@_folder
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
def remove(project: str, folder: Path, *, yes: bool) -> None:
    """Destroy the project PROJECT, an ID, with its CLKs, runs and results. It cannot be undone.

    The service may run meanwhile. A run of the project that is under way ends.

    Example: blindlink-broker anonlink remove PROJECT --folder anonlink-state
    """
    from app.extras.anonlink.service import remove_as_operator

    if not yes:
        click.confirm(f"destroy {project} for good?", abort=True, err=True)
    remove_as_operator(folder, project)


def _line(row: Mapping[str, object]) -> str:
    return "  ".join(f"{name}={value}" for name, value in row.items() if value is not None)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    from app.http.server import TlsFiles, tls_context
    from app.settings import is_loopback

    files = settings.tls_files()
    if files is not None:
        return tls_context(TlsFiles(*files))
    if not is_loopback(settings.host):
        raise ConfigurationError(
            "without TLS the service listens on this machine only",
            hint="give --tls-cert and --tls-key",
        )
    return None
