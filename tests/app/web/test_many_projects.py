"""What needs someone is asked for with as few queries of many projects as of one."""

from __future__ import annotations

from typing import Any

from rigs.late import move_to
from rigs.linkage import Linkage, MakeLinkage
from sqlalchemy import event

from app.db import reading_ahead
from app.deadlines.service import all_overdue, overdue_in
from app.rounds.repository import last_round, pairs_of

OPERATOR = ("operator", "operator")
# Where an entry of the log is looked up by halving, a log that is twice as long takes one step more.
SLACK = 3


class Queries:
    """Counts what is asked of a broker's database."""

    def __init__(self, linkage: Linkage) -> None:
        self.asked: list[str] = []
        engine = linkage.broker.database.engine
        event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.asked.append(statement)

    def count(self, work: Any) -> int:
        work()
        self.asked.clear()
        work()
        return len(self.asked)


def another(linkage: Linkage, name: str) -> Linkage:
    """Return one more project of the same parties, with a round that is open and a file that is missing."""
    terms = linkage.terms.model_copy(update={"project": name})
    agreement = linkage.add_project(terms)
    made = Linkage(linkage.founded, linkage.client, agreement.terms(), linkage.profile)
    made.agreement = agreement
    made.__dict__.update(_persons=linkage._persons, _tokens=linkage._tokens)
    made.open_round()
    return made


def test_pages_ask_as_little_of_many_projects_as_of_one(
    make_linkage: MakeLinkage, visitor_of: Any
) -> None:
    linkage = make_linkage(frequency="weekly", due="sunday 22:00", round_days=3)
    linkage.upload_both()
    linkage.work()
    visitor, queries = visitor_of(linkage), Queries(linkage)

    def overdue() -> None:
        with linkage.broker.database.read() as session:
            all_overdue(session, linkage.broker, linkage.founded.clock())

    def page() -> None:
        assert visitor.get("/projects", *OPERATOR).status_code == 200

    def listed() -> None:
        headers = linkage.as_party(*OPERATOR)
        assert linkage.client.get("/v1/projects", headers=headers).status_code == 200

    asked = {work: queries.count(work) for work in (overdue, page, listed)}
    for number in range(2):
        another(linkage, f"another-{number}")
    for work, before in asked.items():
        assert queries.count(work) <= before + SLACK, work.__name__


def test_what_is_read_of_many_projects_is_what_is_read_of_each(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(frequency="weekly", due="sunday 22:00", round_days=3)
    move_to(linkage, "2026-09-06", "20:00:00")
    linkage.open_round()
    others = [another(linkage, f"another-{number}") for number in range(2)]
    move_to(linkage, "2026-09-06", "23:30:00")
    names = [linkage.terms.project, *(one.terms.project for one in others)]
    with linkage.broker.database.read() as session:
        now = linkage.founded.clock()
        alone = {name: overdue_in(session, linkage.broker, name, now) for name in names}
        together: dict[str, list[Any]] = {}
        for late in all_overdue(session, linkage.broker, now):
            together.setdefault(late.project, []).append(late.overdue)
    assert all(alone.values())
    assert {name: together[name] for name in names} == alone


def test_a_project_that_is_not_read_ahead_is_asked_for_itself(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage()
    linkage.open_round()
    other = another(linkage, "another")
    names = (linkage.terms.project, other.terms.project)
    with linkage.broker.database.read() as session:
        alone = [last_round(session, name) for name in names]
        with reading_ahead(session, names[:1]):
            assert [last_round(session, name) for name in names] == alone
            assert len(pairs_of(session, names[0], 1)) == 1
            with reading_ahead(session, names):
                assert [last_round(session, name) for name in names] == alone
        assert last_round(session, "nobody") is None
