"""Writes schemas/vectors/recipe.json: rows, what the recipe makes of them, and what it refuses.

PYTHONPATH=tests:. python -m vectors.recipe
"""

from __future__ import annotations

from typing import Any

from vectors.file import write_vectors

from encoding.errors import RecipeError
from encoding.recipe import Recipe
from encoding.recipe.columns import DERIVED_COLUMNS
from encoding.recipe.tables import load_tables
from encoding.recipe.text import phonetic_digest, transliteration_digest

DATE_FORMAT = "MM/DD/YYYY"
SPEC: dict[str, Any] = {
    "version": "blindlink/recipe/2",
    "tables": load_tables().digest,
    "transliteration": transliteration_digest(),
    "phonetic": phonetic_digest(),
    "birth_years": [1995, 2060],
    "columns": list(DERIVED_COLUMNS),
    "variants": {"kinds": ["alias", "transposed"], "cap": 8},
}
ROW = {"first_name": "Ruth", "last_name": "Smith", "birth_date": "4/9/2011"}
GOOD: dict[str, dict[str, str]] = {
    "plain": {},
    "accents composed": {"first_name": "José", "last_name": "Muñoz"},
    "accents decomposed": {"first_name": "Jose\u0301", "last_name": "Mun\u0303oz"},
    "curly apostrophe": {"last_name": "O\u2019Neal"},
    "head apart": {"last_name": "O Neal"},
    "heads Mc, Mac, D, Fitz": {
        "last_name": "Mc Cabe Mac Donald",
        "alias_last": "D Angelo Fitz Gerald",
    },
    "particle": {"last_name": "de la Cruz"},
    "particle in one word": {"last_name": "Delacruz"},
    "particles in one word": {"last_name": "DELOSREYES-VANDERBERG"},
    "too little left without the particle": {"last_name": "Dela"},
    "particle as a name": {"last_name": "Le"},
    "particle as a last word": {"last_name": "Tran Van"},
    "double surname": {"last_name": "López-García"},
    "double surname in one": {"last_name": "GarciaLopez"},
    "same surname twice": {"last_name": "López Lopez"},
    "three surnames": {"last_name": "Reyes Ana Bueno"},
    "conjunction": {"last_name": "Ortega y Gasset"},
    "conjunction and particle": {"last_name": "Vega y de la Torre"},
    "suffix in the surname": {"last_name": "Smith, Jr."},
    "suffix of its own": {"suffix": "3rd"},
    "title and suffix in the first name": {"first_name": "Mr. John III"},
    "given head": {"first_name": "La Keisha"},
    "initial first": {"first_name": "J Michael"},
    "second given name": {"first_name": "Ruth Ellen"},
    "middle name": {"middle_name": "Ellen"},
    "middle placeholder": {"middle_name": "NMN"},
    "suffix of the last name before that of the first": {
        "first_name": "John Jr",
        "last_name": "Smith III",
    },
    "called": {"first_name": "Robert (Bo)"},
    "called, in typographic quotation marks": {"first_name": "Robert “Bo”"},
    "nickname": {"first_name": "Mike"},
    "nickname of several": {"first_name": "Alex"},
    "nickname that is formal": {"first_name": "Nathan"},
    "alias": {"alias_first": "Zoe", "alias_last": "Jones"},
    "alias last name": {"alias_last": "Jones"},
    "alias that is the same": {"alias_first": "RUTH", "alias_last": "Smith"},
    "alias, own last name missing": {"last_name": "", "alias_last": "Jones"},
    "transposed": {"first_name": "Eggleston", "last_name": "David"},
    "family name first": {"first_name": "Kim", "last_name": "Min Jun"},
    "no surname": {"last_name": "UNKNOWN"},
    "no first name": {"first_name": "Baby Boy A"},
    "Cyrillic": {"first_name": "Ольга", "last_name": "Иванова"},
    "Chinese": {"first_name": "小明", "last_name": "王"},
    "Hangul": {"first_name": "지우", "last_name": "김"},
    "Arabic": {"first_name": "فاطمة", "last_name": "حسن"},
    "Vietnamese": {"first_name": "Đức", "last_name": "Nguyễn"},
    "Turkish capital": {"first_name": "İpek", "last_name": "Yıldız"},
    "ligature and sharp s": {"last_name": "Weiß\ufb01eld"},
    "full width": {"last_name": "\uff33\uff4d\uff49\uff54\uff48"},
    "soundex across h": {"last_name": "Ashcraft"},
    "soundex of a first pair": {"last_name": "Pfister"},
    "sex code": {"sex": "Female"},
    "Ed-Fi descriptor": {"sex": "uri://ed-fi.org/SexDescriptor#Male"},
    "sex unknown": {"sex": "X"},
    "day above 12": {"birth_date": "12/31/2009"},
    "day before month": {"birth_date": "9/4/2011"},
    "leap day": {"birth_date": "02/29/2012"},
    "midnight": {"birth_date": "4/9/2011 0:00"},
    "midnight on a clock of twelve hours": {"birth_date": "4/9/2011 12:00:00 AM"},
    "no date": {"birth_date": ""},
    "placeholder date": {"birth_date": "01/01/1900"},
    "zeros for a date": {"birth_date": "00/00/0000"},
    "word for a date": {"birth_date": "Unknown"},
    "ZIP": {"zip": "00213"},
    "ZIP+4": {"zip": "69541-1234"},
    "ZIP+4 in one": {"zip": "695411234"},
    "ZIP placeholder": {"zip": "99999"},
    "ZIP placeholder with four more": {"zip": "12345-6789"},
    "ZIP too short": {"zip": "2139"},
    "ZIP of letters": {"zip": "K1A 0B1"},
}
NUMBERS: dict[str, list[str]] = {
    "student-id": [
        "0072345678",
        "72-345 678",
        "72345678.0",
        "7234",
        "ca-0012345x",
        "99999999",
        "123456789",
        "1.23457E+09",
        "UNKNOWN",
        "７２３４５６７８",
    ],
    "case-number": ["2019/004711", "A0017", "00017", "see 4711"],
    "ssn": [
        "219-12-3456",
        "19123456",
        "1917345",
        "191234",
        "000-12-3456",
        "666-12-3456",
        "912-71-3456",
        "219-00-3456",
        "219-12-0000",
        "078-05-1120",
        "333-33-3333",
        "2191234567",
    ],
}
BAD: dict[str, dict[str, str]] = {
    "other format": {"birth_date": "2011-04-09"},
    "no such day": {"birth_date": "2/30/2011"},
    "noon after a date": {"birth_date": "4/9/2011 12:00:00 PM"},
    "two-digit year": {"birth_date": "4/9/11"},
    "digits of another script": {"birth_date": "٤/٩/٢٠١١"},
    "year out of range": {"birth_date": "1/1/2150"},
    "no name": {"first_name": "NFN", "last_name": "Doe"},
    "no name but an alias": {"first_name": "", "last_name": "", "alias_last": "Jones"},
    "unknown sex code": {"sex": "Q"},
}
BAD_RECIPES: dict[str, dict[str, Any]] = {
    "other word lists": {"tables": "0" * 64},
    "other transliteration": {"transliteration": "0" * 64},
    "other phonetic codes": {"phonetic": "0" * 64},
    "column of another version": {"columns": ["first_name", "surname"]},
    "kind of another version": {"variants": {"kinds": ["alias", "nicknames"], "cap": 8}},
    "salt of another version": {"salt": "none"},
    "version to come": {"version": "blindlink/recipe/3"},
    "a number without its column": {"number": "ssn"},
    "the column of a number that is not named": {"columns": [*DERIVED_COLUMNS, "number"]},
    "a kind of number that is not known": {
        "columns": [*DERIVED_COLUMNS, "number"],
        "number": "passport",
    },
}


def recipe_vectors() -> dict[str, Any]:
    """Return the vectors as this program makes them."""
    recipe = Recipe.load(SPEC)
    bad_recipes = {name: SPEC | change for name, change in BAD_RECIPES.items()}
    return {
        "spec": "recipe",
        "recipe": SPEC,
        "date_format": DATE_FORMAT,
        "good": [
            {"name": name, "row": ROW | cells, "derived": derive(recipe, ROW | cells)}
            for name, cells in GOOD.items()
        ],
        "numbers": [
            {"kind": kind, "cell": cell, "number": number_of(kind, cell)}
            for kind, cells in NUMBERS.items()
            for cell in cells
        ],
        "bad": [
            {"name": name, "row": ROW | cells, "problem": refuse(recipe, ROW | cells)}
            for name, cells in BAD.items()
        ],
        "bad_recipes": [
            {"name": name, "recipe": spec, "problem": refuse_recipe(spec)}
            for name, spec in bad_recipes.items()
        ],
    }


def derive(recipe: Recipe, cells: dict[str, str]) -> list[dict[str, str]]:
    """Return the derived columns of one row, one object a spelling."""
    columns = {name: [cell] for name, cell in cells.items()}
    derived = recipe.derive(columns, date_format=DATE_FORMAT).columns
    return [
        dict(zip(derived, values, strict=True)) for values in zip(*derived.values(), strict=True)
    ]


def number_of(kind: str, cell: str) -> str:
    """Return what a cell becomes as a known number."""
    recipe = Recipe.load(SPEC | {"columns": ["number"], "number": kind})
    columns = {name: [one] for name, one in (ROW | {kind.replace("-", "_"): cell}).items()}
    return recipe.derive(columns, date_format=DATE_FORMAT).columns["number"][0]


def refuse(recipe: Recipe, cells: dict[str, str]) -> str:
    """Return what is said about a row that cannot be encoded."""
    columns = {name: [cell] for name, cell in cells.items()}
    (problem,) = recipe.derive(columns, date_format=DATE_FORMAT).problems
    return str(problem)


def refuse_recipe(spec: dict[str, Any]) -> str:
    """Return what is said about a recipe that cannot be followed."""
    try:
        Recipe.load(spec)
    except RecipeError as exc:
        return str(exc)
    raise AssertionError("the recipe was not refused")


if __name__ == "__main__":
    write_vectors("recipe", recipe_vectors())
