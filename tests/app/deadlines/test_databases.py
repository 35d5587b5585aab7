"""A worker that goes on and on, on each kind of database: a missed Sunday is told within 15 minutes, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rigs.late import move_to, noted, upload, with_messages
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage, MakeLinkage, either_database
from services.receivers import mail_server, webhook

from app.broker import Broker
from app.worker import companion, loop
from app.worker.companion import WATCH_S
from app.worker.loop import Worker

__all__ = ["either_database"]

MINUTES = 15


class Looks:
    """Counts the looks of a worker that goes on, and waits for the next ones."""

    def __init__(self) -> None:
        self.n = 0
        self.news = threading.Condition()

    def note(self) -> None:
        with self.news:
            self.n += 1
            self.news.notify_all()

    def await_next(self) -> None:
        """Wait until one has begun and ended from now on."""
        with self.news:
            wanted = self.n + 2
            assert self.news.wait_for(lambda: self.n >= wanted, 60)


@contextmanager
def working(broker: Broker, monkeypatch) -> Iterator[Looks]:
    """Let a real worker go on in a thread, which looks at the deadlines many times a second."""
    looks, tell = Looks(), companion.tell_overdue

    def told(seen: Broker) -> int:
        n_told = tell(seen)
        looks.note()
        return n_told

    monkeypatch.setattr(companion, "tell_overdue", told)
    worker = Worker(broker, poll_s=0.02, watch_s=0.02)
    thread = threading.Thread(target=worker.work)
    thread.start()
    try:
        yield looks
    finally:
        worker.stop()
        thread.join()


def test_a_worker_looks_often_enough() -> None:
    assert 0 < WATCH_S <= MINUTES * 60 / 3


def test_a_missed_sunday_is_told_once_then_daily_and_not_when_it_is_done(
    weekly: Linkage, tmp_path: Path, monkeypatch
) -> None:
    weekly.offer_all()
    with mail_server(tmp_path) as mail, webhook(tmp_path) as hook:
        broker = with_messages(weekly.broker, tmp_path, mail=mail, hook=hook)

        def n_told() -> tuple[int, int]:
            return len(mail.messages), len(hook.messages)

        with working(broker, monkeypatch) as looks:
            looks.await_next()
            move_to(weekly, "2026-09-06", "21:59:00")
            looks.await_next()
            assert n_told() == (0, 0)
            # Both agencies and the operator by mail; one post about both.
            move_to(weekly, "2026-09-06", "22:00:00")
            looks.await_next()
            assert n_told() == (3, 1)
            for _ in range(5):
                weekly.founded.clock.move(minutes=3)
                looks.await_next()
            assert n_told() == (3, 1)
            weekly.founded.clock.move(days=1)
            looks.await_next()
            assert n_told() == (6, 2)
            weekly.open_round()
            for party in (CHILD_WELFARE, SCHOOL):
                upload(weekly, party)
            weekly.founded.clock.move(days=1, hours=1)
            looks.await_next()
            assert n_told() == (6, 2)
    assert noted(weekly) == [("round", "round-1", party) for party in (CHILD_WELFARE, SCHOOL)]
    weekly.work()
    assert weekly.run()["state"] == "succeeded"


def test_it_is_told_while_a_run_is_under_way(
    make_linkage: MakeLinkage, tmp_path: Path, monkeypatch
) -> None:
    # Whose round is not over when no party has cosigned the log for too long.
    linkage = make_linkage(round_days=30)
    linkage.upload_both()
    do_run, seen = loop.do_run, []
    with webhook(tmp_path) as hook:

        def do_slowly(broker: Broker, attempt, stop: threading.Event) -> None:
            linkage.founded.clock.move(days=20)
            seen.append(len(hook.wait(1)))
            linkage.founded.clock.move(days=-20)
            do_run(broker, attempt, stop)

        monkeypatch.setattr(loop, "do_run", do_slowly)
        broker = with_messages(linkage.broker, tmp_path, hook=hook)
        Worker(broker, watch_s=0.02).work(until_idle=True)
    assert seen == [1]
    assert linkage.run()["state"] == "succeeded"


def test_two_workers_note_it_once(weekly: Linkage, monkeypatch) -> None:
    with working(weekly.broker, monkeypatch) as first, working(weekly.broker, monkeypatch) as other:
        move_to(weekly, "2026-09-06", "22:00:00")
        first.await_next()
        other.await_next()
    # Neither has a nonce, so both are waited for.
    assert noted(weekly) == [("round", "round-1", party) for party in (CHILD_WELFARE, SCHOOL)]
