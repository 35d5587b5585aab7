"""`blindlink refresh`: all of it or, whatever fails, last week's links."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rigs.desk import Desk
from rigs.near_broker import HIGH_RATE, NearBroker
from rigs.weeks import links, settle

from encoding.workspace.workspace import open_workspace

LINKED = ["4", "7", "x-3"]
People = list[tuple[str, ...]]
Write = Callable[..., Path]


def test_both_jobs_in_turn_end_with_link_ids_that_join_and_last(
    settled: NearBroker, welfare: Desk, schools: Desk, people: People, write_people: Write
) -> None:
    first, theirs = links(welfare), links(schools)
    assert list(first) == LINKED
    assert [theirs["p4"], theirs["p1"], theirs["p2"]] == list(first.values())
    # Nothing due is no fault.
    before = (welfare.folder / "links.csv").read_bytes()
    n_requests = len(settled.courier.requests)
    assert "nothing is due" in welfare.ok("refresh").stderr
    assert "PUT" not in {method for method, _ in settled.courier.requests[n_requests:]}
    assert (welfare.folder / "links.csv").read_bytes() == before
    refused = welfare.type("refresh", "--begin")
    assert refused.exit_code == 1
    assert "by the agreement's schedule, no round is due yet" in refused.stderr
    write_people(people[:3])
    settled.move(days=7)
    settle(settled)
    assert list(links(welfare)) == ["7", "x-3"]
    assert links(welfare).items() <= first.items()


@pytest.mark.parametrize("terms", [{"frequency": "on-request"}])
def test_on_request_nothing_is_due_until_somebody_begins_a_round(
    settled: NearBroker, welfare: Desk, schools: Desk
) -> None:
    # The first one begins by itself: there is nothing yet.
    before = (welfare.folder / "links.csv").read_bytes()
    for desk in (welfare, schools):
        done = desk.ok("refresh", "--json")
        assert json.loads(done.stdout) == {"round": None}
        assert "nothing is due: rounds are made on request" in desk.ok("refresh").stderr
        assert "blindlink refresh --begin" in desk.ok("status").stdout
        assert "blindlink refresh --begin" in desk.ok("round").stdout
    assert settled.log_kinds().count("round-opened") == 1
    assert welfare.type("refresh", "--begin").exit_code == 7
    settle(settled)
    assert settled.log_kinds().count("round-opened") == 2
    assert (welfare.folder / "links.csv").read_bytes() == before


def test_run_says_why_nothing_ran(near: NearBroker, welfare: Desk) -> None:
    welfare.ok("encode")
    reason = "nothing was run with schools yet: waiting for the uploads of schools and welfare"
    assert reason in welfare.ok("round", "--runs").stderr
    welfare.ok("upload")
    said = welfare.json("round", "--runs")
    (stated,) = said["reasons"]
    assert stated.startswith("nothing was run with schools yet: waiting for the upload of schools")
    assert "until 2026-11-23" in stated
    near.move(days=4)
    near.sweep()
    over = "the round was closed, and schools had not uploaded by then"
    assert over in welfare.ok("round", "--runs").stderr


@pytest.mark.parametrize("terms", [{"policy": HIGH_RATE}])
def test_a_run_that_fails_ends_with_6_says_why_and_writes_nothing(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    ended = [desk.type("refresh").exit_code for desk in (welfare, schools, welfare)]
    assert ended == [7, 6, 6]
    assert not (welfare.folder / "links.csv").exists()
    said = welfare.json("round", "--runs")
    assert "with schools: the run failed" in said["reasons"][0]
    assert "link-rate" in said["reasons"][0]
    result = welfare.type("round", "--wait")
    assert result.exit_code == 6
    assert "more or fewer records are linked than the agreement expects" in result.stderr
    assert "(link-rate)" in welfare.ok("status").stdout
    found = welfare.json("status")
    assert (found["stage"], found["next"]) == ("failed", "blindlink round --again --wait")


def test_it_waits_for_the_other_agency_as_long_as_it_is_told(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    class Sleeper(list[float]):
        def append(self, pause_s: float) -> None:
            super().append(pause_s)
            if sum(self) >= 3600:
                assert schools.type("refresh").exit_code in {0, 7}

    welfare.slept = Sleeper()
    refused = welfare.type("refresh", "--wait-hours", "0.5")
    assert refused.exit_code == 7
    assert sum(welfare.slept) == pytest.approx(1800)
    done = welfare.ok("refresh", "--wait-hours", "4")
    assert done.stderr.count("waiting for up to 4.0 hours") == 1
    assert list(links(welfare)) == LINKED


def test_a_partner_that_commits_in_the_same_moment_is_stated(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    met: list[str] = []

    def meet(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/commit") and not met:
            met.append(request.url.path)
            assert schools.type("refresh").exit_code == 7
        return None

    near.courier.before = meet
    welfare.type("refresh")
    settle(near)
    assert met
    assert list(links(welfare)) == LINKED


class Interruption(KeyboardInterrupt):
    pass


@pytest.mark.long
def test_stopped_before_or_after_any_request_it_goes_on_where_it_stopped(
    settled: NearBroker, welfare: Desk, schools: Desk, people: People, write_people: Write
) -> None:
    before = (welfare.folder / "links.csv").read_bytes()
    write_people(people[:3])
    settled.move(days=7)
    courier = settled.courier
    n_uploads = len([path for method, path in courier.requests if path.endswith("/commit")])

    def interrupt_at(stop: int, *, is_after: bool) -> Any:
        left = stop

        def count(*what: object) -> object:
            nonlocal left
            left -= 1
            if not left:
                raise Interruption
            return what[1] if is_after else None

        return count

    stop, is_done = 0, False
    while not is_done:
        stop += 1
        is_after = stop % 2 == 0
        if is_after:
            courier.after = interrupt_at(stop, is_after=True)
        else:
            courier.before = interrupt_at(stop, is_after=False)
        result = welfare.type("refresh")
        courier.before, courier.after = (lambda _: None), (lambda _, response: response)
        is_done = result.exit_code == 0
        if not is_done:
            assert result.exit_code in {7, 130}, result.stderr
            # Once they are written, only what is looked at afterwards was stopped.
            is_old = (welfare.folder / "links.csv").read_bytes() == before
            assert is_old or list(links(welfare)) == ["7", "x-3"]
        if result.exit_code == 7:
            assert schools.type("refresh").exit_code in {0, 7}
    assert stop > 20
    assert list(links(welfare)) == ["7", "x-3"]
    commits = [path for method, path in courier.requests if path.endswith("/commit")]
    assert len({*commits[n_uploads:]}) == 2
    kinds = settled.log_kinds()
    assert kinds.count("upload-received") == 4
    assert kinds.count("round-opened") == 2


def test_failure_leaves_last_weeks_links_and_says_what_it_was(
    settled: NearBroker, welfare: Desk, people: People, write_people: Write
) -> None:
    before = (welfare.folder / "links.csv").read_bytes()
    handles = welfare.folder / "workspace" / "handles"
    away = handles.rename(welfare.folder / "away")
    result = welfare.type("links")
    assert (result.exit_code, "backup" in result.stderr) == (1, True)
    away.rename(handles)
    settled.move(days=7)

    def no_broker() -> None:
        def refuse(_: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("no network")

        settled.courier.before = refuse

    faults: dict[str, tuple[Callable[[], Any], int]] = {
        "no broker": (no_broker, 5),
        "invalid row": (lambda: write_people([*people, ("", "Eve", "May", "2010-12-31")]), 3),
        "rewritten log": (settled.rewrite_log, 1),
        "revoked person": (lambda: settled.revoke("welfare"), 4),
    }
    for name, (fault, status) in faults.items():
        settled.courier.before = lambda _: None
        write_people(people[:2])
        fault()
        assert welfare.type("refresh").exit_code == status, name
        assert (welfare.folder / "links.csv").read_bytes() == before, name


def test_it_waits_long_for_a_broker_that_restarts_and_may_skip_invalid_rows(
    near: NearBroker, welfare: Desk, people: People, write_people: Write
) -> None:
    with open_workspace(welfare.folder / "workspace").refresh_lock():
        result = welfare.type("refresh")
    assert (result.exit_code, "another blindlink command" in result.stderr) == (1, True)
    left = 12

    def restart(_: httpx2.Request) -> httpx2.Response | None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise httpx2.ConnectError("restarting")
        return None

    near.courier.before = restart
    write_people([*people, ("", "Eve", "May", "2010-12-31")])
    skipped = welfare.folder / "skipped.csv"
    assert welfare.type("refresh", "--skip-invalid", str(skipped)).exit_code == 7
    assert sum(welfare.slept) > 60
    assert skipped.read_text().splitlines()[1:] == ["5,ID,no record ID"]
