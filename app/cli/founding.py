"""Founding a broker: its folders, keys, database, match log and operator, each only if it is missing."""

from __future__ import annotations

import secrets
from contextlib import closing
from typing import TYPE_CHECKING

from app.clock import Clock, utc_now
from app.durable import make_private_folder
from app.errors import ConfigurationError
from app.security.keepers import keepers_of
from app.security.keyring import make_ring
from app.security.log_key import make_log_key
from app.version import SOFTWARE

if TYPE_CHECKING:
    from app.broker import Broker
    from app.security.actor import Actor
    from app.settings import Settings


def found_broker(
    settings: Settings, *, origin: str | None, title: str, clock: Clock = utc_now
) -> Actor:
    """Found a broker in its state folder and return whom the operator's commands act as.

    What a founding that was interrupted left behind is taken up; keys are never replaced.
    """
    from app.agencies.service import enrol_operator
    from app.broker import open_broker, open_database
    from app.migrations.steps import migrate

    make_private_folder(settings.state_dir)
    if not settings.ring_file.exists():
        with closing(keepers_of(settings)) as keepers:
            make_ring(settings.ring_file, keepers)
    if not settings.log_key_file.exists():
        # What is signed counts in the log that it names, so no two logs may share a name, even on trial.
        make_log_key(settings.log_key_file, origin or f"localhost/{secrets.token_hex(8)}")
    with closing(open_database(settings)) as database:
        migrate(database)
    broker = open_broker(settings, clock=clock)
    try:
        with broker.database.write() as session:
            broker.log.start(session, SOFTWARE)
            _refuse_remains(broker, origin)
            return enrol_operator(
                session, broker.log, name=settings.operator, title=title, clock=clock
            )
    finally:
        broker.close()


def _refuse_remains(broker: Broker, origin: str | None) -> None:
    """Refuse what no founding leaves behind; only where there is no log yet is the key nobody's."""
    if any(broker.keystore.object_ids()):
        raise ConfigurationError(
            "the key store has keys of a broker that was here before",
            hint="put its database back: blindlink-broker restore BACKUP --replace",
        )
    if origin not in (None, broker.log.key.name):
        raise ConfigurationError(
            f"an earlier init has made a key for a log that is named {broker.log.key.name}",
            hint=f"no log was begun with it: remove {broker.settings.log_key_file}, and type it again",
        )
