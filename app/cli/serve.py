"""`blindlink-broker serve`."""

from __future__ import annotations

import gc
import ssl
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import structlog

from app.cli.opening import founded_settings, take_up
from app.errors import BrokerError, ConfigurationError, KeyKeeperUnavailableError, UnavailableError
from app.http.listener import files_needed, raise_file_limit
from app.logs import configure_logs
from app.memory import give_memory_back
from app.traces import tracing
from schemas.shared.memory import collector_paused

if TYPE_CHECKING:
    from app.broker import Broker
    from app.settings import Settings

log = structlog.get_logger()


@click.command("serve", short_help="Serve the HTTPS API.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; 0 takes a free one.")
@click.option("--tls-cert", "tls_cert_file", type=click.Path(path_type=Path), help="PEM chain.")
@click.option("--tls-key", "tls_key_file", type=click.Path(path_type=Path), help="PEM key.")
@click.option(
    "--insecure-plain-http",
    is_flag=True,
    default=None,
    help="No TLS: only on loopback, behind a reverse proxy that speaks it.",
)
@click.option("--migrate", "with_migration", is_flag=True, help="Migrate the database first.")
@click.pass_context
def serve(
    ctx: click.Context,
    *,
    host: str | None,
    port: int | None,
    tls_cert_file: Path | None,
    tls_key_file: Path | None,
    insecure_plain_http: bool | None,
    with_migration: bool,
) -> None:
    """Serve the HTTPS API until SIGTERM or Ctrl-C. Prints the URL once it listens.

    Example: blindlink-broker --state /srv/blindlink serve --host 0.0.0.0
    """
    with collector_paused():
        from app.broker import open_broker, open_database
        from app.migrations.steps import migrate

    configure_logs()
    settings = founded_settings(
        ctx,
        host=host,
        port=port,
        tls_cert_file=tls_cert_file,
        tls_key_file=tls_key_file,
        insecure_plain_http=insecure_plain_http,
    )
    tls = _tls(settings)
    _refuse_nowhere(settings)
    if with_migration:
        with closing(open_database(settings)) as database:
            migrate(database)
    give_memory_back()
    _raise_file_limit(settings)
    with closing(open_broker(settings)) as broker:
        take_up(broker)
        _warn_where_unsafe(broker)
        with tracing(settings, "blindlink-serve"):
            _serve(broker, tls)


def _refuse_nowhere(settings: Settings) -> None:
    """Refuse to serve under an address that nobody calls: what people sign names the broker by it."""
    is_everywhere = settings.host in {"0.0.0.0", "::"}  # noqa: S104
    if is_everywhere and settings.public_url is None:
        raise ConfigurationError(
            "the broker listens on every address, and does not know the one that agencies call",
            hint="set public_url in broker.toml, or BLINDLINK_PUBLIC_URL; nobody could sign in without",
        )


def _raise_file_limit(settings: Settings) -> None:
    needed = files_needed(settings.max_connections)
    allowed = raise_file_limit(needed)
    if allowed is not None and allowed < needed:
        log.warning("file_limit_too_low", allowed=allowed, needed=needed)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    from app.http.server import TlsFiles, tls_context
    from app.settings import is_loopback

    files = settings.tls_files()
    if files is not None and not settings.insecure_plain_http:
        return tls_context(TlsFiles(*files))
    if not settings.insecure_plain_http:
        raise ConfigurationError(
            "there is no TLS certificate",
            hint="give --tls-cert and --tls-key, or for a trial run `init --self-signed`",
        )
    if not is_loopback(settings.host):
        raise ConfigurationError("without TLS the broker listens on loopback only")
    return None


_INSECURE: Final = ("insecure_plain_http", "insecure_volatile_database", "insecure_sso_any_factor")


def _warn_where_unsafe(broker: Broker) -> None:
    from app.settings import is_loopback

    for name in _INSECURE:
        if getattr(broker.settings, name):
            log.warning("insecure_setting_used", setting=name)
    settings = broker.settings
    is_behind_another = settings.insecure_plain_http or not is_loopback(settings.host)
    if settings.public_url is None and is_behind_another:
        # What persons sign names the address at which they reach the broker, and that is another one.
        log.warning("setting_missing", setting="public_url")
    try:
        with broker.database.read() as session:
            broker.log.check(session)
        _log_configuration(broker)
    except UnavailableError as exc:
        # Auditors must still be able to read; every call that would change something is refused.
        log.error("log_check_failed", code=exc.code)  # noqa: TRY400 - no traceback, it may hold values
        _warn(exc, "nothing is changed")
    try:
        broker.keystore.ring.require_answering()
    except KeyKeeperUnavailableError as exc:
        log.error("key_keeper_unavailable")  # noqa: TRY400 - what it says is for the terminal
        _warn(exc, "what needs a key is refused until it does")


def _warn(error: BrokerError, so: str) -> None:
    click.echo(f"blindlink-broker: warning: {error.detail.removesuffix('.')}; {so}", err=True)
    click.echo(f"hint: {error.hint or 'blindlink-broker doctor says more'}", err=True)


def _log_configuration(broker: Broker) -> None:
    from app.matchlog.configuration import log_configuration

    with broker.database.write() as session:
        logged = log_configuration(session, broker.log, broker.settings)
    if logged is not None:
        log.info("configuration_logged", log_size=logged.seq + 1)


def _serve(broker: Broker, tls: ssl.SSLContext | None) -> None:
    with collector_paused():
        from app.http.server import bind
        from app.http.server import serve as serve_app
        from app.main import create_app

    listener = bind(broker.settings.host, broker.settings.port)
    # Port 0 took a free one, which then stands in what persons sign.
    settings = broker.settings.model_copy(update={"port": listener.getsockname()[1]})
    app = create_app(replace(broker, settings=settings))
    # All that is there by now stays to the end, so that the search for circles may leave it out.
    gc.freeze()

    def announce() -> None:
        log.info("broker_started", host=settings.host, port=settings.port)
        click.echo(settings.listening_at)

    serve_app(app, settings, listener, tls, on_listening=announce, on_stop=broker.stopping.set)
    log.info("broker_stopped")
