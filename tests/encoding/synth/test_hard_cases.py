"""The file of named traps."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from encoding.profiles.catalog import shipped_profile
from encoding.recipe import Recipe
from encoding.synth import CHILD_WELFARE_LAYOUT, RehearsalFiles, write_hard_cases

Rows = Sequence[Mapping[str, str]]
N_EACH = 3


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> RehearsalFiles:
    return write_hard_cases(tmp_path_factory.mktemp("hard"), seed=3, n_each=N_EACH)


def rows(path: Path, text_encoding: str = "utf-8") -> Rows:
    with path.open(encoding=text_encoding, newline="") as file:
        return list(csv.DictReader(file))


def test_every_case_occurs_the_same_number_of_times(files: RehearsalFiles) -> None:
    cases = Counter(row["discrepancies"] for row in rows(files.truth))
    traps = Counter(row["relation"] for row in rows(files.look_alikes))
    assert set(cases.values()) == set(traps.values()) == {N_EACH}
    assert {"twin-alike-name", "twin-same-sex", "sibling", "cousin-same-name-and-year"} <= set(
        traps
    )
    assert {"double-surname-first-part", "apostrophe", "mononym", "born-29-february"} <= set(cases)


def test_traps_differ_from_the_person(files: RehearsalFiles) -> None:
    clients = {row["client_id"]: row for row in rows(files.child_welfare, "cp1252")}
    students = {row["state_student_id"]: row for row in rows(files.k12)}
    for trap in rows(files.look_alikes):
        client, student = clients[trap["client_id"]], students[trap["state_student_id"]]
        month, day, year = client["birth_date"].split("/")
        born = f"{year}-{int(month):02d}-{int(day):02d}"
        same = (
            client["first_name"].upper() == student["first_name"].upper()
            and born == student["birthdate"]
        )
        assert not same or trap["relation"] in ("namesake", "same-first-name-and-birth")


def test_rows_nobody_can_encode_are_reported(files: RehearsalFiles) -> None:
    clients = rows(files.child_welfare, "cp1252")
    columns = {
        name: [row[header] for row in clients]
        for name, header in CHILD_WELFARE_LAYOUT.inputs.items()
    }
    recipe = Recipe.load(shipped_profile("children").recipe)
    problems = recipe.derive(columns, date_format="MM/DD/YYYY").problems
    assert Counter(problem.column for problem in problems) == {"last_name": 2, "birth_date": 1}
    true_or_trap = {
        row["client_id"] for path in (files.truth, files.look_alikes) for row in rows(path)
    }
    assert not true_or_trap & {clients[problem.row - 1]["client_id"] for problem in problems}


def test_same_seed_writes_the_same_cases(tmp_path: Path, files: RehearsalFiles) -> None:
    again = write_hard_cases(tmp_path, seed=3, n_each=N_EACH)
    assert again.k12.read_bytes() == files.k12.read_bytes()
    assert again.child_welfare.read_bytes() == files.child_welfare.read_bytes()
