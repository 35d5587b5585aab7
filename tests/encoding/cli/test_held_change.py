"""More links end than is agreed: last week's stay in force until a person accepts it, and nobody else waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker

REASON = "Two children left care on the same day."
pytestmark = pytest.mark.parametrize("terms", [{"most_ended": "0.1"}])
Write = Callable[..., Path]
People = Sequence[tuple[str, ...]]


def week(near: NearBroker, *expected: int) -> None:
    """Let a week pass, and both jobs run in turn until they end with these codes: schools, then welfare."""
    near.move(days=7)
    for _ in range(4):
        ended = [desk.type("refresh").exit_code for desk in near.desks.values()]
        if ended == list(expected):
            return
    raise AssertionError(ended)


def both_settle(near: NearBroker) -> None:
    week(near, 0, 0)


def files(desk: Desk) -> dict[str, bytes]:
    return {
        name: (desk.folder / f"{name}.csv").read_bytes()
        for name in ("links", "changes", "unmatched")
    }


@pytest.fixture
def linked(ready_desks: NearBroker, reach: Callable[..., Any]) -> NearBroker:
    """The broker after its first week."""
    reach(ready_desks, "linked", lambda: both_settle(ready_desks))
    return ready_desks


@pytest.fixture
def held(linked: NearBroker, people: People, write_people: Write) -> NearBroker:
    """The broker before a week in which two of three links end."""
    write_people([people[0], people[1]])
    return linked


def test_last_weeks_links_stay_and_what_would_change_is_told(held: NearBroker) -> None:
    welfare, schools = held.desks["welfare"], held.desks["schools"]
    before = files(welfare)
    week(held, 8, 8)
    after = files(welfare)
    assert after["links"] == before["links"]
    assert after["unmatched"] == before["unmatched"]
    assert after["changes"].count(b"ended") == 2
    assert b"left-the-file" in after["changes"]
    for desk in (welfare, schools):
        said = desk.type("refresh")
        assert said.exit_code == 8
        assert (
            "2 of 3 links in force end in round 2 (66.7%); the agreement allows at most 10%"
            in said.stderr
        )
        assert "links.csv is still that of round 1" in said.stderr
        assert "blindlink links --accept-change REASON" in said.stderr
    failed = json.loads(welfare.type("links", "--json").stdout)
    assert failed["error"]["code"] == "change-held"
    assert "blindlink links --accept-change" in welfare.ok("status").stdout


def test_a_job_that_finds_it_held_asks_for_nothing_again(held: NearBroker) -> None:
    week(held, 8, 8)
    asked = len(held.courier.requests)
    assert held.desks["welfare"].type("refresh").exit_code == 8
    assert not any("/releases/" in path for _, path in held.courier.requests[asked:])


def test_the_links_are_in_force_once_somebody_accepts_them_and_says_why(held: NearBroker) -> None:
    week(held, 8, 8)
    welfare, schools = held.desks["welfare"], held.desks["schools"]
    assert "in links.csv" not in welfare.ok("--quiet", "links", "--accept-change", REASON).stderr
    after = files(welfare)
    assert after["links"].count(b"\n") == 2
    assert welfare.ok("refresh")
    assert welfare.ok("links")
    assert files(welfare) == after
    assert schools.ok("refresh", "--accept-change", REASON)
    assert schools.ok("refresh")
    for path in (welfare.folder / "workspace").rglob("*"):
        assert not path.is_file() or REASON.encode() not in path.read_bytes()
    both_settle(held)
    assert files(welfare)["links"] == after["links"]


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 2001])
def test_a_reason_is_one_line_that_says_something(held: NearBroker, reason: str) -> None:
    week(held, 8, 8)
    assert held.desks["welfare"].type("links", "--accept-change", reason).exit_code == 2


def test_the_next_round_goes_on_and_may_put_it_right(
    held: NearBroker, people: People, write_people: Write
) -> None:
    welfare = held.desks["welfare"]
    before = files(welfare)["links"]
    week(held, 8, 8)
    write_people(people)
    both_settle(held)
    assert files(welfare)["links"] == before
    assert b"\n" not in files(welfare)["changes"].rstrip(b"\n")
    assert "accept-change" not in welfare.ok("status").stdout


def test_an_acceptance_that_nothing_waits_for_changes_nothing(
    held: NearBroker, people: People, write_people: Write
) -> None:
    welfare = held.desks["welfare"]
    before = files(welfare)
    write_people(people)
    said = welfare.ok("links", "--accept-change", REASON)
    assert "there was nothing to accept" in said.stderr
    assert files(welfare) == before


def test_links_of_the_same_round_are_held_against_those_that_are_in_force(held: NearBroker) -> None:
    welfare = held.desks["welfare"]
    before = files(welfare)["links"]
    refused = welfare.type("links")
    assert refused.exit_code == 8
    assert "2 of 3 links in force end in round 1" in refused.stderr
    assert files(welfare)["links"] == before
    # Nothing is owed: the links of the round are in force.
    assert welfare.ok("refresh")
    assert welfare.ok("links", "--accept-change", REASON)
    assert files(welfare)["links"].count(b"\n") == 2


def test_what_somebody_has_unlinked_needs_nobody_else_to_look(linked: NearBroker) -> None:
    welfare, schools = linked.desks["welfare"], linked.desks["schools"]
    for record in ("7", "4"):
        welfare.ok("unlink", record, "--reason", "The parents say so.")
    assert welfare.ok("links")
    assert files(welfare)["links"].count(b"\n") == 2
    both_settle(linked)
    assert files(schools)["links"].count(b"\n") == 2
    assert files(schools)["changes"].count(b",unlinked,") == 2


def test_one_child_who_leaves_never_stops_a_small_file(
    linked: NearBroker, people: People, write_people: Write
) -> None:
    write_people(people[:3])
    both_settle(linked)
    assert files(linked.desks["welfare"])["changes"].count(b"ended") == 1


def test_what_could_not_be_written_is_written_by_the_next_job(
    ready_desks: NearBroker, people: People, write_people: Write
) -> None:
    welfare = ready_desks.desks["welfare"]
    strange = welfare.folder / "changes.csv"
    strange.write_text("my own list", "utf-8")
    week(ready_desks, 0, 1)
    assert "the file changes.csv is there already" in welfare.type("refresh").stderr
    assert strange.read_text("utf-8") == "my own list"
    assert not (welfare.folder / "links.csv").exists()
    strange.unlink()
    assert welfare.ok("refresh")
    assert files(welfare)["links"].count(b"\n") == 4
    asked = len(ready_desks.courier.requests)
    assert welfare.ok("refresh")
    assert not any("/releases/" in path for _, path in ready_desks.courier.requests[asked:])
