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


def files(desk: Desk) -> dict[str, bytes]:
    return {
        name: (desk.folder / f"{name}.csv").read_bytes()
        for name in ("links", "changes", "unmatched")
    }


def fetches_nothing(near: NearBroker, desk: Desk, status: int) -> bool:
    """Tell whether the next job of a desk ends with this status, and asks for no release."""
    asked = len(near.courier.requests)
    assert desk.type("refresh").exit_code == status
    return not any("/releases/" in path for _, path in near.courier.requests[asked:])


@pytest.fixture
def held(
    settled: NearBroker, people: People, write_people: Write, reach: Callable[..., Any]
) -> dict[str, bytes]:
    """What child welfare had before a week in which two of three links end."""

    def hold() -> dict[str, bytes]:
        before = files(settled.desks["welfare"])
        write_people([people[0], people[1]])
        week(settled, 8, 8)
        return before

    before: dict[str, bytes] = reach(settled, "held", hold)
    return before


def test_last_weeks_links_stay_and_what_would_change_is_told(
    settled: NearBroker, held: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    after = files(welfare)
    assert after["links"] == held["links"]
    assert after["unmatched"] == held["unmatched"]
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
    assert fetches_nothing(settled, welfare, 8)
    for reason in ("", "  ", "two\nlines", "x" * 2001):
        assert welfare.type("links", "--accept-change", reason).exit_code == 2, reason
    # In force once a person accepts them, and says why.
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
    week(settled, 0, 0)
    assert files(welfare)["links"] == after["links"]


def test_the_next_round_goes_on_and_may_put_it_right(
    settled: NearBroker, held: dict[str, bytes], welfare: Desk, people: People, write_people: Write
) -> None:
    write_people(people)
    week(settled, 0, 0)
    assert files(welfare)["links"] == held["links"]
    assert b"\n" not in files(welfare)["changes"].rstrip(b"\n")
    assert "accept-change" not in welfare.ok("status").stdout


def test_links_of_the_same_round_are_held_against_those_that_are_in_force(
    settled: NearBroker, welfare: Desk, people: People, write_people: Write
) -> None:
    before = files(welfare)
    said = welfare.ok("links", "--accept-change", REASON)
    assert "there was nothing to accept" in said.stderr
    assert files(welfare) == before
    write_people([people[0], people[1]])
    refused = welfare.type("links")
    assert refused.exit_code == 8
    assert "2 of 3 links in force end in round 1" in refused.stderr
    assert files(welfare)["links"] == before["links"]
    # Nothing is owed: the links of the round are in force.
    assert welfare.ok("refresh")
    assert welfare.ok("links", "--accept-change", REASON)
    assert files(welfare)["links"].count(b"\n") == 2


def test_one_child_who_leaves_and_what_was_unlinked_need_nobody_else_to_look(
    settled: NearBroker, welfare: Desk, schools: Desk, people: People, write_people: Write
) -> None:
    write_people(people[:3])
    week(settled, 0, 0)
    assert files(welfare)["changes"].count(b"ended") == 1
    for record in ("7", "x-3"):
        welfare.ok("unlink", "--record", record, "--reason", "The parents say so.")
    assert welfare.ok("links")
    assert files(welfare)["links"].count(b"\n") == 1
    week(settled, 0, 0)
    assert files(schools)["links"].count(b"\n") == 1
    assert files(schools)["changes"].count(b",unlinked,") == 2


def test_what_could_not_be_written_is_written_by_the_next_job(
    near: NearBroker, welfare: Desk
) -> None:
    strange = welfare.folder / "changes.csv"
    strange.write_text("my own list", "utf-8")
    week(near, 0, 1)
    assert "the file changes.csv is there already" in welfare.type("refresh").stderr
    assert strange.read_text("utf-8") == "my own list"
    assert not (welfare.folder / "links.csv").exists()
    strange.unlink()
    assert welfare.ok("refresh")
    assert files(welfare)["links"].count(b"\n") == 4
    assert fetches_nothing(near, welfare, 0)
