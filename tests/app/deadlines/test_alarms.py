"""What is overdue is noted once, wherever the worker was killed."""

from __future__ import annotations

import pytest
from rigs.hooked_database import Crash, HookedDatabase, crash_at, hooked
from rigs.late import look, move_to, noted
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage
from sqlalchemy import text

from app.deadlines.alarms import note_overdue
from app.worker.sweeper import Sweeper

LATE = [("round", "round-1", party) for party in (CHILD_WELFARE, SCHOOL)]


def alarms(linkage: Linkage) -> list[tuple[str, str | None]]:
    with linkage.broker.database.read() as session:
        rows = session.execute(text("SELECT what, done FROM alarm ORDER BY since, party"))
        return [tuple(row) for row in rows]


@pytest.fixture
def missed(weekly: Linkage) -> Linkage:
    """On Sunday, three minutes after the round was due."""
    weekly.offer_all()
    move_to(weekly, "2026-09-06", "22:03:00")
    return weekly


def test_what_is_overdue_is_noted_once_and_then_nothing_is_written(missed: Linkage) -> None:
    n_entries = len(missed.log_entries())
    for _ in range(3):
        look(missed.broker)
        missed.founded.clock.move(days=1)
    assert noted(missed) == LATE
    # The match log tells of what was done, not of what is late.
    assert len(missed.log_entries()) == n_entries
    counted = HookedDatabase(missed.broker.database, lambda _number, _moment: None)
    assert note_overdue(hooked(missed.broker, lambda _number, _moment: None)) == 0
    assert counted.n_writes == 0


def test_what_is_done_is_noted_and_the_next_one_beside_it(missed: Linkage) -> None:
    look(missed.broker)
    assert [done for _, done in alarms(missed)] == [None, None]
    missed.open_round()
    look(missed.broker)
    assert all(done is not None for _, done in alarms(missed))
    # The round runs out without a file: the next one is due a week later.
    missed.founded.clock.move(days=3)
    Sweeper(missed.broker).sweep()
    move_to(missed, "2026-09-13", "22:00:00")
    look(missed.broker)
    assert [(what, number) for what, number, _ in noted(missed)][-2:] == [("round", "round-2")] * 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_while_it_notes_leaves_it_to_the_next(missed: Linkage, moment: str) -> None:
    with pytest.raises(Crash):
        note_overdue(hooked(missed.broker, crash_at(0, moment)))
    look(missed.broker)
    assert noted(missed) == LATE
    assert [done for _, done in alarms(missed)] == [None, None]


def test_what_was_done_between_the_two_looks_is_not_noted(missed: Linkage) -> None:
    """What was found without a lock is found again under it."""

    def open_meanwhile(number: int, moment: str) -> None:
        if (number, moment) == (0, "before"):
            missed.open_round()

    assert note_overdue(hooked(missed.broker, open_meanwhile)) == 0
    assert noted(missed) == []
