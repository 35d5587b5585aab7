"""Everything that a request or the worker needs, opened once from the settings and passed in."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from app.blobs import BlobStore, open_blobs
from app.clock import Clock, utc_now
from app.db import Database
from app.durable import make_private_file, make_private_folder
from app.matchlog.last_checkpoint import LastCheckpointFile
from app.matchlog.service import MatchLog
from app.security.keepers import keepers_of
from app.security.keyring import KeyRing
from app.security.keystore import KeyStore
from app.security.log_key import read_log_keys
from app.settings import Settings

# A check of a container keeps a thread and a core; sign-in, pages and parts need some of both meanwhile.
MAX_CHECKS: Final = 4


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker's stores, log and clocks.

    What the log may tell of is decided by `clock`, which never goes behind the log; `machine_clock` is what the
    clocks of other machines are held to, as in sign-ins. `checks` has a place for each upload that may be read
    through at once. `stopping` is set when the process is to end: work that another one can take up is left.
    """

    settings: Settings
    database: Database
    keystore: KeyStore
    blobs: BlobStore
    log: MatchLog
    clock: Clock
    machine_clock: Clock
    checks: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MAX_CHECKS))
    stopping: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        """Close the connections to the database, and to the person who keeps keys."""
        self.database.close()
        self.keystore.ring.keepers.close()


def open_broker(settings: Settings, *, clock: Clock = utc_now) -> Broker:
    """Open the stores that `init` made; whether the database's schema is current is not looked at.

    Raises:
        ConfigurationError: a key, the database or a durability setting is missing or unsafe.
        KeyKeeperUnavailableError: the ring has a key whose keeper the settings lack.
    """
    signer, *_ = read_log_keys(settings.log_key_file)
    keystore = KeyStore(settings.key_store_dir, KeyRing(settings.ring_file, keepers_of(settings)))
    make_private_folder(settings.scratch_dir)
    log = MatchLog(
        signer,
        LastCheckpointFile(settings.last_checkpoint_file),
        keys=lambda: read_log_keys(settings.log_key_file),
        clock=clock,
    )
    return Broker(
        settings=settings,
        database=open_database(settings),
        keystore=keystore,
        blobs=open_blobs(settings, signer.name),
        log=log,
        clock=log.clock,
        machine_clock=clock,
    )


def open_database(settings: Settings) -> Database:
    """Open the database that the settings name, whatever its schema.

    Raises:
        ConfigurationError: it does not answer, or it would not keep what it acknowledges.
    """
    database = Database(settings.engine_url(), settings.database_connections)
    if database.file is not None:
        # Made first: SQLite would make it, and its write-ahead log after it, for everyone to read.
        make_private_file(database.file)
    try:
        if not settings.insecure_volatile_database:
            database.check()
    except BaseException:
        database.close()
        raise
    return database
