"""Encoding profiles for tests of the matching of rows: one like the children's, and random ones."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from schemas.linkage.fields import MEMORY_COLUMNS, MILLION, Memory
from schemas.linkage.link_quality import TELLING_FIELDS
from schemas.linkage.profile import EncodingProfile

BILLION = 10**9


def block_profile(**changed: Any) -> EncodingProfile:
    """Return a profile of names, birth date and sex with every kind of lane and level."""
    first = [
        ("exact", [[("first_name", 0)]], 880_000, 4_000_000),
        ("nickname", [[("first_name_canonical", 0)]], 40_000, 1_500_000),
        ("near-17", [[("first_name", 17)]], 30_000, 10_000_000),
        ("far", [], 50_000, 984_500_000),
    ]
    both = [("surname_1", 0), ("surname_2", 0)]
    surname = [
        ("both", [both], 860_000, 3_000_000),
        ("part", [both[:1], both[1:]], 60_000, 3_500_000),
        ("near-22", [[("surname_1", 22)], [("surname_2", 22)]], 30_000, 20_000_000),
        ("far", [], 50_000, 973_500_000),
    ]
    date = [
        ("exact", [[("birth_year", 0), ("birth_day_month", 0)]], 975_000, 200_000),
        ("year", [[("birth_year", 0)]], 15_000, 65_000_000),
        ("none", [], 10_000, 934_800_000),
    ]
    sex = [("same", [[("sex", 0)]], 993_000, 500_000_000), ("other", [], 7_000, 500_000_000)]
    fields = [
        _field("first-name", 1, ["first_name", "first_name_canonical"], first, twins=0),
        _field("surname", 2, ["surname_1", "surname_2"], surname, twins=900),
        _field("birth-date", 0, ["birth_year", "birth_day_month"], date, twins=950),
        _field("sex", 0, ["sex"], sex, twins=0),
    ]
    key = [["first_name_canonical"], ["birth_day_month"]]
    return EncodingProfile.from_json(
        _document(fields, [key, [["surname_1"], ["birth_year"]]]) | changed
    )


def random_profile(random: Random) -> EncodingProfile:
    """Return a profile of some random fields and levels, with or without dependence."""
    fields = []
    for number in range(random.randint(1, 3)):
        columns = [f"column_{number}_{lane}" for lane in range(random.randint(1, 3))]
        filters = random.randint(0, min(1, len(columns)))
        names = [*(f"level-{at}" for at in range(random.randint(1, 3))), "last"]
        m, u = _shares(random, len(names), MILLION), _shares(random, len(names), BILLION)
        rules: list[Any] = [
            [
                [
                    (column, random.choice([0, 0, 3, 20]) if column in columns[:filters] else 0)
                    for column in random.sample(columns, k)
                ]
                for k in [random.randint(1, len(columns)) for _ in range(random.randint(1, 2))]
            ]
            for _ in names[:-1]
        ]
        levels = list(zip(names, [*rules, []], m, u, strict=True))
        name = random.choice([f"field-{number}", TELLING_FIELDS[number]])
        fields.append(_field(name, filters, columns, levels, random.randint(0, 1000)))
    n_counted = len(fields)
    for memory in random.sample(list(MEMORY_COLUMNS), random.randint(0, 2)):
        fields.append(memory_field(memory))
    if random.random() < 0.6:
        others = random.sample(fields[:n_counted], random.randint(1, n_counted))
        named = {one["name"]: [random.choice(one["levels"])["name"]] for one in others}
        fields.append(number_field(named))
    changed: dict[str, Any] = {"strength": random.choice([1, 300, 10_000])}
    if len(fields) > 1 and random.random() < 0.7:
        reached = [
            {"field": one["name"], "levels": [level["name"] for level in one["levels"][:k]]}
            for one, k in zip(fields[:2], [1, random.randint(1, 2)], strict=True)
        ]
        changed["dependence"] = {"levels": reached, "published": random.randint(0, 3000)}
    return EncodingProfile.from_json(_document(fields, [[["column_0_0"]]]) | changed)


def memory_field(memory: Memory) -> dict[str, Any]:
    """Return a field of what agencies remember."""
    columns = list(MEMORY_COLUMNS[memory])
    any_of = [[(column, 0)] for column in columns]
    same: list[Any] = [[one for (one,) in any_of]] if memory == "linked-before" else any_of
    m, u = (500_000, 4) if memory == "linked-before" else (1, 1_000_000)
    levels = [("same", same, m, u), ("other", [], MILLION - m, BILLION - u)]
    return _field(memory, 0, columns, levels, twins=0, memory=memory)


def number_field(contradicted_by: dict[str, list[str]]) -> dict[str, Any]:
    """Return a known number that levels of other fields contradict."""
    levels = [("same", [[("number", 0)]], 990_000, 15_259), ("other", [], 10_000, BILLION - 15_259)]
    number = _field("number", 0, ["number"], levels, twins=0)
    named = [{"field": name, "levels": levels} for name, levels in contradicted_by.items()]
    return number | {"contradicted_by": named}


def _document(fields: list[dict[str, Any]], keys: list[list[list[str]]]) -> dict[str, Any]:
    return {
        "version": "blindlink/encoding-profile/2",
        "name": "of-tests",
        "recipe": {},
        "fields": fields,
        "passes": [{"name": f"pass-{at}", "keys": [key]} for at, key in enumerate(keys)],
        "alias_keys": {"larger": 1, "smaller": 1},
        "block_cap": 2,
        "strength": 300,
        "twin_strength": 30,
        "twins_per_million": 5000,
        "dependence": None,
    }


def _field(
    name: str,
    n_filters: int,
    columns: list[str],
    levels: list[Any],
    twins: int,
    memory: Memory | None = None,
) -> dict[str, Any]:
    lanes = [
        {"column": column, "kind": "filter", "linkage": _feature(column)}
        if at < n_filters
        else {"column": column, "kind": "tag", "linkage": None}
        for at, column in enumerate(columns)
    ]
    written = [
        {
            "name": level,
            "any_of": [[{"lane": lane, "within": bits} for lane, bits in one] for one in any_of],
            "m": m,
            "u": u,
        }
        for level, any_of, m, u in levels
    ]
    return {"name": name, "lanes": lanes, "levels": written, "twins": twins, "memory": memory}


def _feature(column: str) -> str:
    hashing = {
        "comparison": {"type": "ngram", "n": 2, "positional": False},
        "strategy": {"bitsPerFeature": 44},
        "hash": {"type": "blakeHash"},
    }
    kind = {"type": "string", "encoding": "utf-8", "case": "mixed"}
    return json.dumps({"identifier": column, "format": kind, "hashing": hashing})


def _shares(random: Random, n: int, whole: int) -> list[int]:
    cuts = sorted(random.sample(range(1, whole), n - 1))
    return [after - before for before, after in zip([0, *cuts], [*cuts, whole], strict=True)]
