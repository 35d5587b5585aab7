"""Name tables of the rehearsal data, and how a name is drawn from them.

Surnames and given names by year of birth come from the frequency lists that clkhash carries (US census
2010, Social Security names to 2015). `names.json` adds what those lists lack: names of the groups whose
links are missed most often, with their accents, particles and double surnames, most frequent first.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate
from random import Random
from typing import Literal

Sex = Literal["F", "M"]

FIRST_YEAR = 2000
LAST_YEAR = 2015
# Zipf–Mandelbrot: rank 1 of a group's list is about 2 % to 6 % of its bearers, as in census tables.
_RANK_OFFSET = 6
# Small groups' lists are short; a share of their children bear a name of the general list.
_GENERAL_GIVEN_SHARE = {
    "general": 1.0, "particle": 1.0, "black": 0.55, "hispanic": 0.45, "filipino": 0.5,
    "vietnamese": 0.45, "chinese": 0.5, "korean": 0.5, "hmong": 0.35, "indian": 0.2,
    "slavic": 0.35, "arabic": 0.1, "native": 0.65, "haitian": 0.35, "portuguese": 0.4,
}  # fmt: skip
_GENERAL_SURNAME_SHARE = {"black": 0.35, "native": 0.3, "haitian": 0.15, "filipino": 0.1}


@dataclass(frozen=True, slots=True)
class WeightedNames:
    """Names with their cumulative weights; `draw` picks one in proportion."""

    names: tuple[str, ...]
    cumulative: tuple[float, ...]

    def draw(self, rng: Random) -> str:
        """Return one name."""
        return self.names[bisect_right(self.cumulative, rng.random() * self.cumulative[-1])]


@dataclass(frozen=True, slots=True)
class NameTables:
    """All lists, ready to draw from."""

    surnames: dict[str, WeightedNames]
    given: dict[tuple[str, str], WeightedNames]
    given_by_year: dict[tuple[str, int], WeightedNames]
    second_given: dict[str, WeightedNames]
    particle_surnames: WeightedNames
    heads: tuple[str, ...]
    tails: dict[str, tuple[str, ...]]
    nicknames: dict[str, tuple[str, ...]]

    def surname(self, rng: Random, origin: str) -> str:
        """Return a surname of one part (which may hold a particle or an apostrophe)."""
        if rng.random() < _GENERAL_SURNAME_SHARE.get(origin, 0.0):
            origin = "general"
        return self.surnames[origin].draw(rng)

    def given_name(self, rng: Random, origin: str, sex: Sex, year: int) -> str:
        """Return a first name for a child of this origin, sex and year of birth."""
        if rng.random() < _GENERAL_GIVEN_SHARE[origin]:
            return self.given_by_year[sex, min(max(year, FIRST_YEAR), LAST_YEAR)].draw(rng)
        if origin == "black" and rng.random() < 0.5:
            return rng.choice(self.heads) + rng.choice(self.tails[sex])
        return self.given[origin, sex].draw(rng)

    def middle_name(self, rng: Random, origin: str, sex: Sex, year: int) -> str:
        """Return a middle name; about one child in eight has none (empty)."""
        if rng.random() < 0.12:
            return ""
        if origin in self.second_given and rng.random() < 0.5:
            return self.second_given[origin].draw(rng)
        return self.given_name(rng, origin, sex, year)


@cache
def load_name_tables() -> NameTables:
    """Return the tables; read once."""
    own: dict[str, dict[str, str]] = json.loads(
        resources.files("encoding.synth").joinpath("names.json").read_text("utf-8")
    )
    nicknames = {first: tuple(short.split(", ")) for first, short in own.pop("nicknames").items()}
    lists = {origin: {k: v.split(", ") for k, v in table.items()} for origin, table in own.items()}
    surnames = {origin: _by_rank(table["surnames"]) for origin, table in lists.items()}
    surnames["general"] = _general_surnames(lists)
    return NameTables(
        surnames=surnames,
        given={
            (origin, sex): _by_rank(table[key])
            for origin, table in lists.items()
            for sex, key in (("M", "boys"), ("F", "girls"))
            if key in table
        },
        given_by_year=_general_given_names(),
        second_given={o: _by_rank(t["second"]) for o, t in lists.items() if "second" in t},
        particle_surnames=_by_rank(lists["hispanic"]["particle_surnames"]),
        heads=tuple(lists["black"]["given_heads"]),
        tails={
            "M": tuple(lists["black"]["given_tails_boys"]),
            "F": tuple(lists["black"]["given_tails_girls"]),
        },
        nicknames=nicknames,
    )


def _by_rank(names: Sequence[str]) -> WeightedNames:
    return _weighted((name, 1 / (rank + _RANK_OFFSET)) for rank, name in enumerate(names))


def _weighted(rows: Iterable[tuple[str, float]]) -> WeightedNames:
    names, weights = zip(*rows, strict=True)
    return WeightedNames(names, tuple(accumulate(weights)))


def _general_surnames(lists: dict[str, dict[str, list[str]]]) -> WeightedNames:
    """Return the census list without the surnames that a group's own list holds."""
    elsewhere = {
        _plain(name)
        for origin, table in lists.items()
        if origin not in ("black", "native", "particle")
        for name in table["surnames"]
    } - {"lee", "young", "martin", "paul", "thomas", "joseph", "charles", "louis", "francis"}
    rows = (line.split(",") for line in _clkhash_list("last-names.csv")[1:])
    return _weighted((name, float(n)) for name, n in rows if _plain(name) not in elsewhere)


def _general_given_names() -> dict[tuple[str, int], WeightedNames]:
    rows: dict[tuple[str, int], list[tuple[str, float]]] = {}
    wanted = {str(year) for year in range(FIRST_YEAR, LAST_YEAR + 1)}
    for line in _clkhash_list("first-name-counts-by-year.csv"):
        if line[-4:] in wanted:
            name, count, sex, year = line.split(", ")
            rows.setdefault((sex[0], int(year)), []).append((name, float(count)))
    return {key: _weighted(names) for key, names in rows.items()}


def _clkhash_list(file_name: str) -> list[str]:
    return resources.files("clkhash").joinpath("data", file_name).read_text("utf-8").splitlines()


def _plain(name: str) -> str:
    return name.translate(_UNACCENT).lower().replace(" ", "").replace("'", "").replace("-", "")


_UNACCENT = str.maketrans("áéíóúñüçãõâêôÁÉÍÓÚÑ", "aeiounucaoaeoAEIOUN")
