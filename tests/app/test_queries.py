"""Each query of routes and jobs finds its rows by an index, says PostgreSQL's planner."""

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


# What returns all that it reads, or reads what a sweep keeps small, or is asked once at a start.
MAY_READ_ALL = (
    "ORDER BY project_terms.project, project_terms.version DESC",
    "SELECT project.name FROM project ORDER BY project.name",
    "SELECT run.state, count(*) AS count_1 FROM run GROUP BY run.state",
    "IS NOT NULL LIMIT 1",
    "DELETE FROM page_session WHERE page_session.expires",
    "DELETE FROM session_code WHERE session_code.expires",
    "DELETE FROM token WHERE token.expires",
)
# A sweep empties it.
KEPT_SMALL = ("retired_object",)
# They hold only rows that are open, not run yet, or not destroyed.
OF_FEW = ("_open", "_pending", "_due")


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@contextmanager
def explained(accord: Accord) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Give the plan of each statement that is run meanwhile, as if reading a table whole cost a fortune."""
    plans: dict[str, list[dict[str, Any]]] = {}

    def explain(
        _conn: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if many or statement in plans or not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            return
        with cursor.connection.cursor() as other:
            other.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            other.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            found = other.fetchone()[0]
            other.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = on")
        plans[statement] = list(
            nodes((found if isinstance(found, list) else json.loads(found))[0]["Plan"])
        )

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
    whole = {
        (node["Relation Name"], " ".join(statement.split()))
        for statement, found in plans.items()
        for node in found
        if "Relation Name" in node and node["Node Type"] != "ModifyTable"
        if "Index Cond" not in node and node["Node Type"] != "Bitmap Heap Scan"
        if node["Relation Name"] not in KEPT_SMALL
        and not node.get("Index Name", "").endswith(OF_FEW)
    }
    strange = sorted(one for one in whole if not any(part in one[1] for part in MAY_READ_ALL))
    assert not strange, "\n".join(map(str, strange))
    assert len(plans) > 150
