"""Claims, leases and fences, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from rigs.linkage import Linkage, either_database

from app.errors import LeaseLostError
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
def run(uploaded: Linkage) -> str:
    """A queued run."""
    return uploaded.run_id()


def claim(linkage: Linkage, lease_ms: int = 60_000) -> Lease | None:
    with linkage.broker.database.write() as session:
        return claim_run(session, lease_ms=lease_ms)


def waits(linkage: Linkage) -> bool:
    with linkage.broker.database.read() as session:
        return has_work(session)


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


def test_a_run_is_claimed_by_one_worker_at_a_time_and_written_by_none_that_lost_it(
    linkage: Linkage, run: str
) -> None:
    assert waits(linkage)
    first = claim(linkage)
    assert first is not None
    assert (first.run, first.attempt) == (run, 1)
    assert claim(linkage) is None
    assert not waits(linkage)
    # What is abandoned is claimed again under another token, unless its lease is renewed.
    set_row(linkage, run, lease_until_ms=0)
    assert waits(linkage)
    with linkage.broker.database.write() as session:
        renew_lease(session, first, lease_ms=60_000)
    assert claim(linkage) is None
    set_row(linkage, run, lease_until_ms=0)
    second = claim(linkage)
    assert second is not None
    assert (second.run, second.attempt) == (run, 2)
    assert first.token != second.token
    with linkage.broker.database.write() as session:
        write_under_lease(session, second, stage="comparing")
    with pytest.raises(LeaseLostError), linkage.broker.database.write() as session:
        write_under_lease(session, first, stage="deciding")
    with pytest.raises(LeaseLostError), linkage.broker.database.write() as session:
        renew_lease(session, first)
    assert stage_of(linkage, run) == "comparing"
    # What is given back is claimed at once, and costs no attempt.
    for _ in range(2 * MAX_STALLED_ATTEMPTS):
        with linkage.broker.database.write() as session:
            give_back(session, second)
        assert waits(linkage)
        second = claim(linkage)
        assert second is not None
    # Nor does anybody write to a run that has ended.
    for state in ("failed", "succeeded", "cancelled"):
        set_row(linkage, run, state=state)
        with pytest.raises(LeaseLostError), linkage.broker.database.write() as session:
            write_under_lease(session, second, stage="deciding")
    assert stage_of(linkage, run) == "comparing"


@pytest.mark.campaign("two-at-once")
def test_of_eight_workers_at_once_one_gets_the_run(linkage: Linkage, run: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: claim(linkage), range(8)))
    assert [lease.run for lease in claims if lease] == [run]


def test_a_run_that_ends_its_workers_is_not_claimed_for_ever(linkage: Linkage, run: str) -> None:
    for _ in range(MAX_STALLED_ATTEMPTS - 1):
        assert claim(linkage, OVER_MS) is not None
    assert claim(linkage) is not None
    # A worker that is alive at the last attempt is left alone.
    with linkage.broker.database.write() as session:
        assert exhausted_run(session) is None
    set_row(linkage, run, lease_until_ms=0)
    assert claim(linkage) is None
    with linkage.broker.database.write() as session:
        exhausted = exhausted_run(session)
        assert exhausted is not None
        assert exhausted.id == run


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
