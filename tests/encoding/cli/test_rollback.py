"""Both agencies go back to the link IDs of an earlier round, when both have signed it and not before."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker
from rigs.weeks import changed_ledger, links, settle

from encoding.ledger.compact import Events
from encoding.ledger.ledger_file import held_as_of
from encoding.ledger.values import Turn

REASON = "Round 2 had last year's file."
People = Sequence[tuple[str, ...]]
Write = Callable[..., Path]


def week(near: NearBroker) -> None:
    near.move(days=7)
    settle(near)


def raw(desk: Desk) -> bytes:
    return (desk.folder / "links.csv").read_bytes()


def ledger(desk: Desk) -> bytes:
    (path,) = (desk.folder / "workspace" / "ledgers").iterdir()
    return path.read_bytes()


def sign(desk: Desk, *theirs: Path, number: int = 1, name: str = "ours.json"):
    given = [word for path in theirs for word in ("--with", str(path))]
    out = str(desk.folder / name)
    return desk.type("rollback", str(number), "--reason", REASON, *given, "-o", out)


@pytest.fixture
def renumbered(
    settled: NearBroker, people: People, write_people: Write, reach: Callable[..., Any]
) -> dict[str, bytes]:
    """The links of round 1, before a round in which a child's record has another number."""

    def renumber() -> dict[str, bytes]:
        before = {party: raw(desk) for party, desk in settled.desks.items()}
        ana, bo, chloe, dee = people
        write_people([ana, bo, chloe, ("9", *dee[1:])])
        week(settled)
        assert {party: raw(desk) for party, desk in settled.desks.items()} != before
        write_people(people)
        return before

    before: dict[str, bytes] = reach(settled, "renumbered", renumber)
    return before


def test_both_sign_and_both_go_back_and_until_then_no_round_is_stored(
    near: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    near.courier.before = lambda _: pytest.fail("the broker was asked")
    kept = ledger(welfare)
    first = sign(welfare)
    assert first.exit_code == 0
    assert "nothing has changed yet" in first.stderr
    assert ledger(welfare) == kept
    near.courier.before = lambda _: None
    second = sign(schools, welfare.folder / "ours.json")
    assert second.exit_code == 0
    assert "the ledger is back to where it was after round 1" in second.stderr
    before = raw(welfare), raw(schools)
    near.move(days=7)
    ended = [desk.type("refresh") for _ in range(3) for desk in (schools, welfare)]
    assert {one.exit_code for one in ended} <= {0, 1, 7}
    refused = welfare.type("links")
    assert refused.exit_code == 1
    assert "schools has gone back to the link IDs of an earlier round" in refused.stderr
    assert "blindlink rollback" in refused.stderr
    assert (raw(welfare), raw(schools)) == before
    assert sign(welfare, schools.folder / "ours.json", name="again.json").exit_code == 0
    assert ledger(welfare) != kept
    # Once more is safe: what was signed may have got lost.
    kept = ledger(welfare)
    assert sign(welfare, schools.folder / "ours.json", name="again.json").exit_code == 0
    assert ledger(welfare) == kept
    week(near)
    assert {party: raw(desk) for party, desk in near.desks.items()} == renumbered
    assert welfare.ok("links", "--as-of", "4").stdout_bytes == renumbered["welfare"]
    why = (welfare.folder / "changes.csv").read_text("utf-8")
    why += (schools.folder / "changes.csv").read_text("utf-8")
    assert "rolled-back" in why
    signed = json.loads((schools.folder / "ours.json").read_bytes())["rollback"]
    assert (signed["to"]["round"], signed["applied"]["round"]) == (1, 2)


def test_what_is_not_signed_by_the_other_side_moves_nothing(
    near: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    assert sign(schools).exit_code == 0
    theirs, bent = schools.folder / "ours.json", welfare.folder / "bent.json"
    kept = ledger(welfare)

    def refused(said: str, *paths: Path, number: int = 1) -> None:
        result = sign(welfare, *paths, number=number)
        assert (result.exit_code, said in result.stderr) == (1, True), (said, result.stderr)
        assert ledger(welfare) == kept
        assert not (welfare.folder / "ours.json").exists()

    refused("round 2 is the newest one: there is nothing to go back to", number=2)
    refused("this agency's ledger knows nothing of round 9", number=9)
    refused("is not a rollback that someone has signed", bent)
    bent.write_bytes(b"{}")
    refused("is not a rollback that someone has signed", bent)
    bent.write_bytes(theirs.read_bytes().replace(b"last year", b"this year"))
    refused("is not signed by a person of schools whose keys are trusted", bent)
    assert sign(welfare, name="own.json").exit_code == 0
    refused("is not of another recipient", welfare.folder / "own.json")
    near.move(days=7)
    assert welfare.type("refresh").exit_code == 7
    refused("round 3 is open: ledgers go back between rounds", theirs)
    settle(near)
    kept = ledger(welfare)
    # A round has come between: what was signed is void.
    refused("schools has signed something else", theirs)
    refused("schools has signed something else", theirs, number=2)


def test_a_partner_whose_ledger_is_that_of_an_earlier_round_is_told(
    near: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    with changed_ledger(schools) as ledger:
        ledger.events = Events(event for event in ledger.events if event.turn.round == 1)
    near.move(days=7)
    said = "".join(desk.type("refresh").stderr for _ in range(3) for desk in (schools, welfare))
    assert said.count("the ledger of schools is that of an earlier round") == 1
    assert "the ledger of welfare" not in said


def test_a_round_of_which_this_agency_spoke_before_it_went_back_is_not_stored(
    near: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    before = raw(welfare)
    near.move(days=7)
    assert [desk.type("refresh").exit_code for desk in (schools, welfare)] == [7, 7]
    with changed_ledger(welfare) as ledger:
        to = Turn(1, 1)
        held = held_as_of(ledger, to)
        ledger.roll_back(to, held, sha256="44" * 32, signed="[]")
    assert schools.type("refresh").exit_code == 0
    refused = welfare.type("links")
    assert refused.exit_code == 1
    assert "ledger went back after it had sent its claims of round 3" in refused.stderr
    assert raw(welfare) == before
    # Schools has carried on: this ledger is one of an earlier round for it, and both come to the same again.
    for _ in range(2):
        week(near)
        assert {*links(welfare).values()} == {*links(schools).values()}
