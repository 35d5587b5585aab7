"""What the database promises beyond SQL: locks that no frozen process can hold for ever."""

from __future__ import annotations

from sqlalchemy import text

from app.db import IDLE_TIMEOUT_MS, Database


def test_a_transaction_that_hangs_is_ended_by_the_server(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.read() as session:
        shown = session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    database.close()
    assert shown == f"{IDLE_TIMEOUT_MS // 60_000}min"
