"""`blindlink-broker doctor`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.certificates import end_of
from app.cli.main import NOT_ALLOWED
from app.cli.opening import founded_settings, local_operator
from app.durable import refuse_shared
from app.errors import BrokerError, ConfigurationError
from app.features import FEATURES
from app.http.listener import files_needed, raise_file_limit
from app.security.key_encryption import try_out
from app.security.rewrapping import naming
from app.version import VERSION
from schemas.shared.amounts import counted
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from app.broker import Broker
    from app.deadlines.notices import Outlet
    from app.settings import Settings


@click.command("doctor", short_help="Check settings, stores, log and kernel.")
@click.option(
    "--send-test-message",
    "sends",
    is_flag=True,
    help="Also send a test message by each way that the settings open.",
)
@json_option
@click.pass_context
def doctor(ctx: click.Context, *, sends: bool) -> None:
    """Check what the broker needs, one line each; the exit code is 1 if anything is wrong.

    Example: blindlink-broker --state /srv/blindlink doctor --send-test-message
    """
    from app.broker import open_broker

    settings = founded_settings(ctx)
    broker = open_broker(settings)
    try:
        findings = {name: _finding(check, broker) for name, check in CHECKS.items()}
        if sends:
            findings |= _sent(broker)
    finally:
        broker.close()
    emit(
        {name: {"fit": fit, "says": says} for name, (fit, says) in findings.items()},
        (
            f"{'ok   ' if fit else 'WRONG'}  {name}: {says}"
            for name, (fit, says) in findings.items()
        ),
    )
    if not all(fit for fit, _ in findings.values()):
        sys.exit(1)


def _finding(check: Callable[[Broker], str], broker: Broker) -> tuple[bool, str]:
    from sqlalchemy.exc import DBAPIError

    try:
        return True, check(broker)
    except BrokerError as exc:
        return False, exc.detail if exc.hint is None else f"{exc.detail} ({exc.hint})"
    except PermissionError:
        return False, NOT_ALLOWED
    except DBAPIError:
        return False, "the database does not give what is asked for"


def _software(_: Broker) -> str:
    return f"Blindlink {VERSION} on Python {platform.python_version()}"


def _database(broker: Broker) -> str:
    if broker.settings.insecure_volatile_database:
        raise ConfigurationError("insecure_volatile_database is set")
    return f"{broker.database.url.get_backend_name()}, keeps what it acknowledges"


def _permissions(broker: Broker) -> str:
    refuse_shared(broker.settings.state_dir, "the state folder")
    file = broker.database.file
    beside = () if file is None else (file, Path(f"{file}-wal"), Path(f"{file}-shm"))
    for path in filter(Path.exists, beside):
        refuse_shared(path, "the database")
    if os.name == "nt":
        return "not looked at; Windows keeps access lists"
    return "state folder and database are the owner's alone"


def _schema(broker: Broker) -> str:
    from app.migrations.steps import require_current

    require_current(broker.database)
    return "current"


def _log(broker: Broker) -> str:
    with broker.database.read() as session:
        broker.log.check(session)
    return f"continues what was signed; key {broker.log.key.text}"


def _keys(broker: Broker) -> str:
    object_ids = list(broker.keystore.object_ids())
    for object_id in object_ids:
        with naming(object_id):
            broker.keystore.open(object_id)
    strange = broker.keystore.strange_files()
    if strange:
        raise ConfigurationError(
            f"the key store has {counted(len(strange), 'file')} of someone else, such as {strange[0]}",
            hint="a copy of a key there is never destroyed: remove it",
        )
    ring = broker.keystore.ring
    ring.require_drawn_where_wanted()
    key = ring.primary()
    try_out(key)
    return f"{len(object_ids)} wrapped keys open; new ones go under key {key.name}, {key.place}"


def _disk(broker: Broker) -> str:
    broker.blobs.refuse_when_full()
    return f"more than {broker.settings.disk_reserve_percent} % free"


def _blobs(broker: Broker) -> str:
    return broker.blobs.try_out()


def _files(broker: Broker) -> str:
    needed = files_needed(broker.settings.max_connections)
    allowed = raise_file_limit(needed)
    if allowed is not None and allowed < needed:
        raise ConfigurationError(
            f"serve may open {allowed} files only, and may need {needed}",
            hint="raise the hard limit (ulimit -Hn, LimitNOFILE), or lower max_connections",
        )
    return f"serve may open the {needed} that it may need"


def _tls(broker: Broker) -> str:
    from app.http.server import TlsFiles, tls_context

    settings: Settings = broker.settings
    files = settings.tls_files()
    if files is None:
        if settings.insecure_plain_http:
            return "none; a reverse proxy must speak it"
        raise ConfigurationError("there is no certificate")
    tls_context(TlsFiles(*files))
    return f"certificate until {end_of(files[0])}"


def _configuration(broker: Broker) -> str:
    from app.matchlog.configuration import is_logged

    with broker.database.read() as session:
        if is_logged(session, broker.settings):
            return "as the match log has it"
    return "other than the match log has it; serve logs its own when it starts"


def _projects(broker: Broker) -> str:
    from app.agreements.states import project_states

    operator = local_operator(broker)
    with broker.database.read() as session:
        found = project_states(session, operator, broker.clock())
    return "; ".join(f"{one.project} {one.sentence}" for one in found) or "none"


def _overdue(broker: Broker) -> str:
    from app.deadlines.service import NO_PROJECT, all_overdue

    with broker.database.read() as session:
        found = all_overdue(session, broker, broker.clock())
    said = [
        one.overdue.words().removesuffix(".")
        if one.project == NO_PROJECT
        else f"{one.project}: {one.overdue.words().removesuffix('.')}"
        for one in found
    ]
    return "; ".join(said) or "nothing"


def _messages(broker: Broker) -> str:
    from app.agencies.service import unknown_parties
    from app.deadlines.notices import outlets_of

    with broker.database.read() as session:
        unknown = unknown_parties(session, list(broker.settings.mail_to))
    if unknown:
        raise ConfigurationError(
            f"mail_to names {', '.join(unknown)}, and no party is enrolled so",
            hint="see: blindlink-broker agency list",
        )
    names = [outlet.name for outlet in outlets_of(broker)]
    if broker.settings.webhook_url is not None:
        broker.settings.webhook_secret()
    if broker.settings.mail_user is not None:
        broker.settings.mail_password()
    return ", ".join(names) or "none; what is overdue is on the pages and in blindlink status only"


def _sent(broker: Broker) -> dict[str, tuple[bool, str]]:
    from app.deadlines.notices import outlets_of

    outlets = outlets_of(broker)
    if not outlets:
        return {"test message": (False, "the settings open no way by which one could leave")}
    return {
        f"test message by {outlet.name}": _finding(partial(_send, outlet), broker)
        for outlet in outlets
    }


def _send(outlet: Outlet, _: Broker) -> str:
    outlet.send([])
    return "sent"


def _of_feature(name: str, broker: Broker) -> str:
    said: str = FEATURES.load(name, "check").check(broker)
    return said


CHECKS: dict[str, Callable[[Broker], str]] = {
    "software": _software,
    "database": _database,
    "permissions": _permissions,
    "schema": _schema,
    "match log": _log,
    "configuration": _configuration,
    "projects": _projects,
    "overdue": _overdue,
    "messages": _messages,
    "key store": _keys,
    "disk": _disk,
    "blobs": _blobs,
    "files": _files,
    "tls": _tls,
    # Each of its own name, since a feature is known by that alone.
    **{
        feature.check: partial(_of_feature, name)
        for name, feature in FEATURES.table.items()
        if feature.check is not None
    },
}
