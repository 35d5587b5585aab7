"""All projects of one party on one page: found, sorted and turned, with as many queries for any number."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from rigs.shown_pages import csv_rows
from sqlalchemy import Engine, event

from app.agencies.service import enrol_party
from app.agreements.negotiation import open_project
from app.clock import utc_text
from app.db import insert_rows
from app.deadlines.alarms import ALARM_PREFIX
from app.deadlines.models import Alarm
from app.ids import new_id

PATH = f"/hubs/{CHILD_WELFARE}"


def add_spokes(linkage: Linkage, first: int, last: int) -> None:
    broker, operator = linkage.broker, linkage.founded.operator
    now = broker.clock()
    with broker.database.write() as session:
        for number in range(first, last + 1):
            name = f"d-{number:03d}"
            enrol_party(
                session, broker.log, name=name, title=f"District {number}", role="agency",
                actor=operator, now=now,
            )  # fmt: skip
            open_project(
                session, broker.log, project=f"p-{name}", parties=[CHILD_WELFARE, name],
                actor=operator, now=now,
            )  # fmt: skip


def note_late(linkage: Linkage, project: str, party: str) -> None:
    now = utc_text(linkage.broker.clock())
    alarm = Alarm(
        id=new_id(ALARM_PREFIX), project=project, what="upload", object="round-1", party=party,
        duty="analyst", since=now, raised=now, done=None,
    )  # fmt: skip
    with linkage.broker.database.write() as session:
        insert_rows(session, alarm)


def projects_in(text: str) -> list[str]:
    return re.findall(r'<tr><th scope="row"><a href="/projects/([a-z0-9-]+)"', text)


@contextmanager
def statements() -> Iterator[list[str]]:
    found: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_many_projects_are_listed_found_sorted_and_turned(linkage: Linkage, visitor: Any) -> None:
    add_spokes(linkage, 1, 3)
    visitor.cookie("operator", "operator")
    with statements() as few:
        assert len(projects_in(visitor.get(PATH, "operator", "operator").text)) == 4
    add_spokes(linkage, 4, 119)
    note_late(linkage, "p-d-050", "d-050")
    with statements() as many:
        first = visitor.get(PATH, "operator", "operator").text
    assert len(many) == len(few)
    assert (
        f'<a href="{PATH}">{CHILD_WELFARE}</a> (120)'
        in visitor.get("/projects", "operator", "operator").text
    )

    shown = projects_in(first)
    assert len(shown) == 100
    assert shown[0] == "p-d-050"
    assert "(d-050, analyst)" in first
    onward = re.search(r'rel="next" href="([^"]+)"', first)
    assert onward is not None
    rest = projects_in(visitor.get(html.unescape(onward.group(1)), "operator", "operator").text)
    assert len({*shown, *rest}) == 120
    late = visitor.get(f"{PATH}?state=overdue", "operator", "operator").text
    assert projects_in(late) == ["p-d-050"]
    named = visitor.get(f"{PATH}?find=District+11&sort=name", "operator", "operator").text
    assert projects_in(named) == ["p-d-011", *(f"p-d-{n}" for n in range(110, 120))]
    assert "No project fits." in visitor.get(f"{PATH}?find=nowhere", "operator", "operator").text
    assert len(csv_rows(visitor.get(f"{PATH}.csv", "operator", "operator"))) == 120


def test_an_auditor_sees_the_projects_that_name_them_alone(linkage: Linkage, visitor: Any) -> None:
    add_spokes(linkage, 1, 2)
    assert projects_in(visitor.get(PATH, AUDITOR, "auditor").text) == [PROJECT]
    assert visitor.get(f"/hubs/{SCHOOL}.json", AUDITOR, "auditor").json()["counts"]["overdue"] == 0
    assert visitor.get("/hubs/d-001", AUDITOR, "auditor").status_code == 404
    assert visitor.get(f"{PATH}?state=all", AUDITOR, "auditor").status_code == 422
