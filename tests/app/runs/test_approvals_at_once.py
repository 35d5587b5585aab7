"""Approvals on each kind of database: anyone who approves, takes back or cancels at once waits for the
other.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from httpx2 import Response
from rigs.linkage import either_database
from rigs.meanwhile import Meanwhile
from rigs.signed import Accord

from schemas.agreement.negotiation import StandingList

__all__ = ["either_database"]


def at_once(
    accord: Accord,
    first: Callable[[], Response],
    second: Callable[[], Response],
    monkeypatch: pytest.MonkeyPatch,
) -> list[int]:
    """Make a call, and another one once that has taken the end of the log; return what each answers."""
    answers: list[Response] = []
    meanwhile = Meanwhile(lambda: answers.append(second()))
    monkeypatch.setattr(accord.broker.log, "append", meanwhile.after(accord.broker.log.append))
    answer = first()
    meanwhile.end()
    return [answer.status_code, answers[0].status_code]


def test_an_approval_in_advance_and_one_of_a_run_are_both_taken(
    accord: Accord, monkeypatch: pytest.MonkeyPatch
) -> None:
    accord.agree()
    accord.upload_both()
    run = accord.run()
    approval, path = accord.approval("lee", run), f"/v1/runs/{run['run']}/approvals"
    for name in ("ann", "lee"):
        accord.as_person(name)
    found = at_once(
        accord, lambda: accord.stand("ann"), lambda: accord.post(path, "lee", approval), monkeypatch
    )
    assert found == [200, 200]
    assert accord.run()["state"] == "queued"


def test_an_approval_is_taken_back_while_somebody_cancels_a_run_of_it(
    accord: Accord, monkeypatch: pytest.MonkeyPatch
) -> None:
    accord.agree()
    for name in ("ann", "lee"):
        assert accord.stand(name).status_code == 200
    accord.upload_both()
    run = accord.run()
    given = StandingList.from_json(accord.get(accord.about("standing-approvals")).json())
    mine = given.approvals[0].signed.statement
    name = {"child-welfare": "ann"}.get(mine.party, "lee")
    path, headers = f"/v1/runs/{run['run']}/cancel", accord.as_person("bob")
    found = at_once(
        accord,
        lambda: accord.take_back(name, mine.approval),  # type: ignore[union-attr]
        lambda: accord.client.post(path, headers=headers),
        monkeypatch,
    )
    assert found == [200, 200]
    assert accord.run()["state"] == "cancelled"
