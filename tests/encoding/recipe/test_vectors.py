"""The published vectors: what every version on every platform must make of these rows."""

from __future__ import annotations

from vectors.file import read_vectors
from vectors.recipe import derive, number_of, recipe_vectors, refuse, refuse_recipe

from encoding.recipe import Recipe

VECTORS = read_vectors("recipe")


def test_rows_numbers_and_recipes_are_read_or_refused_as_published() -> None:
    assert recipe_vectors() == VECTORS
    recipe = Recipe.load(VECTORS["recipe"])
    for vector in VECTORS["good"]:
        assert derive(recipe, vector["row"]) == vector["derived"], vector["name"]
    for vector in VECTORS["numbers"]:
        assert number_of(vector["kind"], vector["cell"]) == vector["number"], vector
    for vector in VECTORS["bad"]:
        assert refuse(recipe, vector["row"]) == vector["problem"], vector["name"]
    for vector in VECTORS["bad_recipes"]:
        assert refuse_recipe(vector["recipe"]) == vector["problem"], vector["name"]
