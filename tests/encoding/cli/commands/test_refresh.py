"""`blindlink refresh`: all of it or, whatever fails, last week's links."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rigs.desk import Desk
from rigs.near_broker import HIGH_RATE, NearBroker

from encoding.workspace.workspace import open_workspace
from schemas.run import IdSpace

LINKED = ["4", "7", "x-3"]


@pytest.fixture
def partner(ready: NearBroker, schools: Desk) -> Partner:
    """The schools' nightly job, which runs whenever child welfare's waits, or is told to."""
    return Partner(schools)


class Partner:
    """The other agency: its job ends with 7 where it has to wait, and goes on the next time."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def run(self) -> None:
        result = self.desk.type("refresh")
        assert result.exit_code in {0, 7}, result.stderr


def links(desk: Desk) -> list[str]:
    lines = (desk.folder / "links.csv").read_text().splitlines()
    return [line.split(",")[0] for line in lines[1:]]


def link_ids(desk: Desk) -> dict[str, str]:
    lines = (desk.folder / "links.csv").read_text().splitlines()
    return dict(line.split(",") for line in lines[1:])  # type: ignore[misc]


def refresh(welfare: Desk, partner: Partner) -> None:
    """Let both jobs run in turn until child welfare's is done."""
    for _ in range(4):
        if welfare.type("refresh").exit_code == 0:
            partner.run()
            return
        partner.run()
    raise AssertionError("the jobs do not end")


@pytest.fixture
def linked(
    broker: NearBroker, welfare: Desk, partner: Partner, reach: Callable[..., Any]
) -> Partner:
    """The schools' nightly job, when both jobs are done with the first round."""
    reach(broker, "linked", lambda: refresh(welfare, partner))
    return partner


def test_both_jobs_in_turn_end_with_link_ids_that_join(welfare: Desk, partner: Partner) -> None:
    refresh(welfare, partner)
    assert links(welfare) == LINKED
    theirs = link_ids(partner.desk)
    assert [theirs["p4"], theirs["p1"], theirs["p2"]] == list(link_ids(welfare).values())


def test_next_week_has_the_same_link_ids(
    welfare: Desk, linked: Partner, people, write_people, broker: NearBroker
) -> None:
    before = link_ids(welfare)
    write_people(people[:3])
    broker.move(days=7)
    refresh(welfare, linked)
    assert links(welfare) == ["7", "x-3"]
    assert link_ids(welfare).items() <= before.items()


@pytest.mark.parametrize("terms", [{"spaces": (IdSpace(name="shared", lifetime="round"),)}])
def test_where_link_ids_are_agreed_to_be_new_in_each_round_they_are(
    welfare: Desk, linked: Partner, broker: NearBroker
) -> None:
    before = link_ids(welfare)
    broker.move(days=7)
    refresh(welfare, linked)
    now = link_ids(welfare)
    assert now.keys() == before.keys()
    assert not {*now.values()} & {*before.values()}
    assert {*link_ids(linked.desk).values()} == {*now.values()}
    assert welfare.ok("links")
    assert link_ids(welfare) == now


def test_nothing_due_is_no_fault(welfare: Desk, linked: Partner, broker: NearBroker) -> None:
    before = (welfare.folder / "links.csv").read_bytes()
    n_requests = len(broker.courier.requests)
    assert "nothing is due" in welfare.ok("refresh").stderr
    assert "PUT" not in {method for method, _ in broker.courier.requests[n_requests:]}
    assert (welfare.folder / "links.csv").read_bytes() == before


@pytest.mark.parametrize("terms", [{"frequency": "on-request"}])
def test_on_request_nothing_is_due_until_somebody_begins_a_round(
    welfare: Desk, linked: Partner, broker: NearBroker
) -> None:
    # The first one begins by itself: there is nothing yet.
    before = (welfare.folder / "links.csv").read_bytes()
    for desk in (welfare, linked.desk):
        done = desk.ok("refresh", "--json")
        assert json.loads(done.stdout) == {"round": None}
        assert "nothing is due: rounds are made on request" in desk.ok("refresh").stderr
        assert "blindlink refresh --begin" in desk.ok("status").stdout
        assert "blindlink refresh --begin" in desk.ok("round", "status").stdout
    assert broker.log_kinds().count("round-opened") == 1
    assert welfare.type("refresh", "--begin").exit_code == 7
    linked.run()
    assert welfare.type("refresh").exit_code == 0
    linked.run()
    assert broker.log_kinds().count("round-opened") == 2
    assert (welfare.folder / "links.csv").read_bytes() == before


def test_a_round_that_is_not_due_cannot_be_begun(
    welfare: Desk, linked: Partner, broker: NearBroker
) -> None:
    refused = welfare.type("refresh", "--begin")
    assert refused.exit_code == 1
    assert "by the agreement's schedule, no round is due yet" in refused.stderr


def test_run_says_why_nothing_ran(welfare: Desk, partner: Partner, broker: NearBroker) -> None:
    welfare.ok("round", "ready")
    welfare.ok("encode")
    reason = "nothing was run with schools yet: waiting for the uploads of schools and welfare"
    assert reason in welfare.ok("run").stderr
    welfare.ok("upload")
    said = welfare.json("run")
    (stated,) = said["reasons"]
    assert stated.startswith("nothing was run with schools yet: waiting for the upload of schools")
    assert "until 2026-11-23" in stated
    broker.move(days=4)
    broker.sweep()
    over = "the round was closed, and schools had not uploaded by then"
    assert over in welfare.ok("run").stderr


@pytest.mark.parametrize("terms", [{"policy": HIGH_RATE}])
def test_run_says_why_a_run_failed(welfare: Desk, partner: Partner) -> None:
    assert welfare.type("refresh").exit_code == 7
    assert partner.desk.type("refresh").exit_code == 6
    said = welfare.json("run")
    assert "with schools: the run failed" in said["reasons"][0]
    assert "link-rate" in said["reasons"][0]


def test_an_agency_that_has_yet_to_get_ready_is_a_reason_of_its_own(
    welfare: Desk, broker: NearBroker
) -> None:
    refused = welfare.type("refresh")
    assert refused.exit_code == 7
    assert "schools has yet to get ready" in refused.stderr
    assert not (welfare.folder / "links.csv").exists()


def test_refresh_waits_for_the_other_agency_as_long_as_it_is_told(
    welfare: Desk, partner: Partner
) -> None:
    class Sleeper(list[float]):
        def append(self, pause_s: float) -> None:
            super().append(pause_s)
            if sum(self) >= 3600:
                partner.run()

    welfare.slept = Sleeper()
    refused = welfare.type("refresh", "--wait-hours", "0.5")
    assert refused.exit_code == 7
    assert sum(welfare.slept) == pytest.approx(1800)
    done = welfare.ok("refresh", "--wait-hours", "4")
    assert done.stderr.count("waiting for up to 4.0 hours") == 1
    assert links(welfare) == LINKED


def test_a_partner_that_commits_in_the_same_moment_is_stated(
    welfare: Desk, partner: Partner, broker: NearBroker
) -> None:
    assert welfare.type("round", "ready").exit_code == 0
    met: list[str] = []

    def meet(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/commit") and not met:
            met.append(request.url.path)
            partner.run()
        return None

    broker.courier.before = meet
    refresh(welfare, partner)
    assert met
    assert links(welfare) == LINKED


class Interruption(KeyboardInterrupt):
    pass


@pytest.mark.long
def test_stopped_before_or_after_any_request_it_goes_on_where_it_stopped(
    welfare: Desk, linked: Partner, broker: NearBroker, people, write_people
) -> None:
    before = (welfare.folder / "links.csv").read_bytes()
    write_people(people[:3])
    broker.move(days=7)
    courier = broker.courier
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
            assert result.exit_code in {1, 7}, result.stderr
            # Once they are written, only what is looked at afterwards was stopped.
            is_old = (welfare.folder / "links.csv").read_bytes() == before
            assert is_old or links(welfare) == ["7", "x-3"]
        if result.exit_code == 7:
            linked.run()
    assert stop > 20
    assert links(welfare) == ["7", "x-3"]
    commits = [path for method, path in courier.requests if path.endswith("/commit")]
    assert len({*commits[n_uploads:]}) == 2
    kinds = broker.log_kinds()
    assert kinds.count("upload-received") == 4
    assert kinds.count("round-opened") == 2


@pytest.mark.parametrize(
    ("fault", "status"), [("invalid row", 3), ("unknown person", 4), ("no broker", 5), ("log", 1)]
)
def test_failure_leaves_last_weeks_links_and_says_what_it_was(
    welfare: Desk,
    linked: Partner,
    broker: NearBroker,
    people,
    write_people,
    fault: str,
    status: int,
) -> None:
    before = (welfare.folder / "links.csv").read_bytes()
    broker.move(days=7)
    write_people(people[:2])
    if fault == "invalid row":
        write_people([*people, ("", "Eve", "May", "2010-12-31")])
    elif fault == "unknown person":
        broker.revoke("welfare")
    elif fault == "no broker":

        def refuse(_: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("no network")

        broker.courier.before = refuse
    else:
        broker.rewrite_log()
    assert welfare.type("refresh").exit_code == status
    assert (welfare.folder / "links.csv").read_bytes() == before


@pytest.mark.parametrize("terms", [{"policy": HIGH_RATE}])
def test_a_run_that_fails_ends_with_6_and_writes_nothing(welfare: Desk, partner: Partner) -> None:
    assert welfare.type("refresh").exit_code == 7
    assert partner.desk.type("refresh").exit_code == 6
    assert welfare.type("refresh").exit_code == 6
    assert not (welfare.folder / "links.csv").exists()


def test_links_stay_where_the_workspace_has_lost_its_handle_map(
    welfare: Desk, linked: Partner
) -> None:
    before = (welfare.folder / "links.csv").read_bytes()
    shutil.rmtree(welfare.folder / "workspace" / "handles")
    result = welfare.type("links")
    assert result.exit_code == 1
    assert "backup" in result.stderr
    assert (welfare.folder / "links.csv").read_bytes() == before


def test_two_at_once_are_refused(ready: NearBroker, welfare: Desk) -> None:
    with open_workspace(welfare.folder / "workspace").refresh_lock():
        result = welfare.type("refresh")
    assert result.exit_code == 1
    assert "another blindlink command" in result.stderr


def test_invalid_rows_may_be_skipped_every_week(
    ready: NearBroker, welfare: Desk, people, write_people
) -> None:
    write_people([*people, ("", "Eve", "May", "2010-12-31")])
    skipped: Path = welfare.folder / "skipped.csv"
    assert welfare.type("refresh", "--skip-invalid", str(skipped)).exit_code == 7
    assert skipped.read_text().splitlines()[1:] == ["5,ID,no record ID"]


def test_refresh_waits_long_for_a_broker_that_restarts(
    welfare: Desk, partner: Partner, broker: NearBroker
) -> None:
    left = 12

    def restart(_: httpx2.Request) -> httpx2.Response | None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise httpx2.ConnectError("restarting")
        return None

    broker.courier.before = restart
    assert welfare.type("refresh").exit_code == 7
    assert sum(welfare.slept) > 60
