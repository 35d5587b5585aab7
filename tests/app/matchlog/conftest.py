"""A started log in a database of either kind, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from samples.log_drafts import SIGNER, MovedClock

from app.db import Base, Database
from app.matchlog.last_checkpoint import LastCheckpointFile
from app.matchlog.service import MatchLog


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the log's tables alone; no other part's tables are needed."""
    database = Database(database_url)
    tables = [table for name, table in Base.metadata.tables.items() if name.startswith("log_")]
    Base.metadata.create_all(database.engine, tables=tables)
    yield database
    database.close()


@pytest.fixture
def last_checkpoint(tmp_path: Path) -> LastCheckpointFile:
    return LastCheckpointFile(tmp_path / "last-checkpoint")


@pytest.fixture
def log(database: Database, last_checkpoint: LastCheckpointFile, clock: MovedClock) -> MatchLog:
    log = MatchLog(SIGNER, last_checkpoint, clock=clock)
    with database.write() as session:
        log.start(session, "blindlink-0.1.0")
    return log
