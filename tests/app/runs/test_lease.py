"""Claims, leases and fences, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from rigs.linkage import Linkage, either_database

from app.runs.errors import LeaseLostError
from app.runs.lease import (
    MAX_STALLED_ATTEMPTS,
    Lease,
    claim_run,
    exhausted_run,
    give_back,
    has_work,
    renew_lease,
    write_under_lease,
)
from app.runs.models import Run

__all__ = ["either_database"]

# In the past: a lease of this length is over when it is taken.
OVER_MS = -1000


@pytest.fixture
def run(linkage: Linkage) -> str:
    """A queued run."""
    linkage.upload_both()
    return linkage.run_id()


def claim(linkage: Linkage, lease_ms: int = 60_000) -> Lease | None:
    with linkage.broker.database.write() as session:
        return claim_run(session, lease_ms=lease_ms)


def stage_of(linkage: Linkage, run: str) -> str:
    with linkage.broker.database.read() as session:
        found = session.get(Run, run)
        assert found is not None
        return found.stage


def set_row(linkage: Linkage, run: str, **values: object) -> None:
    with linkage.broker.database.write() as session:
        found = session.get(Run, run)
        for name, value in values.items():
            setattr(found, name, value)


def test_a_queued_run_is_claimed_once(linkage: Linkage, run: str) -> None:
    lease = claim(linkage)
    assert lease is not None
    assert (lease.run, lease.attempt) == (run, 1)
    assert claim(linkage) is None


@pytest.mark.campaign("two-at-once")
def test_of_eight_workers_at_once_one_gets_the_run(linkage: Linkage, run: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: claim(linkage), range(8)))
    assert [lease.run for lease in claims if lease] == [run]


def test_an_abandoned_run_is_claimed_again_under_another_token(linkage: Linkage, run: str) -> None:
    first, second = claim(linkage, OVER_MS), claim(linkage)
    assert first is not None
    assert second is not None
    assert (second.run, second.attempt) == (run, 2)
    assert first.token != second.token


def test_a_renewed_lease_is_not_claimed(linkage: Linkage, run: str) -> None:
    lease = claim(linkage, OVER_MS)
    assert lease is not None
    with linkage.broker.database.write() as session:
        renew_lease(session, lease, lease_ms=60_000)
    assert claim(linkage) is None


def test_a_worker_whose_run_was_taken_over_cannot_write(linkage: Linkage, run: str) -> None:
    first, second = claim(linkage, OVER_MS), claim(linkage)
    assert first is not None
    assert second is not None
    with linkage.broker.database.write() as session:
        write_under_lease(session, second, stage="comparing")
    with pytest.raises(LeaseLostError), linkage.broker.database.write() as session:
        write_under_lease(session, first, stage="deciding")
    with pytest.raises(LeaseLostError), linkage.broker.database.write() as session:
        renew_lease(session, first)
    assert stage_of(linkage, run) == "comparing"


@pytest.mark.parametrize("state", ["cancelled", "failed", "succeeded"])
def test_a_worker_cannot_write_to_a_run_that_has_ended(
    linkage: Linkage, run: str, state: str
) -> None:
    lease = claim(linkage)
    assert lease is not None
    set_row(linkage, run, state=state)
    with pytest.raises(LeaseLostError), linkage.broker.database.write() as session:
        write_under_lease(session, lease, stage="deciding")


def test_a_run_that_is_given_back_is_claimed_at_once_and_costs_no_attempt(
    linkage: Linkage, run: str
) -> None:
    for _ in range(2 * MAX_STALLED_ATTEMPTS):
        lease = claim(linkage)
        assert lease is not None
        with linkage.broker.database.write() as session:
            give_back(session, lease)


def test_a_run_that_ends_its_workers_is_not_claimed_for_ever(linkage: Linkage, run: str) -> None:
    claims = [claim(linkage, OVER_MS) for _ in range(MAX_STALLED_ATTEMPTS + 1)]
    assert [lease is not None for lease in claims] == [True] * MAX_STALLED_ATTEMPTS + [False]
    with linkage.broker.database.write() as session:
        exhausted = exhausted_run(session)
        assert exhausted is not None
        assert exhausted.id == run


def test_a_living_worker_at_its_last_attempt_is_left_alone(linkage: Linkage, run: str) -> None:
    for _ in range(MAX_STALLED_ATTEMPTS - 1):
        claim(linkage, OVER_MS)
    claim(linkage)
    with linkage.broker.database.write() as session:
        assert exhausted_run(session) is None


def test_runs_are_claimed_in_the_order_they_were_asked_for(linkage: Linkage, run: str) -> None:
    set_row(linkage, run, created="2026-01-02T00:00:00Z")
    assert linkage.correct(1).status_code == 201
    linkage.upload_both()
    second = linkage.run_id()
    set_row(linkage, run, state="queued", smaller="another")
    set_row(linkage, second, created="2026-01-01T00:00:00Z")
    claims = [claim(linkage), claim(linkage)]
    assert [lease and lease.run for lease in claims] == [second, run]
    set_row(linkage, run, state="cancelled")


def test_there_is_work_while_a_run_waits_or_is_abandoned(linkage: Linkage, run: str) -> None:
    def waits() -> bool:
        with linkage.broker.database.read() as session:
            return has_work(session)

    assert waits()
    lease = claim(linkage)
    assert not waits()
    set_row(linkage, run, lease_until_ms=0)
    assert waits()
    assert lease is not None
