"""Deliveries on each kind of database: the same one twice at once, another in its place, and its end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from rigs.delivering import Delivering
from rigs.linkage import CHILD_WELFARE, SCHOOL, either_database

__all__ = ["either_database"]


def test_what_is_sent_twice_at_once_is_there_once_and_ends_once(delivering: Delivering) -> None:
    delivering.as_party(CHILD_WELFARE)
    calls = [partial(delivering.put, b"one", 1)] * 3
    answers = at_once(*calls)
    assert [answer.status_code for answer in answers] == [200] * 3
    (delivery,) = {answer.json()["delivery"] for answer in answers}
    assert len(delivering.said("received")) == 1
    answers = at_once(
        *[partial(delivering.put, b"%d" % number, 2) for number in range(3)],
        partial(delivering.fetch, delivery),
    )
    assert sorted(answer.status_code for answer in answers[:3]) == [200, 409, 409]
    assert answers[3].status_code in (200, 410)
    delivering.sweep()
    assert len([one for one in delivering.broker.keystore.object_ids() if one[:3] == "dlv"]) == 1
    assert len(delivering.said("destroyed")) == 1
    (newest, _) = delivering.deliveries(SCHOOL)
    assert newest["number"] == 2


def at_once(*calls):
    """Make calls at the same time, and return what each returned."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [made.result() for made in [pool.submit(call) for call in calls]]
