"""`blindlink refresh`: all of it or, whatever fails, last week's links."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from oracles.desk import Desk
from oracles.near_broker import NearBroker


@pytest.fixture
def ready(welfare: Desk, schools: Desk) -> Desk:
    """The schools have uploaded; child welfare has not begun."""
    schools.ok("encode")
    schools.ok("upload")
    return welfare


def links(desk: Desk) -> list[str]:
    lines = (desk.folder / "links.csv").read_text().splitlines()
    return [line.split(",")[0] for line in lines[1:]]


def test_refresh_does_it_all(ready: Desk) -> None:
    done = ready.json("refresh")
    assert (done["records"], done["links"]) == (4, 3)
    assert links(ready) == ["4", "7", "x-3"]


def test_next_week_replaces_the_links(ready: Desk, people, write_people) -> None:
    ready.ok("refresh")
    write_people(people[:2])
    ready.now += timedelta(days=7)
    ready.ok("refresh")
    assert links(ready) == ["7"]


def test_repeating_it_after_success_is_harmless(ready: Desk, broker: NearBroker) -> None:
    ready.ok("refresh")
    ready.ok("refresh")
    assert len([u for u in broker.uploads.values() if u.view.party == "welfare"]) == 1
    assert links(ready) == ["4", "7", "x-3"]


def test_an_agency_that_has_yet_to_upload_is_a_reason_of_its_own(welfare: Desk) -> None:
    refused = welfare.type("refresh")
    assert refused.exit_code == 7
    assert "no upload of schools yet" in refused.stderr
    assert not (welfare.folder / "links.csv").exists()


def test_refresh_waits_for_the_other_agency_as_long_as_it_is_told(
    welfare: Desk, schools: Desk
) -> None:
    class Sleeper(list[float]):
        def append(self, pause_s: float) -> None:
            super().append(pause_s)
            if sum(self) >= 3600 and not schools.files() & {"workspace/lock"}:
                schools.ok("encode")
                schools.ok("upload")

    welfare.slept = Sleeper()
    refused = welfare.type("refresh", "--wait-hours", "0.5")
    assert refused.exit_code == 7
    assert sum(welfare.slept) == 1800
    done = welfare.ok("refresh", "--wait-hours", "2")
    assert done.stderr.count("waiting for up to 2.0 hours") == 1
    assert links(welfare) == ["4", "7", "x-3"]


class Interruption(KeyboardInterrupt):
    pass


def count_requests(desk: Desk, broker: NearBroker) -> int:
    before = len(broker.courier.requests)
    desk.ok("refresh")
    return len(broker.courier.requests) - before


def test_stopped_before_or_after_any_request_it_goes_on_where_it_stopped(
    ready: Desk, broker: NearBroker, people, write_people
) -> None:
    ready.ok("refresh")
    before = (ready.folder / "links.csv").read_bytes()
    write_people(people[:3])
    ready.now += timedelta(days=7)
    seen = 0

    def interrupt_at(stop: int, *, is_after: bool):
        nonlocal seen
        seen = 0

        def count(*what: object) -> httpx2.Response | None:
            nonlocal seen
            seen += 1
            if seen == stop:
                raise Interruption
            return what[1] if is_after else None  # type: ignore[return-value]

        return count

    stop = 0
    while True:
        stop += 1
        is_after = stop % 2 == 0
        broker.courier.before = (lambda _: None) if is_after else interrupt_at(stop, is_after=False)
        broker.courier.after = interrupt_at(stop, is_after=True) if is_after else (lambda _, r: r)
        result = ready.type("refresh")
        broker.courier.before, broker.courier.after = (lambda _: None), (lambda _, r: r)
        if result.exit_code == 0:
            break
        assert result.exit_code == 1, result.stderr
        assert (ready.folder / "links.csv").read_bytes() == before
    assert stop > 10
    assert links(ready) == ["7", "x-3"]
    mine = [u for u in broker.uploads.values() if u.view.party == "welfare"]
    assert len(mine) == 2
    assert len(broker.runs) == 2


@pytest.mark.parametrize(
    ("fault", "status"),
    [("invalid row", 3), ("unknown token", 4), ("no broker", 5), ("failed run", 6), ("log", 1)],
)
def test_failure_leaves_last_weeks_links_and_says_what_it_was(
    ready: Desk, broker: NearBroker, people, write_people, fault: str, status: int
) -> None:
    ready.ok("refresh")
    before = (ready.folder / "links.csv").read_bytes()
    write_people(people[:2])
    if fault == "invalid row":
        write_people([*people, ("", "Eve", "May", "2010-12-31")])
    elif fault == "unknown token":
        (ready.folder / "token.txt").write_text("bl_other")
    elif fault == "no broker":

        def refuse(_: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("no network")

        broker.courier.before = refuse
    elif fault == "failed run":
        broker.run_ends = "failed"
    else:
        broker.rewrite_log()
    assert ready.type("refresh").exit_code == status
    assert (ready.folder / "links.csv").read_bytes() == before


def test_links_stay_where_the_workspace_has_lost_its_handle_map(ready: Desk) -> None:
    ready.ok("refresh")
    before = (ready.folder / "links.csv").read_bytes()
    shutil.rmtree(ready.folder / "workspace" / "handles")
    result = ready.type("links")
    assert result.exit_code == 1
    assert "backup" in result.stderr
    assert (ready.folder / "links.csv").read_bytes() == before


def test_two_at_once_are_refused(ready: Desk) -> None:
    from encoding.workspace import open_workspace

    with open_workspace(ready.folder / "workspace").refresh_lock():
        result = ready.type("refresh")
    assert result.exit_code == 1
    assert "another blindlink command" in result.stderr


def test_invalid_rows_may_be_skipped_every_week(ready: Desk, people, write_people) -> None:
    write_people([*people, ("", "Eve", "May", "2010-12-31")])
    skipped: Path = ready.folder / "skipped.csv"
    ready.ok("refresh", "--skip-invalid", str(skipped))
    assert skipped.read_text().splitlines()[1:] == ["5,ID,no record ID"]


def test_refresh_waits_long_for_a_broker_that_restarts(ready: Desk, broker: NearBroker) -> None:
    left = 12

    def restart(_: httpx2.Request) -> httpx2.Response | None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise httpx2.ConnectError("restarting")
        return None

    broker.courier.before = restart
    ready.ok("refresh")
    assert sum(ready.slept) > 60
