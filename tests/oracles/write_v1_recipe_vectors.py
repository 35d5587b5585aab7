"""Writes schemas/vectors/recipe-v1.json: rows, what the recipe makes of them, and rows that it refuses.

PYTHONPATH=tests:. python -m oracles.write_v1_recipe_vectors
"""

from __future__ import annotations

from typing import Any

from oracles.vector_file import write_vectors

from encoding.linkage import load_shipped
from encoding.recipe import Recipe
from encoding.recipe.v1_derived import DERIVED_COLUMNS

DATE_FORMAT = "MM/DD/YYYY"
ROW = {"first_name": "Ruth", "last_name": "Smith", "birth_date": "4/9/2011"}
GOOD: dict[str, dict[str, str]] = {
    "plain": {},
    "accents composed": {"first_name": "José", "last_name": "Muñoz"},
    "accents decomposed": {"first_name": "Jose\u0301", "last_name": "Mun\u0303oz"},
    "curly apostrophe": {"last_name": "O\u2019Neal"},
    "particle": {"last_name": "de la Cruz"},
    "double surname": {"last_name": "García-López"},
    "conjunction": {"last_name": "Ortega y Gasset"},
    "suffix in the surname": {"last_name": "Smith, Jr."},
    "title and suffix in the first name": {"first_name": "Mr. John III"},
    "given head": {"first_name": "La Keisha"},
    "initial first": {"first_name": "J Michael"},
    "second given name": {"first_name": "Ruth Ellen"},
    "middle name": {"middle_name": "Ellen"},
    "middle placeholder": {"middle_name": "NMN"},
    "called": {"first_name": "Robert (Bo)"},
    "nickname": {"first_name": "Mike"},
    "alias": {"alias_first": "Zoe", "alias_last": "Jones"},
    "transposed": {"first_name": "Eggleston", "last_name": "David"},
    "family name first": {"first_name": "Kim", "last_name": "Min Jun"},
    "no surname": {"last_name": "UNKNOWN"},
    "baby": {"first_name": "Baby Boy A"},
    "Cyrillic": {"first_name": "Ольга", "last_name": "Иванова"},
    "Chinese": {"first_name": "小明", "last_name": "王"},
    "Hangul": {"first_name": "지우", "last_name": "김"},
    "Arabic": {"first_name": "فاطمة", "last_name": "حسن"},
    "Vietnamese": {"first_name": "Đức", "last_name": "Nguyễn"},
    "Turkish capital": {"first_name": "İpek", "last_name": "Yıldız"},
    "ligature and sharp s": {"last_name": "Weiß\ufb01eld"},
    "full width": {"last_name": "\uff33\uff4d\uff49\uff54\uff48"},
    "sex code": {"sex": "Female"},
    "Ed-Fi descriptor": {"sex": "uri://ed-fi.org/SexDescriptor#Male"},
    "sex unknown": {"sex": "X"},
    "day above 12": {"birth_date": "12/31/2009"},
    "leap day": {"birth_date": "02/29/2012"},
    "midnight": {"birth_date": "4/9/2011 0:00"},
}
BAD: dict[str, dict[str, str]] = {
    "other format": {"birth_date": "2011-04-09"},
    "no such day": {"birth_date": "2/30/2011"},
    "two-digit year": {"birth_date": "4/9/11"},
    "digits of another script": {"birth_date": "٤/٩/٢٠١١"},
    "no date": {"birth_date": ""},
    "placeholder date": {"birth_date": "01/01/1900"},
    "year out of range": {"birth_date": "1/1/2150"},
    "no name": {"first_name": "NFN", "last_name": "Doe"},
    "unknown sex code": {"sex": "Q"},
}


def recipe_vectors() -> dict[str, Any]:
    """Return the vectors as this program makes them."""
    spec = {**(load_shipped("children").recipe or {}), "columns": list(DERIVED_COLUMNS)}
    recipe = Recipe.load(spec)
    salted = Recipe.load({**spec, "salt": "birth-year"})
    return {
        "spec": "recipe",
        "recipe": spec,
        "date_format": DATE_FORMAT,
        "good": [
            {"name": name, "row": {**ROW, **cells}, "derived": derive(recipe, cells),
             "salted_sex": derive(salted, cells)[0]["sex"]}
            for name, cells in GOOD.items()
        ],
        "bad": [
            {"name": name, "row": {**ROW, **cells}, "problem": refuse(recipe, cells)}
            for name, cells in BAD.items()
        ],
    }  # fmt: skip


def derive(recipe: Recipe, cells: dict[str, str]) -> list[dict[str, str]]:
    """Return the derived columns of one row, one object a variant."""
    columns = {name: [cell] for name, cell in {**ROW, **cells}.items()}
    derived = recipe.derive(columns, date_format=DATE_FORMAT).columns
    return [
        dict(zip(derived, values, strict=True)) for values in zip(*derived.values(), strict=True)
    ]


def refuse(recipe: Recipe, cells: dict[str, str]) -> str:
    """Return what is said about a row that cannot be encoded."""
    columns = {name: [cell] for name, cell in {**ROW, **cells}.items()}
    (problem,) = recipe.derive(columns, date_format=DATE_FORMAT).problems
    return str(problem)


if __name__ == "__main__":
    write_vectors("recipe-v1", recipe_vectors())
