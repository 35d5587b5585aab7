"""Copies are the same people with mistakes; decoys are nobody."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoding.calibrate.copies import CellCopyist, Copyist, write_date
from encoding.calibrate.decoys import make_decoys
from encoding.calibrate.groups import column_groups
from encoding.encoder.formats import RuleBroken
from encoding.recipe.dates import read_date_format

GROUPS = (("first_name", "sex"), ("last_name",), ("birth_date",))
DONORS = {name: [f"{name}-{n}" for n in range(30)] for group in GROUPS for name in group}


def donor(cell: str) -> str:
    return cell.rpartition("-")[2]


def test_a_decoy_takes_each_group_from_one_of_two_donors() -> None:
    decoys = make_decoys(DONORS, GROUPS, 500, seed=1)
    for row in range(500):
        donors = [{donor(decoys[name][row]) for name in group} for group in GROUPS]
        assert all(len(of_group) == 1 for of_group in donors)
        assert len(set.union(*donors)) == 2


def test_every_two_groups_stay_together_in_a_third_of_the_decoys() -> None:
    decoys = make_decoys(DONORS, GROUPS, 6_000, seed=1)
    for one, other in (
        ("first_name", "last_name"),
        ("first_name", "birth_date"),
        ("last_name", "birth_date"),
    ):
        together = sum(
            donor(a) == donor(b) for a, b in zip(decoys[one], decoys[other], strict=True)
        )
        assert together / 6_000 == pytest.approx(1 / 3, abs=0.03)


def test_the_same_seed_makes_the_same_decoys() -> None:
    assert make_decoys(DONORS, GROUPS, 50, seed=2) == make_decoys(DONORS, GROUPS, 50, seed=2)


def test_columns_of_a_recipe_are_grouped_and_others_stand_alone() -> None:
    assert column_groups(DONORS, has_recipe=True) == GROUPS
    assert column_groups(("a", "b"), has_recipe=False) == (("a",), ("b",))


ROWS = {
    "first_name": ["Maria"] * 4_000,
    "last_name": ["De La Cruz"] * 4_000,
    "birth_date": ["04/09/2011"] * 4_000,
    "middle_name": ["Ana"] * 4_000,
    "sex": ["F"] * 4_000,
}


def test_copies_are_mostly_right_and_every_kind_of_mistake_is_made() -> None:
    copied = Copyist(read_date_format("MM/DD/YYYY"), Random(1)).copy(ROWS)
    changed = {
        name: sum(a != b for a, b in zip(copied[name], cells, strict=True)) / 4_000
        for name, cells in ROWS.items()
    }
    # The rates of the rehearsal data at its middle level, as shares of true pairs.
    assert 0.05 < changed["first_name"] < 0.15
    # Everyone here bears a surname of several words, and such are shortened most often.
    assert 0.15 < changed["last_name"] < 0.35
    assert 0.01 < changed["birth_date"] < 0.06
    assert 0.3 < changed["middle_name"] < 0.4
    assert 0.002 < changed["sex"] < 0.02


def test_copied_dates_are_dates_of_the_format() -> None:
    form = read_date_format("MM/DD/YYYY")
    rows = ROWS | {"birth_date": ["02/29/2012"] * 4_000}
    copied = Copyist(form, Random(2)).copy(rows)["birth_date"]
    assert all(form.parse(cell) for cell in copied)
    assert len(set(copied)) > 3


def test_a_cell_that_is_no_date_is_left_as_it_is() -> None:
    rows = ROWS | {"birth_date": ["unknown"] * 4_000}
    assert set(Copyist(read_date_format("MM/DD/YYYY"), Random(3)).copy(rows)["birth_date"]) == {
        "unknown"
    }


@pytest.mark.parametrize("text", ["MM/DD/YYYY", "YYYYMMDD", "DD-MON-YYYY", "YYYY-MM-DD"])
@given(day=st.dates())
def test_a_written_date_is_read_as_itself(text: str, day) -> None:
    form = read_date_format(text)
    if day.year >= 1000:
        assert form.parse(write_date(day, form)) == day


def test_without_a_recipe_no_mistake_breaks_a_format() -> None:
    def digits(cell: str) -> str:
        if not (len(cell) == 4 and cell.isdigit()):
            raise RuleBroken("four digits")
        return cell

    rows = {"code": [f"{n:04d}" for n in range(2_000)], "name": ["Ana"] * 2_000}
    copied = CellCopyist({"code": digits, "name": str}, Random(1)).copy(rows)
    assert all(digits(cell) for cell in copied["code"])
    assert (
        0.02 < sum(a != b for a, b in zip(copied["code"], rows["code"], strict=True)) / 2_000 < 0.2
    )
    assert "" in copied["name"]
