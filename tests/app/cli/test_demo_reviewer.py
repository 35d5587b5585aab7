"""How the demo decides as a reviewer does: by what a card shows, and nothing else."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.demo.review import decide, verdict_on
from app.demo.script import SHOWN_COLUMNS

ANA = ("Ana", "Maria", "Ortiz", "", "", "2011-04-09", "F")


def row(ours: tuple[str, ...], theirs: tuple[str, ...]) -> dict[str, str]:
    cells = {f"ours: {name}": value for name, value in zip(SHOWN_COLUMNS, ours, strict=True)}
    return cells | {
        f"theirs: {name}": value for name, value in zip(SHOWN_COLUMNS, theirs, strict=True)
    }


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [
        (ANA, "accept"),
        (("ANNA", "", "ORTIS", "", "", "2011-04-09", "F"), "accept"),
        (("Ana", "", "Ortiz", "", "", "2011-09-04", "F"), "accept"),
        (("Ana", "", "Ortiz", "", "", "", "F"), "reject"),
        (("Ortiz", "", "Ana", "", "", "2011-04-09", "F"), "accept"),
        (("Zoe", "", "Lopez", "Ana", "Ortiz", "2011-04-09", "F"), "accept"),
        (("Ana", "", "Lopez", "", "", "2011-04-09", "F"), "unsure"),
        (("Bo", "", "Ortiz", "", "", "2011-04-09", "F"), "reject"),
        (("Ana", "", "Lopez", "", "", "2009-01-30", "F"), "reject"),
    ],
)
def test_names_and_dates_that_agree_but_for_a_slip_are_one_person(
    theirs: tuple[str, ...], verdict: str
) -> None:
    assert verdict_on(row(ANA, theirs))[0] == verdict
    assert verdict_on(row(theirs, ANA))[0] == verdict


def test_every_pair_of_a_file_is_decided_and_nothing_else_changes(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    given = {"pair": "1-q0", **row(ANA, ANA), "verdict": "", "reason": ""}
    with file.open("w", encoding="utf-8-sig", newline="") as text:
        writer = csv.DictWriter(text, given)
        writer.writeheader()
        writer.writerows([given, given])
    assert decide(file) == 2
    with file.open(encoding="utf-8-sig", newline="") as text:
        found = list(csv.DictReader(text))
    assert found == [given | {"verdict": "accept", "reason": "same-person"}] * 2
