"""Clerical review with the broker itself: it holds pairs back, asks, and releases what was accepted."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from rigs.desk import Desk
from rigs.near_broker import EVERY_DUTY, NearBroker, near_broker
from rigs.weeks import links, settle

from schemas.clauses import Review

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec("app.review") is None, reason="the broker asks no questions yet"),
]

HEAD = "ID,first,last,born,sex\n"
# Ana and Dee are linked; Abe and Ida are held back.
FILES = {
    "welfare": f"{HEAD}w1,Ana,Ortiz,2011-04-09,F\nw2,Dee,Lee,2015-01-15,F\nw3,Abe,Kerr,2010-08-06,M\n"
    "w4,Ida,Moss,2012-04-05,F\nw5,Una,Alone,2009-09-09,F\n",
    "schools": f"{HEAD}s1,Ana,Ortiz,2011-04-09,F\ns2,Dee,Lee,2015-01-15,F\ns3,Abe,Kerr,2010-08-06,F\n"
    "s4,Ida,Moss,2012-04-05,M\ns5,Kim,Other,2008-08-08,F\ns6,Lea,Six,2008-07-08,F\n",
}


@pytest.fixture
def near(tmp_path: Path) -> Iterator[NearBroker]:
    clause = Review(reviewer="welfare", persons=1, questions=50, bucket=3, days=14)
    with near_broker(tmp_path / "broker") as near:
        for party, text in FILES.items():
            near.enrol(party)
            duties = (*EVERY_DUTY, "reviewer") if party == "welfare" else EVERY_DUTY
            near.people[party] = near.person(party, *duties)
            (tmp_path / f"{party}.csv").write_text(text, "utf-8")
            near.desk(party, tmp_path / party, tmp_path / f"{party}.csv")
        near.add_project(review=clause)
        near.compare()
        near.agree()
        yield near


def decide(desk: Desk, **decisions: tuple[str, str]) -> None:
    path = desk.folder / "decisions.csv"
    desk.ok("review", "--export", str(path), "--force")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[1:]:
        row[-2:] = decisions.get(row[1], ("", ""))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    desk.ok("review", "--import", str(path))


def test_from_a_pair_that_is_held_back_to_its_link_and_no_further(near: NearBroker) -> None:
    welfare, schools = near.desks["welfare"], near.desks["schools"]
    settle(near)
    assert links(welfare).keys() == {"w1", "w2"}
    pairs = {one["record_id"] for one in welfare.json("review", "--list")["pairs"]}
    assert pairs == {"w3", "w4"}
    decide(welfare, w3=("accept", "same-person"))
    welfare.ok("review", "--send")
    decide(welfare, w4=("reject", "other-person"))
    welfare.ok("review", "--finish")
    settle(near)
    before = links(welfare)
    assert before.keys() == {"w1", "w2", "w3"}
    assert before["w3"] == links(schools)["s3"]
    for _ in range(2):
        near.move(days=7)
        settle(near)
        assert links(welfare) == before
        # What was rejected is no candidate, and what was accepted is linked: nothing is asked.
        listed = welfare.json("review", "--list")["reviews"]
        assert [one["state"] for one in listed] == ["ended"]
    kinds = near.log_kinds()
    assert {"review-asked", "review-answered", "review-decided", "review-ended"} <= {*kinds}
    assert "supplement-closed" in kinds


def test_what_nobody_decides_is_asked_again(near: NearBroker) -> None:
    welfare = near.desks["welfare"]
    settle(near)
    decide(welfare, w3=("unsure", "too-little-to-tell"))
    welfare.ok("review", "--finish")
    settle(near)
    near.move(days=7)
    settle(near)
    found = welfare.json("review", "--list")["pairs"]
    assert [one["record_id"] for one in found] == ["w4"]
    assert links(welfare).keys() == {"w1", "w2"}
