"""ZIP codes of the invented state: how many people live in each, and which are near each other."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate
from random import Random

_AREA_DIGITS = 3


@dataclass(frozen=True, slots=True)
class ZipTable:
    """The codes with their residents.

    Attributes:
        codes: all ZIP codes, area after area.
        counties: names of the counties.
        county_of: ZIP code to the place of its county in `counties`.
    """

    codes: tuple[str, ...]
    counties: tuple[str, ...]
    county_of: Mapping[str, int]
    _cumulative: tuple[int, ...]

    def draw(self, rng: Random) -> str:
        """Return a ZIP code in proportion to its residents."""
        return self.codes[bisect_right(self._cumulative, rng.random() * self._cumulative[-1])]

    def draw_near(self, rng: Random, home: str) -> str:
        """Return another ZIP code of the same area."""
        return self._draw_until(
            rng, lambda code: code != home and code[:_AREA_DIGITS] == home[:_AREA_DIGITS]
        )

    def draw_far(self, rng: Random, home: str) -> str:
        """Return a ZIP code of another area."""
        return self._draw_until(rng, lambda code: code[:_AREA_DIGITS] != home[:_AREA_DIGITS])

    def _draw_until(self, rng: Random, fits: Callable[[str], bool]) -> str:
        while True:
            code = self.draw(rng)
            if fits(code):
                return code


@cache
def load_zip_table() -> ZipTable:
    """Return the table; read once."""
    text = resources.files("encoding.synth").joinpath("zips.json").read_text("utf-8")
    areas = json.loads(text)["areas"]
    counties = tuple(county for area in areas for county in area["counties"])
    county_of = {
        code: counties.index(county)
        for area in areas
        for code, county in zip(_codes(area), _spread(area), strict=True)
    }
    residents = [number for area in areas for number in area["residents"]]
    return ZipTable(tuple(county_of), counties, county_of, tuple(accumulate(residents)))


def _codes(area: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{area['zip3']}{place + 1:02d}" for place in range(len(area["residents"]))]


def _spread(area: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the county of each code of an area."""
    counties, n_codes = area["counties"], len(area["residents"])
    return [counties[place * len(counties) // n_codes] for place in range(n_codes)]
