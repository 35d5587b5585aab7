"""The date format of a column, told by its cells, and whether day and month can be told apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from encoding.recipe.dates import OR, DateFormat, read_date_format, shape_of

# Of formats that read the same cells the first one is taken: month before day, as in the United States.
FORMATS: Final = tuple(
    read_date_format(text)
    for text in (
        "YYYY-MM-DD", "MM/DD/YYYY", "DD/MM/YYYY", "YYYYMMDD", "YYYY/MM/DD", "MM-DD-YYYY", "DD-MM-YYYY",
        "DD.MM.YYYY", "MM.DD.YYYY", "YYYY.MM.DD", "MMDDYYYY", "DDMMYYYY", "DD-MON-YYYY", "DD MON YYYY",
        "DDMONYYYY", "DD/MON/YYYY", "MON DD, YYYY", "MON DD YYYY", "MON-DD-YYYY",
    )
)  # fmt: skip
_FIRST_YEAR: Final = 1875
_YEAR_DIGITS: Final = 4
# A further format has to be that of so many cells, and of so large a part: a few are mistakes.
_FEWEST_CELLS, _LEAST_PART = 2, 0.005
_YEAR: Final = re.compile("[0-9]{4}")


@dataclass(frozen=True, slots=True)
class DateGuess:
    """A date format, and how sure it is.

    Attributes:
        format: the one that reads most cells, and others that read some of the rest, as people write them.
        other: the same with day and month in each other's place, where that reads as many; None: there is none.
        n_read: cells that it reads.
        n_filled: cells that are not empty.
    """

    format: str
    other: str | None
    n_read: int
    n_filled: int

    @property
    def share(self) -> float:
        """The part of the cells that are not empty that it reads, from 0 to 1."""
        return self.n_read / self.n_filled if self.n_filled else 0.0


def guess_dates(cells: Sequence[str], today: date) -> DateGuess:
    """Return the formats that read most of some cells, as dates of birth that have been by `today`."""
    n_each = Counter(filter(None, cells))
    # What has no year is no date: names need not be held against each format.
    dated = {cell: n for cell, n in n_each.items() if _YEAR.search(cell)}
    n_read, chosen, turned = _most_read(dated, FORMATS, today)
    formats, others = [chosen], [turned or chosen]
    fewest = max(_FEWEST_CELLS, _LEAST_PART * n_each.total())
    shapes = {shape_of(chosen)}
    while left := [one for one in FORMATS if shape_of(one.text) not in shapes]:
        read = read_date_format(chosen)
        dated = {cell: n for cell, n in dated.items() if read.parse(cell) is None}
        n_more, chosen, turned = _most_read(dated, left, today)
        shapes.add(shape_of(chosen))
        if n_more < fewest:
            break
        n_read += n_more
        formats.append(chosen)
        others.append(turned or chosen)
    other = OR.join(others) if others != formats else None
    return DateGuess(OR.join(formats), other, n_read, n_each.total())


def _most_read(
    n_each: Mapping[str, int], formats: Sequence[DateFormat], today: date
) -> tuple[int, str, str | None]:
    """Return how many cells the best of some formats reads, which that is, and its twin if it reads as many."""
    n_read = {one.text: _n_read(n_each, one, today) for one in formats}
    best = max(n_read, key=lambda one: n_read[one])
    is_open = n_read[best] > 0 and n_read.get(_turned(best), 0) == n_read[best]
    return n_read[best], best, _turned(best) if is_open else None


def are_years(cells: Sequence[str], today: date) -> bool:
    """Tell whether most cells hold a year of birth and no day."""
    filled = [cell for cell in cells if cell]
    years = [cell for cell in filled if cell.isdecimal() and len(cell) == _YEAR_DIGITS]
    fitting = [cell for cell in years if _FIRST_YEAR <= int(cell) <= today.year]
    return bool(filled) and 2 * len(fitting) > len(filled)


def _n_read(n_each: Mapping[str, int], one: DateFormat, today: date) -> int:
    found = ((one.parse(cell), n) for cell, n in n_each.items())
    return sum(n for day, n in found if day and day.year >= _FIRST_YEAR and day <= today)


def _turned(text: str) -> str:
    """Return the format with day and month in each other's place."""
    return text.replace("MM", "?").replace("DD", "MM").replace("?", "DD")
