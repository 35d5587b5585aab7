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
    ready_desks: NearBroker, people: People, write_people: Write, reach: Callable[..., Any]
) -> dict[str, bytes]:
    """The links of round 1, before a round in which a child's record has another number."""

    def renumber() -> dict[str, bytes]:
        settle(ready_desks)
        before = {party: raw(desk) for party, desk in ready_desks.desks.items()}
        ana, bo, chloe, dee = people
        write_people([ana, bo, chloe, ("9", *dee[1:])])
        week(ready_desks)
        assert {party: raw(desk) for party, desk in ready_desks.desks.items()} != before
        write_people(people)
        return before

    before: dict[str, bytes] = reach(ready_desks, "renumbered", renumber)
    return before


@pytest.fixture
def welfare(ready_desks: NearBroker) -> Desk:
    return ready_desks.desks["welfare"]


@pytest.fixture
def schools(ready_desks: NearBroker) -> Desk:
    return ready_desks.desks["schools"]


def test_both_sign_and_both_go_back(
    ready_desks: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    ready_desks.courier.before = lambda _: pytest.fail("the broker was asked")
    kept = ledger(welfare)
    first = sign(welfare)
    assert first.exit_code == 0
    assert "nothing has changed yet" in first.stderr
    assert ledger(welfare) == kept
    ready_desks.courier.before = lambda _: None
    second = sign(schools, welfare.folder / "ours.json")
    assert second.exit_code == 0
    assert "the ledger is back to where it was after round 1" in second.stderr
    third = sign(welfare, schools.folder / "ours.json", name="again.json")
    assert third.exit_code == 0
    assert ledger(welfare) != kept
    # Once more is safe: what was signed may have got lost.
    kept = ledger(welfare)
    assert sign(welfare, schools.folder / "ours.json", name="again.json").exit_code == 0
    assert ledger(welfare) == kept
    week(ready_desks)
    assert {party: raw(desk) for party, desk in ready_desks.desks.items()} == renumbered
    assert welfare.ok("links", "--as-of", "3").stdout_bytes == renumbered["welfare"]
    why = (welfare.folder / "changes.csv").read_text("utf-8")
    why += (schools.folder / "changes.csv").read_text("utf-8")
    assert "rolled-back" in why
    signed = json.loads((schools.folder / "ours.json").read_bytes())["rollback"]
    assert (signed["to"]["round"], signed["applied"]["round"]) == (1, 2)


def test_until_both_have_gone_back_no_round_is_stored(
    ready_desks: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    assert sign(welfare).exit_code == 0
    assert sign(schools, welfare.folder / "ours.json").exit_code == 0
    before = raw(welfare), raw(schools)
    ready_desks.move(days=7)
    ended = [desk.type("refresh") for _ in range(3) for desk in (schools, welfare)]
    assert {one.exit_code for one in ended} <= {0, 1, 7}
    refused = welfare.type("links")
    assert refused.exit_code == 1
    assert "schools has gone back to the link IDs of an earlier round" in refused.stderr
    assert "blindlink rollback" in refused.stderr
    assert (raw(welfare), raw(schools)) == before
    assert sign(welfare, schools.folder / "ours.json").exit_code == 0
    week(ready_desks)
    assert {party: raw(desk) for party, desk in ready_desks.desks.items()} == renumbered


def test_what_is_not_signed_by_the_other_side_moves_nothing(
    ready_desks: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    assert sign(schools).exit_code == 0
    theirs = schools.folder / "ours.json"
    kept = ledger(welfare)
    document = json.loads(theirs.read_bytes())
    bent = welfare.folder / "bent.json"

    def refused(said: str, path: Path = bent, number: int = 1) -> None:
        result = sign(welfare, path, number=number)
        assert result.exit_code == 1
        assert said in result.stderr
        assert ledger(welfare) == kept
        assert not (welfare.folder / "ours.json").exists()

    refused("is not a rollback that somebody has signed", bent)
    bent.write_bytes(b"{}")
    refused("is not a rollback that somebody has signed")
    bent.write_bytes(theirs.read_bytes().replace(b"last year", b"this year"))
    refused("is not signed by a person of schools whose keys are trusted")
    assert sign(welfare, name="own.json").exit_code == 0
    refused("is not of another recipient", welfare.folder / "own.json")
    week(ready_desks)
    kept = ledger(welfare)
    # A round has come between: what was signed is void.
    refused("schools has signed something else", theirs)
    refused("schools has signed something else", theirs, number=2)
    assert document["signature"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (2, "round 2 is the newest one: there is nothing to go back to"),
        (9, "this agency's ledger knows nothing of round 9"),
    ],
)
def test_there_must_be_something_to_go_back_to(
    renumbered: dict[str, bytes], welfare: Desk, number: int, said: str
) -> None:
    result = sign(welfare, number=number)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (welfare.folder / "ours.json").exists()


def test_a_partner_whose_ledger_is_that_of_an_earlier_round_is_told(
    ready_desks: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    with changed_ledger(schools) as ledger:
        ledger.events = Events(event for event in ledger.events if event.turn.round == 1)
    ready_desks.move(days=7)
    said = "".join(desk.type("refresh").stderr for _ in range(3) for desk in (schools, welfare))
    assert said.count("the ledger of schools is that of an earlier round") == 1
    assert "the ledger of welfare" not in said


def test_ledgers_go_back_between_rounds(
    ready_desks: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    assert sign(welfare).exit_code == 0
    assert sign(schools).exit_code == 0
    ready_desks.move(days=7)
    assert welfare.type("refresh").exit_code == 7
    kept = ledger(welfare)
    refused = sign(welfare, schools.folder / "ours.json", name="again.json")
    assert refused.exit_code == 1
    assert "round 3 is open: ledgers go back between rounds" in refused.stderr
    assert ledger(welfare) == kept


def test_a_round_of_which_this_agency_spoke_before_it_went_back_is_not_stored(
    ready_desks: NearBroker, renumbered: dict[str, bytes], welfare: Desk, schools: Desk
) -> None:
    before = raw(welfare)
    ready_desks.move(days=7)
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
    week(ready_desks)
    assert {*links(welfare).values()} == {*links(schools).values()}
    week(ready_desks)
    assert {*links(welfare).values()} == {*links(schools).values()}
