"""Each query of routes and jobs finds its rows by an index, however many there are: asked of PostgreSQL's planner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rigs.signed import Accord, accord, make_accord
from rigs.whole_api import Tour
from sqlalchemy import event

from app.deadlines.notices import tell_overdue
from app.worker.sweeper import Sweeper

__all__ = ["accord", "make_accord"]

pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@contextmanager
def explained(accord: Accord) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Give the plan of each statement that is run meanwhile, made as if reading a table whole cost a fortune."""
    plans: dict[str, list[dict[str, Any]]] = {}

    def explain(_conn: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if many or statement in plans or not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            return
        with cursor.connection.cursor() as other:
            other.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            other.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            found = other.fetchone()[0]
            other.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = on")
        plans[statement] = list(nodes((found if isinstance(found, list) else json.loads(found))[0]["Plan"]))

    engine = accord.broker.database.engine
    event.listen(engine, "before_cursor_execute", explain)
    yield plans
    event.remove(engine, "before_cursor_execute", explain)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def test_every_query_finds_its_rows_by_an_index(accord: Accord) -> None:
    tour = Tour.of(accord)
    with explained(accord) as plans:
        for _ in tour.calls():
            pass
        accord.work()
        Sweeper(accord.broker).sweep()
        tell_overdue(accord.broker)
    whole = {}
    for statement, found in plans.items():
        for node in found:
            if "Relation Name" in node and "Index Cond" not in node:
                whole.setdefault((node["Relation Name"], node["Node Type"], node.get("Index Name"), node.get("Filter")), statement)
    for key in sorted(whole, key=str):
        print(key, "\n      ", " ".join(whole[key].split())[-300:])
    print(len(plans), len(whole))
