"""Queries stand in repositories only: read from the syntax tree, so that none hides in a lazy import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "app"

# What makes a unit of work, a table or its rules, and no query of a slice.
NOT_QUERIES = {"db.py", "backup/snapshot.py"}
# What a service may ask of a unit of work: to write now, to let a row go, to note what to do at its end and
# whether this is its end.
ALLOWED = {"flush", "expunge", "info", "in_nested_transaction"}
# None makes a statement: the listener of a commit, a URL, and the type of a query that one repository offers
# another.
IMPORTABLE = {"event", "engine", "exc", "orm", "Select"}


def queries_in(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports to make statements, and what it asks a session for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy":
            part = (node.module or "").partition(".")[2].split(".")[0]
            names = [part] if part else [alias.name for alias in node.names]
            yield from (name for name in names if name not in IMPORTABLE)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.startswith("sqlalchemy"))
        elif isinstance(node, ast.Attribute) and _is_session(node.value):
            yield from [node.attr] if node.attr not in ALLOWED else []


def _is_session(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "session"


def _is_searched(path: str) -> bool:
    skipped = path.startswith(("auditor/", "migrations/")) or path in NOT_QUERIES
    return not skipped and not path.endswith(("repository.py", "models.py"))


def test_queries_stand_in_repositories_only() -> None:
    sources = {source.relative_to(APP).as_posix(): source for source in APP.rglob("*.py")}
    assert set(sources) >= NOT_QUERIES
    searched = {
        path: ast.parse(sources[path].read_text("utf-8")) for path in filter(_is_searched, sources)
    }
    assert len(searched) > 200
    assert {
        path: found for path, tree in searched.items() if (found := list(queries_in(tree)))
    } == {}


def test_a_query_elsewhere_is_found() -> None:
    for source, found in (
        ("from sqlalchemy import select", ["select"]),
        ("from sqlalchemy.sql import functions", ["sql"]),
        ("import sqlalchemy as sa", ["sqlalchemy"]),
        ("def f():\n    return session.scalars(query)", ["scalars"]),
        ("session.add(row)", ["add"]),
        ("session.flush()", []),
        ("from sqlalchemy.orm import Session", []),
    ):
        assert list(queries_in(ast.parse(source))) == found, source
