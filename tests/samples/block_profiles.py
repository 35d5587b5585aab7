"""A profile of blocks to test with: as children will have it, or small; and columns of invented people."""

from __future__ import annotations

import json
from typing import Any

from schemas.linkage.profile import EncodingProfile

Columns = dict[str, str]


def feature(column: str, n: int = 2, draws: int = 44, **changes: Any) -> dict[str, Any]:
    """Return the linkage feature of a filter lane."""
    return {
        "identifier": column,
        "format": {"type": "string", "encoding": "utf-8", "case": "mixed"},
        "hashing": {
            "comparison": {"type": "ngram", "n": n, "positional": False},
            "strategy": {"bitsPerFeature": draws},
            "hash": {"type": "blakeHash"},
            **changes,
        },
    }


def filter_of(column: str, n: int = 2, draws: int = 44, **changes: Any) -> dict[str, Any]:
    """Return a filter lane as JSON values."""
    linkage = json.dumps(feature(column, n, draws, **changes), separators=(",", ":"))
    return {"column": column, "kind": "filter", "linkage": linkage}


def tag_of(column: str) -> dict[str, Any]:
    """Return a tag lane as JSON values."""
    return {"column": column, "kind": "tag", "linkage": None}


def field(name: str, lanes: list[dict[str, Any]], twins: int = 0) -> dict[str, Any]:
    """Return a field of which the first lane decides."""
    same = {"name": "same", "any_of": [[{"lane": lanes[0]["column"], "within": 0}]]}
    return {
        "name": name,
        "lanes": lanes,
        "levels": [
            {**same, "m": 900_000, "u": 10_000_000},
            {"name": "other", "any_of": [], "m": 100_000, "u": 990_000_000},
        ],
        "twins": twins,
        "memory": None,
    }


FIELDS = [
    field("first-name", [filter_of("first_name"), tag_of("first_name_canonical")]),
    field(
        "surname",
        [filter_of("surname_1"), filter_of("surname_2"), tag_of("surname_double")],
        twins=900,
    ),
    field(
        "birth-date",
        [tag_of(f"birth_{part}") for part in ("year", "month", "day", "day_month")],
        twins=950,
    ),
    field("sex", [tag_of("sex")]),
    field("middle-initial", [tag_of("middle_initial")]),
    field("zip", [tag_of("zip"), tag_of("zip3")], twins=900),
]
PASSES = [
    {
        "name": "any-head",
        "keys": [
            [["birth_date"], [head], ["sex"]]
            for head in ("first_name_head", "surname_1_head", "surname_2_head")
        ],
    },
    {
        "name": "sounds",
        "keys": [
            [["first_name_soundex", sound], ["birth_day_month"]]
            for sound in ("surname_1_soundex", "surname_2_soundex")
        ],
    },
    {
        "name": "names-year",
        "keys": [[["first_name", name], ["birth_year"]] for name in ("surname_1", "surname_2")],
    },
]
PROFILE: dict[str, Any] = {
    "version": "blindlink/encoding-profile/2",
    "name": "children",
    "recipe": {},
    "fields": FIELDS,
    "passes": PASSES,
    "alias_keys": {"larger": 2, "smaller": 4},
    "block_cap": 4,
    "strength": 300,
    "twin_strength": 30,
    "twins_per_million": 5_000,
    "dependence": {
        "levels": [
            {"field": "first-name", "levels": ["same"]},
            {"field": "surname", "levels": ["same"]},
        ],
        "published": 900,
    },
}
# What a profile may say besides: further spellings.
FURTHER: dict[str, Any] = {
    "either": {"column": "sex", "values": ["F", "M"]},
    "exchange": [
        [f"first_name{form}", f"surname_1{form}", f"surname_2{form}"]
        for form in ("", "_head", "_soundex")
    ],
}


def block_profile(**changes: Any) -> EncodingProfile:
    """Return the profile with some members changed."""
    return EncodingProfile.from_json({**PROFILE, **changes})


def spelling(
    first: str = "ROSA",
    surnames: tuple[str, ...] = ("GARCIA",),
    date: str = "20110412",
    sex: str = "F",
    middle: str = "",
    zip_code: str = "94110",
) -> Columns:
    """Return the derived columns of one spelling; a single surname stands in both places."""
    pair = tuple(sorted((surnames * 2)[:2])) or ("", "")
    year, month, day = date[:4], date[4:6], date[6:]
    columns = {
        "first_name": first,
        "first_name_canonical": first,
        "first_name_head": first[:3],
        "first_name_soundex": _sound(first),
        "surname_double": "2" if len(set(pair)) == 2 else "",
        "birth_date": date,
        "birth_year": year,
        "birth_month": month,
        "birth_day": day,
        "birth_day_month": "".join(sorted((month, day))),
        "sex": sex,
        "middle_initial": middle,
        "zip": zip_code,
        "zip3": zip_code[:3],
    }
    for place, surname in enumerate(pair, 1):
        columns[f"surname_{place}"] = surname
        columns[f"surname_{place}_head"] = surname[:3]
        columns[f"surname_{place}_soundex"] = _sound(surname)
    return columns


def _sound(name: str) -> str:
    # As coarse as a sound: the first letter and the consonants after it.
    return name[:1] + "".join(letter for letter in name[1:] if letter not in "AEIOUHWY")[:3]


def by_column(rows: list[Columns]) -> dict[str, list[str]]:
    """Return spellings as lists of one value a row."""
    return {column: [row[column] for row in rows] for column in (rows[0] if rows else spelling())}
