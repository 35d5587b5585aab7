"""At which ages people are in files of children."""

from __future__ import annotations

from datetime import date
from typing import Final

from encoding.recipe.spec import RecipeSpec

OLDEST_CHILD: Final = 22
"""Above it the person has aged out of foster care and of school in every state."""

YOUNGEST_PUPIL: Final = 5
"""Below it nearly all children are not yet at school."""

# A recipe that takes no one older is about children.
_ADULT_YEARS: Final = 40


def is_about_children(recipe: RecipeSpec, as_of: date) -> bool:
    """Tell whether a recipe takes nobody who is an adult for long."""
    return recipe.birth_years[0] > as_of.year - _ADULT_YEARS


def age(birth: date, as_of: date) -> int:
    """Return how many birthdays there were; negative for who is not born yet."""
    return as_of.year - birth.year - ((as_of.month, as_of.day) < (birth.month, birth.day))


def day_of(compact: str) -> date:
    """Return the day that a derived column holds as YYYYMMDD."""
    return date(int(compact[:4]), int(compact[4:6]), int(compact[6:]))
