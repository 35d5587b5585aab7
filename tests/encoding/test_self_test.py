"""The self-test: what it digests, and that a difference is told by its cause."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import rfc8785
from oracles import bsf1
from oracles.bsf1_file import slow_file

import encoding.self_test as self_test_module
from encoding.blocks.keys import CellKeys
from encoding.linkage import SHIPPED, SIZES, shipped_profile
from encoding.recipe import Recipe
from encoding.secret import Secret
from encoding.self_test import compare_self_tests, rules_of, run_self_test
from schemas.profile import EncodingProfile
from schemas.secret_share import SelfTest, StepTest

SECRET = Secret(bytes(range(32)))
PROJECT = "foster-pupils"
PEOPLE = self_test_module._people()
CHILDREN = shipped_profile("children")
STEPS = ("recipe", "rows")
SIDES = ("larger", "smaller")
ZIPS = ("00213", "69541-1234", "698770001", "99999", "2139", "", "Unknown")


def people_of(first_year: int, last_year: int) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {name: [] for name in (*PEOPLE["columns"], "zip")}
    for number, cells in enumerate(PEOPLE["people"]):
        for name, cell in zip(PEOPLE["columns"], cells, strict=True):
            columns[name].append(cell)
        year = first_year + 7 * number % (last_year - first_year + 1)
        columns["day"][-1] += f"/{year}"
        columns["zip"].append(ZIPS[number % 7])
    columns["birth_date"] = columns.pop("day")
    return columns


def slow_people(profile: EncodingProfile) -> tuple[str, list[list[bsf1.Columns]]]:
    """Return the digest of what the recipe makes of the people, and the spellings of each."""
    recipe = Recipe.load(profile.recipe)
    inputs = people_of(*recipe.spec.birth_years)
    derived = recipe.derive(inputs, date_format="MM/DD/YYYY")
    document = {
        "columns": dict(derived.columns),
        "rows": [row - 1 for row in derived.row_of] if min(derived.row_of) else derived.row_of,
        "refused": [[problem.row - 1, problem.column] for problem in derived.problems],
    }
    spellings: dict[int, list[bsf1.Columns]] = {}
    for at, row in enumerate(derived.row_of):
        columns = {name: cells[at] for name, cells in derived.columns.items()}
        spellings.setdefault(row, []).append(columns)
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest(), [*spellings.values()]
