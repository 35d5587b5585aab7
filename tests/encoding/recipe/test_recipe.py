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


def test_first_two_surnames_stand_in_alphabetical_order_and_a_single_one_twice(
    recipe: Recipe,
) -> None:
    for last_name, expected in (
        ("Smith", ("SMITH", "SMITH", "")),
        ("López García", ("GARCIA", "LOPEZ", "2")),
        ("Garcia-Lopez", ("GARCIA", "LOPEZ", "2")),
        ("García y López Ruiz", ("GARCIA", "LOPEZ", "2")),
        ("López López", ("LOPEZ", "LOPEZ", "")),
    ):
        found = main_spelling(recipe, last_name=last_name)
        names = ("surname_1", "surname_2", "surname_double")
        assert tuple(found[name] for name in names) == expected, last_name


def test_swapped_day_and_month_agree(recipe: Recipe) -> None:
    one = main_spelling(recipe, birth_date="4/9/2011")
    other = main_spelling(recipe, birth_date="9/4/2011")
    assert one["birth_day_month"] == other["birth_day_month"]
    assert one["birth_month"] == other["birth_day"]


def test_nickname_stands_for_one_formal_name(recipe: Recipe) -> None:
    for first, canonical in (
        *(("Mike", "MICHAEL"), ("Ruth", "RUTH"), ("Nate", "NATHAN"), ("Nathan", "NATHAN")),
        ("", ""),
    ):
        found = main_spelling(recipe, first_name=first)
        assert (found["first_name"], found["first_name_canonical"]) == (first.upper(), canonical)
        assert found["first_name_head"] == canonical[:3]


def test_unknown_date_of_birth_is_no_problem_and_a_zip_code_five_digits_or_missing(
    recipe: Recipe,
) -> None:
    for birth_date in ("", "01/01/1900", "Unknown", "00/00/0000", "9/9/9999"):
        derived = derive(recipe, birth_date=birth_date)
        births = [name for name in DERIVED_COLUMNS if name.startswith("birth")]
        assert not derived.problems, birth_date
        assert {derived.columns[name][0] for name in births} == {""}, birth_date
    for raw, zip_code in (
        *(
            ("00213", "00213"),
            (" 69541 ", "69541"),
            ("69541-1234", "69541"),
            ("695411234", "69541"),
        ),
        *(("69541 1234", "69541"), ("69541-", "69541"), ("00000", ""), ("99999", "")),
        *(("99999-9999", ""), ("11111", ""), ("12345", ""), ("2139", ""), ("695412", "")),
        *(("K1A 0B1", ""), ("٦٩٥٤١", ""), ("", "")),
    ):
        derived = derive(recipe, zip=raw)
        assert not derived.problems, raw
        assert (derived.columns["zip"], derived.columns["zip3"]) == ([zip_code], [zip_code[:3]])


def test_aliases_are_the_combinations_of_own_and_other_names(recipe: Recipe) -> None:
    zoe_jones = {"alias_first": "Zoe", "alias_last": "Jones"}
    smith, jones = ("SMITH", "SMITH"), ("JONES", "JONES")
    double = {"last_name": "García López"}
    for cells, aliases in (
        ({}, []),
        ({"first_name": "Mike", **double}, []),
        ({**double, "alias_last": "Lopez-Garcia"}, []),
        (zoe_jones, [("RUTH", *jones), ("ZOE", *smith), ("ZOE", *jones)]),
        # What the child is called, and names that look transposed.
        ({"first_name": "Ruth (Bo)"}, [("BO", *smith)]),
        ({"first_name": "Eggleston", "last_name": "David"}, [("DAVID", "EGGLESTON", "EGGLESTON")]),
        ({"first_name": "Nguyen", "last_name": "Minh Anh"}, [("MINH", "NGUYEN", "NGUYEN")]),
        ({"first_name": "Delacruz", "last_name": "David"}, [("DAVID", "CRUZ", "CRUZ")]),
    ):
        main, *others = names_of(recipe, **cells)
        assert others == aliases, cells
        assert cells or main == ("RUTH", *smith)
    # Spellings stop at the cap, and kinds that are not named make none.
    capped = Recipe.load({**SPEC, "variants": {**SPEC["variants"], "cap": 2}})
    assert len(names_of(capped, **zoe_jones)) == 2
    without = Recipe.load({**SPEC, "variants": {"kinds": ["transposed"], "cap": 8}})
    assert len(names_of(without, **zoe_jones)) == 1


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


def test_unusable_row_is_named_without_its_value_and_one_missing_name_is_still_encoded(
    recipe: Recipe,
) -> None:
    nameless = {"first_name": "Baby Boy", "last_name": "UNKNOWN"}
    for cells, column, rule in (
        ({"birth_date": "2011-04-09"}, "birth_date", "not a date in the format MM/DD/YYYY"),
        ({"birth_date": "1/1/2150"}, "birth_date", "a year of birth outside 1995 to 2060"),
        (nameless, "last_name", "first and last name are both missing"),
        ({"sex": "Q"}, "sex", "not a sex code that the recipe knows"),
    ):
        derived = recipe.derive(row(**cells), date_format=FORMAT, first_row=17)
        said = f"row 17, column {column}: {rule}"
        assert [str(problem) for problem in derived.problems] == [said]
        assert not derived.row_of
    # Problems of one row stand together.
    rows = {"first_name": ["Ann", ""], "last_name": ["Li", ""], "birth_date": ["bad", "bad"]}
    problems = recipe.derive(rows, date_format=FORMAT).problems
    assert [(problem.row, problem.column) for problem in problems] == [
        (1, "birth_date"), (2, "last_name"), (2, "birth_date"),
    ]  # fmt: skip
    assert names_of(recipe, last_name="") == [("RUTH", "", "")]


def test_only_the_columns_that_were_asked_for_are_derived_in_their_order() -> None:
    few = Recipe.load({**SPEC, "columns": ["zip3", "surname_1"]})
    assert list(derive(few, zip="69541").columns.items()) == [
        ("zip3", ["695"]), ("surname_1", ["SMITH"]),
    ]  # fmt: skip


def test_missing_columns_and_columns_of_different_lengths_are_refused(recipe: Recipe) -> None:
    with raises(MissingColumnError, match="birth_date"):
        recipe.derive({"first_name": ["a"], "last_name": ["b"]}, date_format=FORMAT)
    with raises(ColumnLengthError):
        recipe.derive({**row(), "zip": ["a", "b"]}, date_format=FORMAT)


def test_recipe_that_this_program_cannot_follow_is_refused() -> None:
    for change in (
        {"version": "blindlink/recipe/3"},
        {"tables": "0" * 64},
        {"transliteration": "0" * 64},
        {"columns": ["names"]},
        {"columns": []},
        {"birth_years": [2060, 1995]},
        {"variants": {"kinds": ["nicknames"], "cap": 8}},
        {"variants": {"kinds": [], "cap": 0}},
        {"salt": "none"},
    ):
        print(change)
        with pytest.raises(RecipeError):
            Recipe.load({**SPEC, **change})
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
