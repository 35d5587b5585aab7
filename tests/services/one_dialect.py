"""Statements compiled once for all the SQLite databases of a test run.

SQLAlchemy keeps what it compiles for each engine, and a broker has one engine for life; tests make thousands,
and spent a quarter of their time compiling the same statements again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from app import db


@contextmanager
def compiling_once() -> Iterator[None]:
    """Let every engine for SQLite that is opened meanwhile share the first one's compiled statements."""
    first: Engine | None = None
    opened = db._engine

    def with_what_is_compiled(url: URL, connections: int) -> Engine:
        nonlocal first
        engine = opened(url, connections)
        if engine.dialect.name == "sqlite":
            first = first or engine
            engine.dialect = first.dialect
            engine._compiled_cache = first._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "_engine", with_what_is_compiled)
        yield
