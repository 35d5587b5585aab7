"""Answers that get lost: whatever a client sends twice has its effect once, and the same answer."""

from __future__ import annotations

import random
from typing import Any

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from samples.round_files import random_people


class LosingClient:
    """Sends every write up to four times, as a client does whose answers get lost; all must be alike.

    But for what goes on after its answer: that is further on by then.
    """

    def __init__(self, inner: Any, rng: random.Random) -> None:
        self._inner = inner
        self._rng = rng
        self.n_lost = 0

    def _send(self, method: str, path: str, **request: Any) -> Any:
        answer = self._inner.request(method, path, **request)
        for _ in range(self._rng.randrange(4)):
            self.n_lost += 1
            again = self._inner.request(method, path, **request)
            assert again.status_code == answer.status_code
            if answer.status_code != 202:
                assert again.json() == answer.json()
        return answer

    def post(self, path: str, **request: Any) -> Any:
        return self._send("POST", path, **request)

    def put(self, path: str, **request: Any) -> Any:
        return self._send("PUT", path, **request)

    def get(self, path: str, **request: Any) -> Any:
        return self._inner.get(path, **request)


@pytest.mark.campaign("resent")
def test_what_is_sent_again_changes_nothing_and_is_answered_alike(
    linkage: Linkage, tally: Tally
) -> None:
    client = LosingClient(linkage.client, linkage.rng)
    for party in (CHILD_WELFARE, SCHOOL):
        linkage.as_party(party)
    linkage.client = client  # type: ignore[assignment]
    n_rounds = 0
    while client.n_lost < times(quick=30, full=500):
        linkage.open_round()
        for party in (CHILD_WELFARE, SCHOOL):
            made = linkage.container(random_people(linkage.rng, 5), party)
            upload = linkage.open(made, party, key=f"open-{n_rounds}").json()["upload"]
            for number, part in enumerate(made.parts):
                assert linkage.put(upload, number, part, party).status_code == 200
            manifest = linkage.manifest(made, party)
            assert linkage.commit(upload, manifest, party).status_code == 200
        if n_rounds % 2:
            client.post(f"/v1/runs/{linkage.run_id()}/cancel", headers=linkage.as_party(SCHOOL))
            linkage.ask(key=f"run-{n_rounds}")
        linkage.work()
        linkage.exchange_claims()
        n_rounds += 1
    kinds = linkage.log_kinds()
    assert kinds.count("round-opened") == kinds.count("round-closed") == n_rounds
    assert kinds.count("upload-received") == kinds.count("claims-received") == 2 * n_rounds
    assert kinds.count("run-cancelled") == n_rounds // 2
    assert kinds.count("run-asked") == n_rounds + n_rounds // 2
    listed = linkage.get(f"/v1/projects/{PROJECT}/runs").json()["runs"]
    tally.tried(client.n_lost)
    assert len(listed) == min(n_rounds + n_rounds // 2, 200)
