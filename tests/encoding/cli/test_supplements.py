"""Supplementary releases: killed anywhere they go on, and what cannot be honest is stored nowhere."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rigs.desk import Desk
from rigs.near_broker import near_broker
from rigs.played_review import ASKED, CLAUSE, REVIEWER, Reviews, reviewed
from rigs.weeks import links, settle

from encoding.cli.parts import link_steps
from encoding.ledger.ledger_file import LedgerFile
from encoding.rounds.round_memory import Said
from schemas.ids import MatchId
from schemas.release import Match

pytestmark = pytest.mark.long

HEAD = "ID,first,last,born,sex\n"
FILES = {
    "welfare": f"{HEAD}w1,Ana,Ortiz,2011-04-09,F\nw2,Abe,Kerr,2010-08-06,M\nw3,Una,Alone,2009-09-09,F\n",
    "schools": f"{HEAD}s1,Ana,Ortiz,2011-04-09,F\ns2,Abe,Kerr,2010-08-06,F\n"
    "s3,Kim,Other,2008-08-08,F\ns4,Lea,Six,2008-07-08,F\n",
}


class Killed(KeyboardInterrupt):
    pass


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Reviews:
    """A pair was accepted, and nobody has heard of its release yet; for copies."""
    with near_broker(tmp_path_factory.mktemp("decided") / "broker") as near:
        found = reviewed(near, **FILES)
        settle(near)
        found.ask(("w2", "s2"))
        found.desk(ASKED).ok("refresh")
        welfare = found.desk(REVIEWER)
        path = welfare.folder / "decisions.csv"
        welfare.ok("review", "--export", str(path))
        text = path.read_text("utf-8-sig")
        path.write_text(
            text.replace(",,\n", ",,\n").replace('""', "")[:-3] + ",accept,same-person\n"
        )
        welfare.ok("review", "--import", str(path))
        welfare.ok("review", "--finish")
        assert found.now.supplement is not None
    return found


@pytest.fixture
def reviews(decided: Reviews, tmp_path: Path) -> Iterator[Reviews]:
    with near_broker(tmp_path / "broker", like=decided.near) as near:
        yield Reviews(
            near,
            CLAUSE,
            decided.agreement,
            asked=copy.deepcopy(decided.asked),
            releases=dict(decided.releases),
        ).attach()


@pytest.fixture
def welfare(reviews: Reviews) -> Desk:
    return reviews.desk(REVIEWER)


@pytest.fixture
def schools(reviews: Reviews) -> Desk:
    return reviews.desk(ASKED)


def is_linked(reviews: Reviews) -> bool:
    """Tell whether both have the accepted pair under one link ID, beside what was linked before."""
    own, other = links(reviews.desk(REVIEWER)), links(reviews.desk(ASKED))
    assert own["w1"] == other["s1"]
    assert ("w2" in own) == ("s2" in other)
    return "w2" in own and own["w2"] == other["s2"]


@pytest.mark.parametrize("who", [REVIEWER, ASKED])
@pytest.mark.parametrize(
    ("owner", "name", "at"),
    [
        (LedgerFile, "write", 1),
        (LedgerFile, "write", 2),
        (LedgerFile, "write", 3),
        (Said, "keep", 1),
        (Said, "keep", 2),
        (link_steps, "write_links", 1),
    ],
)
def test_killed_before_a_write_the_next_night_goes_on(
    reviews: Reviews, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, who: str, at: int
) -> None:
    real: Callable[..., Any] = getattr(owner, name)
    calls: list[bool] = []
    is_armed = False

    def killing(*given: Any, **named: Any) -> Any:
        calls.append(is_armed)
        if is_armed and sum(calls) == at:
            raise Killed
        return real(*given, **named)

    monkeypatch.setattr(owner, name, killing)
    desks = reviews.near.desks
    for _ in range(3):
        for party, desk in desks.items():
            is_armed = party == who
            desk.type("refresh")
    is_armed = False
    assert sum(calls) >= at
    settle(reviews.near)
    assert is_linked(reviews)
    before = links(reviews.desk(REVIEWER))
    reviews.near.move(days=7)
    settle(reviews.near)
    assert links(reviews.desk(REVIEWER)) == before


def test_by_hand_the_links_of_both_releases_are_written(
    reviews: Reviews, welfare: Desk, schools: Desk
) -> None:
    result = welfare.type("links")
    assert (result.exit_code, "schools has yet to send its claims" in result.stderr) == (7, True)
    assert links(welfare).keys() == {"w1"}
    schools.ok("links")
    welfare.ok("links", "-o", str(welfare.folder / "elsewhere.csv"))
    assert (welfare.folder / "elsewhere.csv").read_text().count("\n") == 3


def test_when_the_next_round_comes_first_the_pair_is_not_linked_and_nothing_is_wrong(
    reviews: Reviews, welfare: Desk, schools: Desk
) -> None:
    assert welfare.type("refresh").exit_code == 7
    reviews.near.move(days=7)
    # It opens the next round before the other agency's job has run.
    welfare.type("refresh")
    settle(reviews.near)
    assert reviews.now.supplement is not None
    assert len(reviews.now.supplement.claims) == 1
    assert not is_linked(reviews)
    for _ in range(2):
        reviews.near.move(days=7)
        settle(reviews.near)
    assert links(welfare).keys() == {"w1"}


def test_a_supplement_that_joins_strangers_is_an_alarm_at_both_and_stored_nowhere(
    reviews: Reviews, welfare: Desk, schools: Desk
) -> None:
    reviews.releases.clear()
    row = {p: reviews.container(p, 1) for p in (REVIEWER, ASKED)}
    for party, record in ((REVIEWER, "w3"), (ASKED, "s3")):
        handle = reviews.handle(party, 1, record)
        number = row[party].handles.index(handle)
        place = next(at for at, one in enumerate(row[party].rows) if one[1] == number)
        reviews.release(reviews.now, party, {handle: Match(MatchId(b"m" * 16), place)})
    codes = [desk.type("refresh").exit_code for desk in (welfare, schools, welfare)]
    assert codes[0] == 7
    assert codes[1:] == [9, 9]
    assert (links(welfare).keys(), links(schools).keys()) == ({"w1"}, {"s1"})


def test_a_supplement_that_no_review_ended_with_is_refused(
    reviews: Reviews, welfare: Desk, schools: Desk
) -> None:
    other = reviews.now
    assert other.supplement is not None
    stranger = f"run-{'0' * 32}"
    other.supplement = other.supplement.model_copy(update={"run": stranger})
    reviews.asked[-1].view = other.view
    for desk in (welfare, schools, welfare):
        result = desk.type("refresh")
    assert "does not show that" in result.stderr
    assert (links(welfare).keys(), links(schools).keys()) == ({"w1"}, {"s1"})
