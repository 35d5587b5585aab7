"""The whole recipe: rows in, derived columns and aliases out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.refusals import raises
from twins.recipe import derive_row
from vectors.recipe import SPEC

from encoding.errors import ColumnLengthError, MissingColumnError, RecipeError
from encoding.recipe import INPUTS, Derived, Recipe
from encoding.recipe.columns import DERIVED_COLUMNS
from encoding.recipe.memo import Remembered

FORMAT = "MM/DD/YYYY"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.load(SPEC)


def row(**cells: str) -> dict[str, list[str]]:
    whole = {"first_name": "Ruth", "last_name": "Smith", "birth_date": "4/9/2011", **cells}
    return {name: [cell] for name, cell in whole.items()}


def derive(recipe: Recipe, **cells: str) -> Derived:
    return recipe.derive(row(**cells), date_format=FORMAT)


def main_spelling(recipe: Recipe, **cells: str) -> dict[str, str]:
    return {name: column[0] for name, column in derive(recipe, **cells).columns.items()}


def names_of(recipe: Recipe, **cells: str) -> list[tuple[str, str, str]]:
    columns = derive(recipe, **cells).columns
    names = ("first_name", "surname_1", "surname_2")
    return list(zip(*(columns[name] for name in names), strict=True))


def test_derived_columns_are_those_of_the_design() -> None:
    assert set(DERIVED_COLUMNS) == {
        "first_name", "first_name_canonical", "first_name_head", "first_name_soundex",
        "surname_1", "surname_2", "surname_double", "surname_1_head", "surname_2_head",
        "surname_1_soundex", "surname_2_soundex",
        "birth_date", "birth_year", "birth_month", "birth_day", "birth_day_month",
        "sex", "middle_initial", "zip", "zip3", "suffix",
    }  # fmt: skip


def test_every_column_of_an_ordinary_row(recipe: Recipe) -> None:
    cells = {"first_name": "Mike", "middle_name": "Ray", "last_name": "García López", "suffix": "Jr.",
             "sex": "male", "zip": "69541-1234"}  # fmt: skip
    assert main_spelling(recipe, **cells) == {
        "first_name": "MIKE", "first_name_canonical": "MICHAEL", "first_name_head": "MIC",
        "first_name_soundex": "M240",
        "surname_1": "GARCIA", "surname_2": "LOPEZ", "surname_double": "2",
        "surname_1_head": "GAR", "surname_2_head": "LOP",
        "surname_1_soundex": "G620", "surname_2_soundex": "L120",
        "birth_date": "20110409", "birth_year": "2011", "birth_month": "04", "birth_day": "09",
        "birth_day_month": "0409", "sex": "M", "middle_initial": "R", "zip": "69541", "zip3": "695",
        "suffix": "JR",
    }  # fmt: skip


def test_single_surname_stands_in_both_columns(recipe: Recipe) -> None:
    found = main_spelling(recipe)
    assert (found["surname_1"], found["surname_2"], found["surname_double"]) == (
        "SMITH",
        "SMITH",
        "",
    )


@pytest.mark.parametrize("last_name", ["López García", "Garcia-Lopez", "García y López Ruiz"])
def test_first_two_surnames_stand_in_alphabetical_order(recipe: Recipe, last_name: str) -> None:
    found = main_spelling(recipe, last_name=last_name)
    assert (found["surname_1"], found["surname_2"], found["surname_double"]) == (
        "GARCIA", "LOPEZ", "2",
    )  # fmt: skip


def test_same_surname_twice_is_a_single_one(recipe: Recipe) -> None:
    found = main_spelling(recipe, last_name="López López")
    assert (found["surname_2"], found["surname_double"]) == ("LOPEZ", "")


def test_swapped_day_and_month_agree(recipe: Recipe) -> None:
    one = main_spelling(recipe, birth_date="4/9/2011")
    other = main_spelling(recipe, birth_date="9/4/2011")
    assert one["birth_day_month"] == other["birth_day_month"]
    assert one["birth_month"] == other["birth_day"]


@pytest.mark.parametrize(
    ("first", "canonical"),
    [("Mike", "MICHAEL"), ("Ruth", "RUTH"), ("Nate", "NATHAN"), ("Nathan", "NATHAN"), ("", "")],
)
def test_nickname_stands_for_one_formal_name(recipe: Recipe, first: str, canonical: str) -> None:
    found = main_spelling(recipe, first_name=first)
    assert (found["first_name"], found["first_name_canonical"]) == (first.upper(), canonical)
    assert found["first_name_head"] == canonical[:3]


@pytest.mark.parametrize("birth_date", ["", "01/01/1900", "Unknown", "00/00/0000", "9/9/9999"])
def test_unknown_date_of_birth_is_no_problem(recipe: Recipe, birth_date: str) -> None:
    derived = derive(recipe, birth_date=birth_date)
    assert not derived.problems
    assert {derived.columns[name][0] for name in DERIVED_COLUMNS if name.startswith("birth")} == {
        ""
    }


@pytest.mark.parametrize(
    ("raw", "zip_code"),
    [("00213", "00213"), (" 69541 ", "69541"), ("69541-1234", "69541"), ("695411234", "69541"),
     ("69541 1234", "69541"), ("69541-", "69541"), ("00000", ""), ("99999", ""), ("99999-9999", ""),
     ("11111", ""), ("12345", ""), ("2139", ""), ("695412", ""), ("K1A 0B1", ""), ("٦٩٥٤١", ""), ("", "")],
)  # fmt: skip
def test_zip_code_is_five_digits_or_missing(recipe: Recipe, raw: str, zip_code: str) -> None:
    derived = derive(recipe, zip=raw)
    assert not derived.problems
    assert (derived.columns["zip"], derived.columns["zip3"]) == ([zip_code], [zip_code[:3]])


def test_ordinary_row_has_no_alias(recipe: Recipe) -> None:
    assert names_of(recipe) == [("RUTH", "SMITH", "SMITH")]


def test_nickname_and_double_surname_are_no_aliases(recipe: Recipe) -> None:
    assert len(names_of(recipe, first_name="Mike", last_name="García López")) == 1


def test_aliases_are_the_combinations_of_own_and_other_names(recipe: Recipe) -> None:
    assert names_of(recipe, alias_first="Zoe", alias_last="Jones") == [
        ("RUTH", "SMITH", "SMITH"),
        ("RUTH", "JONES", "JONES"),
        ("ZOE", "SMITH", "SMITH"),
        ("ZOE", "JONES", "JONES"),
    ]


def test_what_the_child_is_called_is_an_alias(recipe: Recipe) -> None:
    assert names_of(recipe, first_name="Ruth (Bo)")[1:] == [("BO", "SMITH", "SMITH")]


def test_alias_that_is_the_same_surname_otherwise_ordered_is_none(recipe: Recipe) -> None:
    assert len(names_of(recipe, last_name="García López", alias_last="Lopez-Garcia")) == 1


@pytest.mark.parametrize(
    ("cells", "alias"),
    [
        ({"first_name": "Eggleston", "last_name": "David"}, ("DAVID", "EGGLESTON", "EGGLESTON")),
        ({"first_name": "Nguyen", "last_name": "Minh Anh"}, ("MINH", "NGUYEN", "NGUYEN")),
        ({"first_name": "Delacruz", "last_name": "David"}, ("DAVID", "CRUZ", "CRUZ")),
    ],
)
def test_names_that_look_transposed_get_an_alias(
    recipe: Recipe, cells: dict[str, str], alias: tuple[str, str, str]
) -> None:
    assert names_of(recipe, **cells)[1:] == [alias]


def test_spellings_stop_at_the_cap() -> None:
    capped = Recipe.load({**SPEC, "variants": {**SPEC["variants"], "cap": 2}})
    assert len(names_of(capped, alias_first="Zoe", alias_last="Jones")) == 2


def test_kinds_that_are_not_named_make_no_alias() -> None:
    without = Recipe.load({**SPEC, "variants": {"kinds": ["transposed"], "cap": 8}})
    assert len(names_of(without, alias_first="Zoe", alias_last="Jones")) == 1


def test_an_alias_differs_in_its_names_alone(recipe: Recipe) -> None:
    columns = derive(recipe, alias_last="Jones", sex="F", zip="69541").columns
    differing = {name for name, cells in columns.items() if len(set(cells)) > 1}
    assert differing == {
        "surname_1", "surname_2", "surname_1_head", "surname_2_head", "surname_1_soundex",
        "surname_2_soundex",
    }  # fmt: skip


def test_row_of_names_the_input_row_of_each_spelling(recipe: Recipe) -> None:
    derived = recipe.derive(
        {"first_name": ["Ruth", "Mo", "Zoe", "Ann"], "last_name": ["Li"] * 4,
         "birth_date": ["1/2/2010", "1/2/2010", "bad", ""], "alias_last": ["", "Cruz", "Cruz", ""]},
        date_format=FORMAT,
    )  # fmt: skip
    assert derived.row_of == [0, 1, 1, 3]
    assert derived.columns["first_name"] == ["RUTH", "MO", "MO", "ANN"]


@pytest.mark.parametrize(
    ("cells", "column", "rule"),
    [
        ({"birth_date": "2011-04-09"}, "birth_date", "not a date in the format MM/DD/YYYY"),
        ({"birth_date": "1/1/2150"}, "birth_date", "a year of birth outside 1995 to 2060"),
        (
            {"first_name": "Baby Boy", "last_name": "UNKNOWN"},
            "last_name",
            "first and last name are both missing",
        ),
        ({"sex": "Q"}, "sex", "not a sex code that the recipe knows"),
    ],
)
def test_unusable_row_is_named_without_its_value(
    recipe: Recipe, cells: dict[str, str], column: str, rule: str
) -> None:
    derived = recipe.derive(row(**cells), date_format=FORMAT, first_row=17)
    assert [str(problem) for problem in derived.problems] == [f"row 17, column {column}: {rule}"]
    assert not derived.row_of


def test_problems_of_one_row_stand_together(recipe: Recipe) -> None:
    rows = {"first_name": ["Ann", ""], "last_name": ["Li", ""], "birth_date": ["bad", "bad"]}
    problems = recipe.derive(rows, date_format=FORMAT).problems
    assert [(problem.row, problem.column) for problem in problems] == [
        (1, "birth_date"), (2, "last_name"), (2, "birth_date"),
    ]  # fmt: skip


def test_one_missing_name_is_still_encoded(recipe: Recipe) -> None:
    assert names_of(recipe, last_name="") == [("RUTH", "", "")]


def test_only_the_columns_that_were_asked_for_are_derived_in_their_order() -> None:
    few = Recipe.load({**SPEC, "columns": ["zip3", "surname_1"]})
    assert list(derive(few, zip="69541").columns.items()) == [
        ("zip3", ["695"]), ("surname_1", ["SMITH"]),
    ]  # fmt: skip


def test_missing_required_column_is_refused(recipe: Recipe) -> None:
    with raises(MissingColumnError, match="birth_date"):
        recipe.derive({"first_name": ["a"], "last_name": ["b"]}, date_format=FORMAT)


def test_columns_of_different_lengths_are_refused(recipe: Recipe) -> None:
    with raises(ColumnLengthError):
        recipe.derive({**row(), "zip": ["a", "b"]}, date_format=FORMAT)


@pytest.mark.parametrize(
    "change",
    [
        {"version": "blindlink/recipe/3"},
        {"tables": "0" * 64},
        {"transliteration": "0" * 64},
        {"phonetic": "0" * 64},
        {"columns": ["names"]},
        {"columns": []},
        {"birth_years": [2060, 1995]},
        {"variants": {"kinds": ["nicknames"], "cap": 8}},
        {"variants": {"kinds": [], "cap": 0}},
        {"salt": "none"},
    ],
)
def test_recipe_that_this_program_cannot_follow_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        Recipe.load({**SPEC, **change})


def test_other_phonetic_codes_are_refused_in_a_plain_sentence() -> None:
    with pytest.raises(RecipeError, match="other phonetic codes than this machine") as refused:
        Recipe.load({**SPEC, "phonetic": "0" * 64})
    assert "jellyfish" in (refused.value.hint or "")


def test_nothing_is_remembered_after_clear(recipe: Recipe) -> None:
    derive(recipe, alias_last="Jones", zip="69541", sex="F", suffix="Jr", middle_name="Ellen")
    assert sum(map(len, remembered(recipe))) > 10
    recipe.clear()
    assert not any(remembered(recipe))


def remembered(owner: object) -> list[Remembered[Any, Any]]:
    """Return the caches that an object and its parts hold."""
    found: list[Remembered[Any, Any]] = []
    for part in vars(owner).values():
        if isinstance(part, Remembered):
            found.append(part)
        elif isinstance(part, dict):
            found += [one for one in part.values() if isinstance(one, Remembered)]
        elif hasattr(part, "clear"):
            found += remembered(part)
    return found


NAME_PARTS = st.lists(
    st.sampled_from(
        ["José", "García", "de la", "Delacruz", "O'Neal", "Mc", "O", "y", "Mike", "-", "Jr.", "Kim", "NFN",
         "(Bo)", '"Zoe"', "“Mo”", "”", "（Li）", "David", "Mr.", "La", "J", "Baby", "Boy", "Van", "3rd",
         "Test2"]
    ),
    max_size=4,
).map(" ".join)  # fmt: skip
CELLS = {
    "first_name": NAME_PARTS,
    "middle_name": st.sampled_from(["", "Ellen", "NMN", "q"]),
    "last_name": NAME_PARTS,
    "suffix": st.sampled_from(["", "Jr", "3RD", "Esq"]),
    "birth_date": st.sampled_from(
        ["4/9/2011", "12/31/2009", "2/30/2011", "1/1/1900", "", "Unknown", "00/00/0000", "1/1/2150", "soon"]
    ),
    "sex": st.sampled_from(["F", "male", "X", "", "Q"]),
    "zip": st.sampled_from(["", "00213", "69541-1234", "99999", "2139", "69541 ", "none"]),
    "alias_first": NAME_PARTS,
    "alias_last": NAME_PARTS,
}  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.tuples(*CELLS.values()), min_size=1, max_size=4))
def test_columns_are_those_of_the_slow_twin(rows: list[tuple[str, ...]]) -> None:
    columns = {name: [cells[i] for cells in rows] for i, name in enumerate(CELLS)}
    derived = Recipe.load(SPEC).derive(columns, date_format=FORMAT)
    expected = [
        (index, spelling)
        for index, cells in enumerate(rows)
        for spelling in derive_row(dict(zip(CELLS, cells, strict=True)))
    ]
    found = [
        (row_of, dict(zip(derived.columns, values, strict=True)))
        for row_of, *values in zip(derived.row_of, *derived.columns.values(), strict=True)
    ]
    assert found == expected
    assert set(CELLS) == set(INPUTS)
