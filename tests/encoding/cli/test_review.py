"""Clerical review from the agencies' desks: cards, questions, decisions, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.near_broker import near_broker
from rigs.reviewing import ASKED, REVIEWER, Reviews, reviewed
from rigs.weeks import links, settle

HEAD = "ID,first,last,born,sex\n"
# The first two are linked; Bo and Bob, Cy and Si are held back.
WELFARE = f"""{HEAD}w1,Ana,Ortiz,2011-04-09,F
w2,Dee,Lee,2015-01-15,F
w3,Abe,Kerr,2010-08-06,M
w4,Cyrus,Abbott,2010-02-03,M
w5,Una,Alone,2009-09-09,F
"""
SCHOOLS = f"""{HEAD}s1,Ana,Ortiz,2011-04-09,F
s2,Dee,Lee,2015-01-15,F
s3,Abe,Kerr,2010-08-06,F
s4,Silas,Abbott,2010-02-03,M
s5,Kim,Other,2008-08-08,F
s6,Lea,Six,2008-07-08,F
s7,Max,Seven,2008-06-08,M
s8,Ned,Eight,2008-05-08,M
"""


@pytest.fixture
def reviews(tmp_path: Path) -> Iterator[Reviews]:
    with near_broker(tmp_path) as near:
        yield reviewed(near, welfare=WELFARE, schools=SCHOOLS)


def test_from_questions_to_links(reviews: Reviews) -> None:
    near, welfare, schools = reviews.near, reviews.desk(REVIEWER), reviews.desk(ASKED)
    settle(near)
    finished = [e for e in near.log_entries() if e["kind"] == "run-finished"]
    print(finished[-1]["body"])
    print(links(welfare), links(schools))
    reviews.ask(("w3", "s3"), ("w4", "s4"))
    result = schools.type("refresh")
    print(result.output)
    result = welfare.type("review", "--list")
    print(result.output, result.exception)
    assert False
