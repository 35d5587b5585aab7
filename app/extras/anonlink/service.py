"""The service: its folder with database, keys and blobs, opened once and passed in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from app.blobs import BlobStore, FileBlobs
from app.blobs.store import DEFAULT_RESERVE_PERCENT
from app.clock import Clock, utc_now
from app.db import Database
from app.durable import make_private_file, make_private_folder
from app.errors import ConfigurationError
from app.extras.anonlink import repository
from app.extras.anonlink.models import Note, Run, Tables
from app.guarded import do_each
from app.sealed.ending import is_needed_blob, is_needed_key, shred
from app.sealed.objects import end_objects, lay_tables
from app.security.keyring import KeyRing, make_ring
from app.security.keystore import KeyStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.engine import Progress

DATABASE_NAME: Final = "anonlink.db"
# What the ids of sealed objects begin with: CLKs that were uploaded, and results.
CLKS_PREFIX: Final = "clks"
RESULT_PREFIX: Final = "result"
# Keys of anything else are none of the service's business.
_SWEPT: Final = (f"{CLKS_PREFIX}-", f"{RESULT_PREFIX}-")
# What a broker has in its state folder, and this service never.
_OF_BROKERS: Final = ("broker.db", "log")
# What the service has in its folder once it has a database there.
_AFTER_DATABASE: Final = ("keys", "keystore", "blobs")
# A run that came to no end so often is not begun again.
MAX_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service takes and does at most.

    `max_upload_bytes` is of one body, `max_clks` of one party, `max_pairs` of one run; `max_waiting` is of runs
    that wait to begin; `keep` is how long a project lives that nobody deletes.
    """

    max_projects: int = 1_000
    max_parties: int = 64
    max_upload_bytes: int = 8 << 30
    max_clks: int = 20_000_000
    max_pairs: int = 50_000_000
    max_waiting: int = 1_000
    max_waiting_of_project: int = 100
    n_threads: int = 1
    keep: timedelta = timedelta(days=30)


@dataclass(slots=True)
class Present:
    """What is known of the run under way, and of the last one, while the process lives."""

    run: str | None = None
    progress: Progress | None = None
    rate: int = 0


@dataclass(frozen=True, slots=True)
class Service:
    """One service's stores, limits and clock.

    `waking` is set when a run may begin, `stopping` when the process is to end.
    """

    database: Database
    keystore: KeyStore
    blobs: BlobStore
    limits: Limits
    clock: Clock
    waking: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)
    present: Present = field(default_factory=Present)

    def now(self) -> str:
        """Return the present moment in ISO 8601, as clients of the old service read it."""
        return self.clock().isoformat()

    def note(  # noqa: PLR0917 - a row of the record
        self,
        session: Session,
        what: str,
        project: str,
        run: str | None = None,
        party: int | None = None,
        n: int | None = None,
    ) -> None:
        """Note what was done, in the transaction that does it."""
        row = Note(time=self.now(), what=what, project=project, run=run, party=party, n=n)
        repository.insert(session, row)


@contextmanager
def opened_service(
    folder: Path,
    limits: Limits,
    *,
    clock: Clock = utc_now,
    reserve_percent: int = DEFAULT_RESERVE_PERCENT,
) -> Iterator[Service]:
    """Open the service in a folder, making it if it is new, and hold the folder until the block ends.

    What an ended process left is put right: what no row names is destroyed. A run that was under way is the
    worker's to queue again.
    """
    _refuse_others(folder)
    make_private_folder(folder)
    try:
        with FileLock(folder / "lock", timeout=0, mode=0o600):
            service = _open(folder, limits, clock, reserve_percent)
            try:
                _put_right(service)
                yield service
            finally:
                service.database.close()
    except Timeout as exc:
        raise ConfigurationError(
            "the folder is in use by another anonlink service", hint="stop it, or name another one"
        ) from exc


def read_notes(folder: Path) -> list[dict[str, str | int | None]]:
    """Return the record of what was done, oldest first, by column; the service may run meanwhile."""
    _require_service(folder)
    database = _database(folder)
    try:
        with database.read() as session:
            return repository.notes(session)
    finally:
        database.close()


def remove_as_operator(folder: Path, project: str) -> None:
    """Destroy a project without its token; the service may run meanwhile, and leaves a run of it."""
    _require_service(folder)
    service = _open(folder, Limits(), utc_now, DEFAULT_RESERVE_PERCENT)
    try:
        with service.database.read() as session:
            found = repository.find_project(session, project)
        if found is None:
            raise ConfigurationError(
                "there is no such project", hint="see: blindlink-broker anonlink record"
            )
        remove_project(service, project, "project-removed")
    finally:
        service.database.close()


def remove_project(service: Service, project: str, what: str) -> None:
    """Destroy a project with all its keys, CLKs, runs and results; `what` is why, for the record."""
    with service.database.write() as session:
        end_objects(session, *repository.remove_project(session, project))
        service.note(session, what, project)
    shred(service)
    service.database.empty_log()


def remove_expired(service: Service) -> None:
    """Destroy the projects whose time is over."""
    oldest = (service.clock() - service.limits.keep).isoformat()
    with service.database.read() as session:
        found = repository.projects_before(session, oldest)
    do_each(
        "project",
        (
            (project, partial(remove_project, service, project, "project-expired"))
            for project in found
        ),
    )


def queue_interrupted(service: Service) -> None:
    """Put back what was under way when its process ended, or when nothing could be stored.

    Not for ever: what needs more memory than there is ends the process each time, and no other run would be
    done.
    """
    with service.database.write() as session:
        for run in repository.running(session):
            if run.attempts < MAX_ATTEMPTS:
                run.state, run.started = "queued", None
            else:
                message = f"it was begun {MAX_ATTEMPTS} times and came to no end, perhaps for want of memory"
                fail_run(service, session, run, message)


def fail_run(service: Service, session: Session, run: Run, message: str) -> None:
    """Let a run end without a result; the message is for its client."""
    run.state, run.completed, run.message = "error", service.now(), message
    service.note(session, "run-failed", run.project, run.id)


def _require_service(folder: Path) -> None:
    if not (folder / DATABASE_NAME).exists():
        raise ConfigurationError(
            "there is no anonlink service in this folder", hint="name its folder with --folder"
        )


def _refuse_others(folder: Path) -> None:
    """Refuse a folder in which keys and blobs would be taken for what was cut off, and destroyed."""
    if any((folder / name).exists() for name in _OF_BROKERS):
        raise ConfigurationError(
            "the folder is a broker's, and this service needs one of its own",
            hint="name another one with --folder",
        )
    is_used = any((folder / name).exists() for name in _AFTER_DATABASE)
    if is_used and not (folder / DATABASE_NAME).exists():
        raise ConfigurationError(
            f"the folder has keys or blobs, and no {DATABASE_NAME} that names them",
            hint="put the database back, or name another folder with --folder",
        )


def _open(folder: Path, limits: Limits, clock: Clock, reserve_percent: int) -> Service:
    # First of all, since a folder that has more and no database is refused.
    database = _database(folder)
    ring = folder / "keys" / "kek-ring"
    try:
        if not ring.exists():
            make_ring(ring)
        database.check()
        Tables.metadata.create_all(database.engine)
        lay_tables(database)
    except BaseException:
        database.close()
        raise
    return Service(
        database=database,
        keystore=KeyStore(folder / "keystore", KeyRing(ring)),
        blobs=FileBlobs(folder / "blobs", reserve_percent=reserve_percent),
        limits=limits,
        clock=clock,
    )


def _database(folder: Path) -> Database:
    file = folder / DATABASE_NAME
    # Made first: SQLite would make it, and its write-ahead log after it, for everyone to read.
    make_private_file(file)
    return Database(f"sqlite:///{file.as_posix()}")


def _put_right(service: Service) -> None:
    shred(service)
    # Nobody else writes here, so a key or blob without a row is what an upload or a run left that was cut off.
    with service.database.read() as session:
        lost = [
            key
            for key in service.keystore.object_ids()
            if key.startswith(_SWEPT) and not is_needed_key(session, key)
        ]
        for key in lost:
            service.keystore.destroy(key)
        service.blobs.sweep(lambda blob: is_needed_blob(session, blob), older_than_s=0)
    service.waking.set()
