"""Copies of a broker as it stands, and what a broker has released, read past the HTTP API."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from services.postgres import PostgresServer
from sqlalchemy import select, update

from app.broker import Broker, open_broker
from app.clock import Clock
from app.links.models import Release
from app.links.service import file_of
from app.runs.models import Run, RunTask
from app.uploads.models import Upload
from schemas.documents.ids import Handle
from schemas.rounds.release import Match, parse_release

Matches = dict[str, dict[Handle, Match]]


def copy_broker(broker: Broker, folder: Path, clock: Clock) -> Broker:
    """Copy the state folder and the SQLite database, and open the copy; the original must be idle."""
    shutil.copytree(broker.settings.state_dir, folder)
    # Not file by file: a process that is idle, too, may bring its write-ahead log into the database meanwhile.
    with (
        contextlib.closing(sqlite3.connect(str(broker.database.url.database))) as source,
        contextlib.closing(sqlite3.connect(folder / "copy.db")) as copy,
    ):
        source.backup(copy)
    return _open(broker, folder, f"sqlite:///{(folder / 'copy.db').as_posix()}", clock)


def server_of(broker: Broker, request: pytest.FixtureRequest) -> PostgresServer | None:
    """Return the server that has a broker's database, and None where that is SQLite's."""
    return None if broker.database.is_sqlite else request.getfixturevalue("postgres_server")


@contextmanager
def copied_broker(broker: Broker, folder: Path, server: PostgresServer | None) -> Iterator[Broker]:
    """Yield an open copy of a broker on either database, none of whose processes may run.

    Args:
        server: where its database is, as `server_of` says.
    """
    broker.database.close()
    with contextlib.ExitStack() as stack:
        if server is None:
            copy = copy_broker(broker, folder, broker.machine_clock)
        else:
            shutil.copytree(broker.settings.state_dir, folder)
            source = broker.settings.database_url
            server.disconnect_all(source)
            url = stack.enter_context(server.fresh_database(source))
            copy = _open(broker, folder, url, broker.machine_clock)
        # Connections are closed before the database is dropped.
        stack.callback(copy.close)
        yield copy


def _open(broker: Broker, folder: Path, url: str, clock: Clock) -> Broker:
    changed = {"state_dir": folder, "database_url": url}
    return open_broker(broker.settings.model_copy(update=changed), clock=clock)


def released_matches(broker: Broker, run: str | None = None) -> Matches:
    """Return the matches of every release (of a run) by recipient; fails where a recipient has two."""
    found: Matches = {}
    chosen = select(Release) if run is None else select(Release).where(Release.run == run)
    with broker.database.read() as session:
        for release in session.scalars(chosen):
            file = file_of(session, broker, release)
            assert release.recipient not in found
            found[release.recipient] = parse_release(b"".join(file.pieces))[1]
    return found


def expire_leases(broker: Broker) -> None:
    """Let the time of every lease pass."""
    with broker.database.write() as session:
        for model, until in (
            (Run, Run.lease_until_ms),
            (RunTask, RunTask.lease_until_ms),
            (Upload, Upload.check_until_ms),
        ):
            session.execute(update(model).where(until.is_not(None)).values({until: 0}))
