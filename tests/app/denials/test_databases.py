"""Refusals that come at once are counted, and settings logged, alike on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from rigs.linkage import CHILD_WELFARE, POLICY, Linkage, either_database

from app.matchlog.configuration import log_configuration
from app.worker.sweeper import Sweeper

__all__ = ["either_database"]

OTHER = POLICY.model_copy(update={"auto": "0.9"}).to_json()


def test_refusals_at_once_are_all_counted_and_summed_up_by_one(linkage: Linkage) -> None:
    linkage.open_round()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: linkage.ask(policy=OTHER), range(18)))
        assert {answer.status_code for answer in answers} == {409}
        linkage.founded.clock.move(hours=1)
        list(pool.map(lambda _: Sweeper(linkage.broker).sweep(), range(3)))
    bodies = [e["body"] for e in linkage.log_entries() if e["kind"] == "request-refused"]
    assert [(one["party"], one["why"], one["count"]) for one in bodies] == [
        (CHILD_WELFARE, "other-policy", 18)
    ]


def test_of_several_that_start_at_once_one_logs_the_settings(linkage: Linkage) -> None:
    def start(_: int) -> bool:
        with linkage.broker.database.write() as session:
            logged = log_configuration(session, linkage.broker.log, linkage.broker.settings)
        return logged is not None

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(start, range(4))) == 1
    assert linkage.log_kinds().count("configuration-changed") == 1
