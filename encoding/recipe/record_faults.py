"""What is wrong with a single record, as far as it makes a match less likely; `findings` judges the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import IntFlag
from typing import Final

from encoding.recipe.spec import RecipeSpec, read_spec
from schemas.linkage.profile import EncodingProfile

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


class Fault(IntFlag):
    """Faults of one record, as bits; the ages are asked of files of children alone."""

    NO_BIRTH_DATE = 1
    DEFAULT_DATE = 2
    TOO_YOUNG = 4
    TOO_OLD = 8
    NO_FIRST_NAME = 16
    NO_LAST_NAME = 32


class RecordFaults:
    """Finds the faults of derived rows; each date of birth is looked at once.

    Args:
        profile: holds the recipe that made the rows.
        as_of: the day that the file describes.
    """

    def __init__(self, profile: EncodingProfile, as_of: date) -> None:
        self._as_of = as_of
        self._has_ages = is_about_children(read_spec(profile.recipe), as_of)
        self._of_birth: dict[str, int] = {}

    def of(self, columns: Mapping[str, Sequence[str]], rows: Sequence[int]) -> list[int]:
        """Return the faults of some derived rows, which are main spellings."""
        births, firsts, lasts = (
            columns.get(name) for name in ("birth_date", "first_name", "surname_1")
        )
        found = [0] * len(rows)
        for at, row in enumerate(rows):
            if births is not None:
                found[at] |= self._birth(births[row])
            if firsts is not None and not firsts[row]:
                found[at] |= Fault.NO_FIRST_NAME
            if lasts is not None and not lasts[row]:
                found[at] |= Fault.NO_LAST_NAME
        return found

    def _birth(self, compact: str) -> int:
        if compact not in self._of_birth:
            self._of_birth[compact] = int(self._faults_of_birth(compact))
        return self._of_birth[compact]

    def _faults_of_birth(self, compact: str) -> Fault:
        if not compact:
            return Fault.NO_BIRTH_DATE
        born = day_of(compact)
        found = Fault.DEFAULT_DATE if (born.month, born.day) == (1, 1) else Fault(0)
        years = age(born, self._as_of)
        if self._has_ages and years < YOUNGEST_PUPIL:
            found |= Fault.TOO_YOUNG
        if self._has_ages and years > OLDEST_CHILD:
            found |= Fault.TOO_OLD
        return found
