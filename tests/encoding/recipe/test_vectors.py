"""The published vectors: what every version on every platform must make of these rows."""

from __future__ import annotations

from typing import Any

import pytest
from vectors.file import read_vectors
from vectors.recipe import derive, number_of, recipe_vectors, refuse, refuse_recipe

from encoding.recipe import Recipe

VECTORS = read_vectors("recipe")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.load(VECTORS["recipe"])


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda vector: vector["name"])
def test_good_row_is_derived_as_published(recipe: Recipe, vector: dict[str, Any]) -> None:
    assert derive(recipe, vector["row"]) == vector["derived"]


@pytest.mark.parametrize("vector", VECTORS["numbers"], ids=lambda vector: vector["kind"])
def test_number_is_read_as_published(vector: dict[str, Any]) -> None:
    assert number_of(vector["kind"], vector["cell"]) == vector["number"]


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: vector["name"])
def test_bad_row_is_refused_as_published(recipe: Recipe, vector: dict[str, Any]) -> None:
    assert refuse(recipe, vector["row"]) == vector["problem"]


@pytest.mark.parametrize("vector", VECTORS["bad_recipes"], ids=lambda vector: vector["name"])
def test_bad_recipe_is_refused_as_published(vector: dict[str, Any]) -> None:
    assert refuse_recipe(vector["recipe"]) == vector["problem"]


def test_vectors_are_what_their_writer_writes() -> None:
    assert recipe_vectors() == VECTORS
