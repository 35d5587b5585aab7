"""The cleaning recipe: the same rules at every agency, hashed into the encoding profile."""

from __future__ import annotations

from encoding.recipe.cleaning import Derived
from encoding.recipe.recipe import INPUTS, Recipe

__all__ = ["INPUTS", "Derived", "Recipe"]
