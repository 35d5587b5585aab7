"""What the database promises beyond SQL: locks that no frozen process can hold for ever, lists in pieces."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from app.agreements.models import Project
from app.db import IDLE_TIMEOUT_MS, Base, Database, Window, look_through
from app.errors import NotFoundError


def test_a_transaction_that_hangs_is_ended_by_the_server(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.read() as session:
        shown = session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    database.close()
    assert shown == f"{IDLE_TIMEOUT_MS // 60_000}min"


@pytest.fixture
def listed(database_url: str) -> Iterator[tuple[Database, list[str]]]:
    """A list of things, of which several are of the same time, and their ids newest first."""
    database = Database(database_url)
    Base.metadata.create_all(database.engine, tables=[Base.metadata.tables["project"]])
    rng = random.Random(7)
    names = [f"project-{number:02d}" for number in range(40)]
    made = {name: f"2026-09-0{rng.randint(1, 6)}T06:00:00Z" for name in names}
    with database.write() as session:
        session.add_all(Project(name=name, created=time) for name, time in made.items())
    oldest_last = sorted(sorted(names), key=lambda name: made[name], reverse=True)
    yield database, oldest_last
    database.close()


def looked_through(database: Database, window: Window) -> list[str]:
    with database.read() as session:
        query = select(Project)
        found = look_through(session, query, Project.created, Project.name, window)
        return [row.name for row in found]


def test_pieces_of_a_list_are_those_of_the_whole_list(
    listed: tuple[Database, list[str]],
) -> None:
    database, everything = listed
    assert looked_through(database, Window(limit=None)) == everything
    for at, name in enumerate(everything):
        for limit in (1, 7, None):
            older = everything[at + 1 :][:limit]
            newer = everything[:at] if limit is None else everything[max(at - limit, 0) : at]
            assert looked_through(database, Window(before=name, limit=limit)) == older
            assert looked_through(database, Window(after=name, limit=limit)) == newer


def test_a_list_is_looked_through_from_what_the_query_finds_only(
    listed: tuple[Database, list[str]],
) -> None:
    database, _ = listed
    with pytest.raises(NotFoundError):
        looked_through(database, Window(before="no-project"))
