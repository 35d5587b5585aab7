"""The page of a run: its numbers add up, on a run of real rows, and stand beside those of the round before."""

from __future__ import annotations

import re
from typing import Any

from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, MakeLinkage
from rigs.shown_pages import csv_rows, words
from samples.round_files import Person, less_like, random_people, random_person

from schemas.linkage.run import LinkRate, MatchingPolicy

N_SMALLER = 200
POLICY = MatchingPolicy(
    auto="0.99", review="0.5", lead=1, twin_guard=False, prior_matches="0.5",
    link_rate=LinkRate(least="0", most="1"),
)  # fmt: skip


def namesake(linkage: Any, person: Person) -> Person:
    """Return someone else of the same surname and year of birth, which brings the two together."""
    kept = {name: person[name] for name in ("surname_1", "birth_year")}
    return random_person(linkage.rng) | kept


def married(linkage: Any, person: Person) -> Person:
    """Return a record that may be the person's, too, under another surname."""
    return person | {"surname_1": random_person(linkage.rng)["surname_1"]}


def upload(linkage: Any, n_common: int) -> str:
    """Upload two files with links, pairs to review, namesakes and rivals of links; returns the run."""
    smaller = random_people(linkage.rng, N_SMALLER)
    larger = smaller[:n_common]
    larger += [less_like(person) for person in smaller[n_common : n_common + 30]]
    larger += [namesake(linkage, person) for person in smaller[150:]]
    larger += [married(linkage, person) for person in smaller[:25]]
    linkage.end_round()
    linkage.open_round()
    linkage.upload(smaller, CHILD_WELFARE)
    linkage.upload(larger, SCHOOL)
    linkage.work()
    return str(linkage.run_id())


def rows_of(text: str, caption: str) -> list[tuple[int, str, list[str]]]:
    """Return the lines of a table of figures: how far in, what, and the values."""
    (table,) = re.findall(rf"<caption>{caption}.*?</table>", text, re.DOTALL)
    lines = re.findall(r'<th scope="row" class="depth-(\d)">(.*?)</th>(.*?)</tr>', table)
    return [
        (int(depth), what, re.findall(r'<td class="number">(.*?)</td>', values))
        for depth, what, values in lines
    ]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_numbers_of_a_run_add_up_beside_those_of_the_round_before(
    make_linkage: MakeLinkage, visit_as_auditor: Any
) -> None:
    linkage = make_linkage(policy=POLICY, floor=10)
    upload(linkage, n_common=90)
    run = upload(linkage, n_common=100)
    text = visit_as_auditor(linkage, f"/runs/{run}").text
    rows = rows_of(text, "Pairs;")
    for column in (0, 1):
        found = {what: number(values[column]) for _, what, values in rows}
        possible, apart, met, linked, rest, *reasons = found.values()
        assert possible == apart + met
        assert met == linked + rest
        assert rest == sum(reasons)
        assert len(reasons) == 3
        assert min(reasons) >= 10
    rates = {what: values for _, what, values in rows_of(text, "Rates,")}
    assert rates[f"Link rate: linked, of all records of {CHILD_WELFARE} (the smaller file)"] == [
        "50.0%",
        "45.0%",
    ]
    assert ">Round 1</a>" in text
    (row,) = csv_rows(visit_as_auditor(linkage, f"/runs/{run}.csv"))
    assert [int(row[name]) for name in ("below_review", "better_rival")] == (
        [number(values[0]) for _, _, values in rows[-2:]]
    )


def test_a_page_whose_rest_is_small_shows_neither_it_nor_its_parts(
    finished: Any, visitor: Any
) -> None:
    text = visitor.get(finished.path("/runs/{run}")).text
    shown = {what: values for _, what, values in rows_of(text, "Pairs;")}
    assert shown["Linked"] == ["12"]
    assert shown["Candidate pairs"] == shown["Not linked"] == ["not shown"]
    assert "Round 0" not in text
    assert visitor.get(finished.path("/runs/{run}.json")).json()["not_linked"] == {
        "pairs": None, "below_review": None, "better_rival": None,
    }  # fmt: skip
    assert "Counts under 3" in words(visitor.get(finished.path("/runs/{run}")))
    assert visitor.get(f"/projects/{PROJECT}/runs").status_code == 200
