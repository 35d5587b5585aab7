"""Version 1 of the recipe, whole: rows in, derived columns and variants out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.v1_recipe import derive_row

from encoding.errors import ColumnLengthError, MissingColumnError, RecipeError
from encoding.linkage import load_shipped
from encoding.recipe import Recipe
from encoding.recipe.v1_derived import DERIVED_COLUMNS

SPEC: dict[str, Any] = {**(load_shipped("children").recipe or {}), "columns": list(DERIVED_COLUMNS)}


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.load(SPEC)


def row(**cells: str) -> dict[str, list[str]]:
    whole = {"first_name": "Ruth", "last_name": "Smith", "birth_date": "4/9/2011", **cells}
    return {name: [cell] for name, cell in whole.items()}


def names_of(recipe: Recipe, **cells: str) -> list[tuple[str, str]]:
    derived = recipe.derive(row(**cells), date_format="MM/DD/YYYY")
    return list(zip(derived.columns["first_name"], derived.columns["surname"], strict=True))


def test_row_itself_comes_before_its_variants(recipe: Recipe) -> None:
    assert names_of(recipe, first_name="Mike", last_name="García López", alias_last="Peña") == [
        ("MIKE", "GARCIA LOPEZ"),
        ("MIKE", "PENA"),
        ("MIKE", "GARCIA"),
        ("MIKE", "LOPEZ"),
        ("MICHAEL", "GARCIA LOPEZ"),
        ("MIGUEL", "GARCIA LOPEZ"),
    ]


def test_names_that_look_transposed_get_a_variant(recipe: Recipe) -> None:
    assert names_of(recipe, first_name="Eggleston", last_name="David")[-1] == ("DAVID", "EGGLESTON")


def test_family_name_first_gets_a_variant(recipe: Recipe) -> None:
    assert names_of(recipe, first_name="Nguyen", last_name="Minh Anh")[-1] == ("MINH", "NGUYEN")


def test_ordinary_row_has_no_variant(recipe: Recipe) -> None:
    assert names_of(recipe) == [("RUTH", "SMITH")]


def test_alias_first_name_goes_with_either_surname(recipe: Recipe) -> None:
    found = names_of(recipe, alias_first="Zoe", alias_last="Jones")
    assert set(found) == {("RUTH", "SMITH"), ("ZOE", "SMITH"), ("ZOE", "JONES"), ("RUTH", "JONES")}


def test_variants_stop_at_the_cap() -> None:
    capped = Recipe.load({**SPEC, "variants": {**SPEC["variants"], "cap": 2}})
    assert len(names_of(capped, first_name="Mike", last_name="García López")) == 2


def test_row_of_names_the_input_row_of_each_variant(recipe: Recipe) -> None:
    derived = recipe.derive(
        {"first_name": ["Ruth", "Mo", "Zoe"], "last_name": ["Li", "Reyes Cruz", "Li"],
         "birth_date": ["1/2/2010", "1/2/2010", "bad"]},
        date_format="MM/DD/YYYY",
    )  # fmt: skip
    assert derived.row_of == [0] + [1] * (len(derived.row_of) - 1)


@pytest.mark.parametrize(
    ("cells", "column", "rule"),
    [
        ({"birth_date": "2011-04-09"}, "birth_date", "not a date in the format MM/DD/YYYY"),
        ({"birth_date": ""}, "birth_date", "missing, and required"),
        ({"birth_date": "1/1/2150"}, "birth_date", "a year of birth outside 1995 to 2060"),
        (
            {"first_name": "Baby Boy", "last_name": "UNKNOWN"},
            "last_name",
            "first and last name are both missing",
        ),
        ({"sex": "Q"}, "sex", "not a sex code that the recipe knows"),
    ],
)  # fmt: skip
def test_unusable_row_is_named_without_its_value(
    recipe: Recipe, cells: dict[str, str], column: str, rule: str
) -> None:
    derived = recipe.derive(row(**cells), date_format="MM/DD/YYYY", first_row=17)
    assert [str(problem) for problem in derived.problems] == [f"row 17, column {column}: {rule}"]
    assert not derived.row_of


def test_one_missing_name_is_still_encoded(recipe: Recipe) -> None:
    assert names_of(recipe, last_name="") == [("RUTH", "")]


def test_changed_cells_are_counted(recipe: Recipe) -> None:
    derived = recipe.derive(row(first_name="RUTH", sex="Female"), date_format="MM/DD/YYYY")
    assert derived.change_counts == {"first_name": 0, "last_name": 1, "sex": 1}


def test_missing_required_column_is_refused(recipe: Recipe) -> None:
    with pytest.raises(MissingColumnError, match="birth_date"):
        recipe.derive({"first_name": ["a"], "last_name": ["b"]}, date_format="MM/DD/YYYY")


def test_columns_of_different_lengths_are_refused(recipe: Recipe) -> None:
    with pytest.raises(ColumnLengthError):
        recipe.derive({**row(), "last_name": ["a", "b"]}, date_format="MM/DD/YYYY")


@pytest.mark.parametrize(
    "change",
    [
        {"version": "blindlink-recipe/0"},
        {"tables": "0" * 64},
        {"transliteration": "0" * 64},
        {"columns": ["nothing"]},
        {"columns": []},
        {"birth_years": [2060, 1995]},
        {"variants": {"kinds": ["nothing"], "cap": 8}},
        {"variants": {"kinds": [], "cap": 0}},
        {"salt": "birth-month"},
        {"surplus": 1},
    ],
)
def test_recipe_that_this_program_cannot_follow_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        Recipe.load({**SPEC, **change})


def test_salted_columns_share_no_character_between_years() -> None:
    salted = Recipe.load({**SPEC, "salt": "birth-year"})
    rows = {"first_name": ["Ruth"] * 2, "last_name": ["Smith"] * 2, "sex": ["F"] * 2,
            "birth_date": ["4/9/2011", "4/9/2012"]}  # fmt: skip
    columns = salted.derive(rows, date_format="MM/DD/YYYY").columns
    for column in columns.values():
        assert not set(column[0]) & set(column[1])


def test_salt_keeps_every_character_of_a_year_apart(recipe: Recipe) -> None:
    plain = recipe.derive(row(sex="F", middle_name="Q"), date_format="MM/DD/YYYY").columns
    salted = Recipe.load({**SPEC, "salt": "birth-year"}).derive(
        row(sex="F", middle_name="Q"), date_format="MM/DD/YYYY"
    )
    for name, column in plain.items():
        pairs = set(zip(column[0], salted.columns[name][0], strict=True))
        assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


NAME_PARTS = st.lists(
    st.sampled_from(["José", "García", "de la", "O'Neal", "Mike", "-", "Jr.", "Kim", "NFN", "(Bo)", "David"]),
    max_size=4,
).map(" ".join)  # fmt: skip
ROWS = st.lists(
    st.tuples(
        NAME_PARTS, NAME_PARTS, NAME_PARTS, NAME_PARTS, NAME_PARTS,
        st.sampled_from(["F", "male", "", "X", "Q"]),
        st.sampled_from(["4/9/2011", "12/31/1999", "2/30/2010", "", "1/1/1900"]),
    ),
    max_size=12,
)  # fmt: skip
COLUMNS = (
    "first_name",
    "middle_name",
    "last_name",
    "alias_first",
    "alias_last",
    "sex",
    "birth_date",
)


@settings(max_examples=200)
@given(ROWS)
def test_columns_are_those_of_the_slow_twin(rows: list[tuple[str, ...]]) -> None:
    columns = {name: [cells[i] for cells in rows] for i, name in enumerate(COLUMNS)}
    derived = Recipe.load(SPEC).derive(columns, date_format="MM/DD/YYYY")
    expected = [
        (index, *identity)
        for index, cells in enumerate(rows)
        for identity in derive_row(dict(zip(COLUMNS, cells, strict=True)))
    ]
    names = ("first_name", "surname", "middle_initial", "sex", "birth_date")
    found = list(zip(derived.row_of, *(derived.columns[name] for name in names), strict=True))
    assert found == expected
