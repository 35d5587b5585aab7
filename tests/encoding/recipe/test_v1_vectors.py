"""The published vectors of version 1: what every version on every platform must make of these rows."""

from __future__ import annotations

from typing import Any

import pytest
from oracles.vector_file import read_vectors
from oracles.write_v1_recipe_vectors import derive, refuse

from encoding.recipe import Recipe

VECTORS = read_vectors("recipe-v1")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.load(VECTORS["recipe"])


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda vector: vector["name"])
def test_good_row_is_derived_as_published(recipe: Recipe, vector: dict[str, Any]) -> None:
    assert derive(recipe, vector["row"]) == vector["derived"]


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda vector: vector["name"])
def test_salt_is_as_published(vector: dict[str, Any]) -> None:
    salted = Recipe.load({**VECTORS["recipe"], "salt": "birth-year"})
    assert derive(salted, vector["row"])[0]["sex"] == vector["salted_sex"]


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: vector["name"])
def test_bad_row_is_refused_as_published(recipe: Recipe, vector: dict[str, Any]) -> None:
    assert refuse(recipe, vector["row"]) == vector["problem"]
