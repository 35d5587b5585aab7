"""Populations that no table, pass or threshold was chosen on: two files of each, and who is who.

They differ in where their names come from, in families and twins, in the size of towns, and in what goes wrong.
Names are Faker's, a part of them crossed from two of these, as rare names are. The same world and seed give the
same files. No nickname, placeholder or name comes from the recipe's own lists or from `encoding.synth`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.peers import peer_python
from benchmarks.rehearsed import File, Rehearsal, Truth
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import without_shared
from encoding.records import Chunk
from schemas.linkage.profile import EncodingProfile

FAKER = "faker==40.40.0"
COLUMNS = ("first_name", "middle_name", "last_name", "birth_date", "sex", "zip")
_FORMAT = "YYYY-MM-DD"
_TODAY = date(2026, 9, 1)
# Of the smaller file so many families are in both.
_IN_BOTH = 0.6
# Mistakes are this many times as frequent as _MISTAKES says: three in ten children have one.
_UNTIDY = 1.5
_ALIKE_TWINS = 0.35
# Shares of names that are crossed from two others.
_RARE_FIRST, _RARE_LAST = 0.10, 0.20
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class World:
    """One population.

    Attributes:
        name: as the table names it.
        is_for_choosing: whether choices were made by it; the others only show what came of them.
        sources: Faker's languages, with the share of families of each.
        sizes: records of the smaller and of the larger file.
        zips: ZIP codes; the first ones are the largest.
        siblings: how likely one more child is.
        twins: how likely a birth is of two.
        double: how likely a family of a Spanish or Portuguese language has two surnames.
        american: how likely a child of another language has an American first name.
        first_of_january: share of birth dates that are estimated.
        gaps: share of the cells of sex, ZIP, and first name that are empty.
        left: share of the children of a family in both files who are in the smaller one alone.
    """

    name: str
    is_for_choosing: bool
    sources: Mapping[str, float]
    sizes: tuple[int, int] = (2_000, 60_000)
    zips: int = 120
    siblings: float = 0.4
    twins: float = 0.015
    double: float = 0.5
    american: float = 0.2
    first_of_january: float = 0.003
    gaps: tuple[float, float, float] = (0.01, 0.05, 0.003)
    left: float = 0.05


_HISPANIC = {"es_MX": 0.55, "es_CO": 0.15, "es_AR": 0.05, "en_US": 0.25}
WORLDS = (
    World(
        "metropolis",
        True,
        {"en_US": 0.3, "es_MX": 0.2, "en_KE": 0.15, "zh_CN": 0.1, "fr_DZ": 0.1, "en_IN": 0.1, "pt_BR": 0.05},
    ),
    World("hispanic", True, _HISPANIC, zips=60, siblings=0.5, american=0.1),
    World("county", False, {"en_US": 0.8, "de_DE": 0.2}, (400, 3_000), zips=6, siblings=0.55, twins=0.02),
    World("vietnamese", False, {"vi_VN": 0.6, "zh_CN": 0.15, "en_US": 0.25}, zips=40, american=0.35),
    World("January", False, _HISPANIC, first_of_january=0.1),
    World("gaps", False, {"en_US": 0.7, "es_ES": 0.3}, gaps=(0.15, 0.3, 0.04)),
    World("twins", False, {"en_US": 0.7, "es_CO": 0.3}, siblings=0.6, twins=0.15, left=0.25),
)  # fmt: skip


@dataclass(frozen=True)
class Child:
    """An invented child as it is."""

    language: str
    first: str
    middle: str
    surnames: tuple[str, ...]
    birth: date
    sex: str
    zip: str
    untidiness: float


@dataclass
class Written:
    """A child as an agency has written it down, and what went wrong."""

    first: str
    middle: str
    last: str
    birth: date | None
    sex: str
    zip: str
    wrong: set[str] = field(default_factory=set)

    @property
    def cells(self) -> tuple[str, ...]:
        """As COLUMNS names them."""
        birth = self.birth.isoformat() if self.birth else ""
        return self.first, self.middle, self.last, birth, self.sex, self.zip


def population(world: World, profile: EncodingProfile, seed: int) -> Rehearsal:
    """Return both files, cleaned by the profile's recipe, and the truth with groups and errors."""
    rng = Random(f"{world.name} {seed}")
    n_smaller, n_larger = world.sizes
    draw = _Draw(world, rng)
    writer = _Writer(world, draw, rng)
    smaller: list[Child] = []
    both: list[tuple[int, Child]] = []
    while len(smaller) < n_smaller:
        is_here = rng.random() < _IN_BOTH
        for child in draw.family():
            if is_here and rng.random() >= world.left:
                both.append((len(smaller), child))
            smaller.append(child)
    larger = [child for _, child in both]
    while len(larger) < n_larger:
        larger += draw.family()
    place = list(range(len(larger)))
    rng.shuffle(place)
    left = [writer.row(one, 1.2) for one in smaller]
    right = [writer.row(one, 0.8) for one in larger]
    shuffled = [right[at] for at in place]
    at_place = {at: number for number, at in enumerate(place)}
    files = [_cleaned(profile, rows) for rows in (left, shuffled)]
    person: dict[tuple[int, int], int] = {}
    groups: dict[str, dict[int, str]] = {name: {} for name in ("language", "sex", "age", "error")}
    for who, (one, child) in enumerate(both):
        person[one, at_place[who]] = who
        groups["language"][who] = child.language
        groups["sex"][who] = child.sex
        groups["age"][who] = str(min(15, (_TODAY - child.birth).days // 365) // 4 * 4)
        groups["error"][who] = "+".join(sorted(left[one].wrong | right[who].wrong)) or "none"
    return Rehearsal(files[0], files[1], Truth(person, groups))


def _cleaned(profile: EncodingProfile, rows: list[Written]) -> File:
    cleaner = RowCleaner(profile, columns={}, available=COLUMNS, date_format=_FORMAT)
    cells = list(zip(*(row.cells for row in rows), strict=True))
    columns = {name: list(values) for name, values in zip(COLUMNS, cells, strict=True)}
    cleaned = cleaner.clean(Chunk(0, columns, 1.0))
    record = cleaned.rows.astype(np.uint32)
    ids = [str(number) for number in range(len(rows))]
    return File(ids, record, without_shared(cleaned.columns, record))


class _Draw:
    """Draws families of a world."""

    def __init__(self, world: World, rng: Random) -> None:
        self._world, self.rng = world, rng
        lists = _names(tuple(sorted({"en_US", *world.sources})))
        self._names = {
            (language, kind): (list(names), list(accumulate(names.values())))
            for language, of_kind in lists.items()
            for kind, names in of_kind.items()
        }
        self._zips = list(accumulate(1 / (at + 3) for at in range(world.zips)))

    def family(self) -> Iterator[Child]:
        """Yield the children of one family, at most six."""
        rng, world = self.rng, self._world
        language = rng.choices([*world.sources], [*world.sources.values()])[0]
        surnames = self.surnames(language)
        home = self.zip_code()
        birth = _TODAY - timedelta(days=rng.randrange(5 * 365, 18 * 365))
        taken: set[str] = set()
        for number in range(6):
            yield self._child(language, surnames, birth, home, taken)
            if rng.random() < world.twins:
                yield self._child(language, surnames, birth, home, taken)
            birth += timedelta(days=rng.randrange(330, 1500))
            if (
                rng.random() >= world.siblings
                or birth > _TODAY - timedelta(days=5 * 365)
                or number == 5
            ):
                return

    def _child(
        self, language: str, surnames: tuple[str, ...], birth: date, home: str, taken: set[str]
    ) -> Child:
        rng = self.rng
        sex = "M" if rng.random() < 0.51 else "F"
        source = "en_US" if rng.random() < self._world.american else language
        while (first := self._first(source, sex)) in taken:
            pass
        if taken and rng.random() < _ALIKE_TWINS:
            first = max(taken)[:3] + first[len(first) // 2 :].lower()
        taken.add(first)
        own = surnames if rng.random() < 0.9 else self.surnames(language)
        untidiness = rng.choices((0.4, 1.2, 3.6), (0.55, 0.35, 0.10))[0]
        born = date(birth.year, 1, 1) if rng.random() < self._world.first_of_january else birth
        return Child(language, first, self._first(source, sex), own, born, sex, home, untidiness)

    def _first(self, language: str, sex: str) -> str:
        name = self._one(language, sex)
        if language in ("vi_VN", "zh_CN") and self.rng.random() < 0.5:
            return f"{name} {self._one(language, sex)}"
        return self._crossed(name, language, sex, _RARE_FIRST)

    def zip_code(self) -> str:
        """Return the ZIP code of a place, the larger ones more often."""
        return (
            f"{10_000 + 7 * self.rng.choices(range(self._world.zips), cum_weights=self._zips)[0]}"
        )

    def surnames(self, language: str) -> tuple[str, ...]:
        """Return the one or two surnames of a family."""
        name = self._one(language, "last")
        if language != "vi_VN":
            name = self._crossed(name, language, "last", _RARE_LAST)
        if language[:2] in ("es", "pt") and self.rng.random() < self._world.double:
            other = self._one(language, "last")
            return (name,) if other == name else (name, other)
        return (name,)

    def _crossed(self, name: str, language: str, kind: str, share: float) -> str:
        if self.rng.random() >= share:
            return name
        other = self._one(language, kind)
        return name[: (len(name) + 1) // 2] + other[len(other) // 2 :].lower()

    def _one(self, language: str, kind: str) -> str:
        names, weights = self._names[language, kind]
        return self.rng.choices(names, cum_weights=weights)[0]


class _Writer:
    """Writes children down as agencies do; mistakes come together."""

    def __init__(self, world: World, draw: _Draw, rng: Random) -> None:
        self._world, self._draw, self.rng = world, draw, rng

    def row(self, child: Child, times: float) -> Written:
        """Return a child with so many times the usual mistakes."""
        rng, rate = self.rng, child.untidiness * times * _UNTIDY / 2
        row = Written(
            child.first, child.middle, " ".join(child.surnames), child.birth, child.sex, child.zip
        )
        if len(child.surnames) == 2 and rng.random() < 0.12:
            row.last = rng.choice((*child.surnames, "-".join(child.surnames)))
            row.wrong.add("surname")
        for label, share, change in _MISTAKES:
            if rng.random() < share * rate:
                change(self._draw, row, child)
                row.wrong.add(label)
        if rng.random() < 0.25:
            row.zip = self._draw.zip_code()
        return self._with_gaps(row)

    def _with_gaps(self, row: Written) -> Written:
        rng = self.rng
        no_sex, no_zip, no_first = self._world.gaps
        if rng.random() < no_sex:
            row.sex = ""
            row.wrong.add("no sex")
        if rng.random() < 0.3:
            row.middle = row.middle[: rng.randrange(2)]
        if rng.random() < no_zip:
            row.zip = ""
        if rng.random() < no_first:
            row.first = ""
            row.wrong.add("no first")
        return row


def _other_surname(draw: _Draw, row: Written, child: Child) -> None:
    row.last = " ".join(draw.surnames(child.language))


def _typo_of_surname(draw: _Draw, row: Written, _: Child) -> None:
    row.last = _typo(draw.rng, row.last)


def _typo_of_first(draw: _Draw, row: Written, _: Child) -> None:
    row.first = _typo(draw.rng, row.first)


def _short_name(draw: _Draw, row: Written, _: Child) -> None:
    """Benjamin is called Ben, Benny or Benji."""
    if len(row.first) > 4:
        row.first = row.first[:3] + draw.rng.choice(("", "", "y", "ie", "i"))


def _middle_as_first(_: _Draw, row: Written, child: Child) -> None:
    row.first, row.middle = child.middle, ""


def _swapped(_: _Draw, row: Written, __: Child) -> None:
    row.first, row.last = row.last, row.first


def _other_date(draw: _Draw, row: Written, child: Child) -> None:
    """Day and month turned, another year, or one digit of the day."""
    kind, birth = draw.rng.randrange(3), child.birth
    if kind == 0 and birth.day <= 12:
        row.birth = birth.replace(month=birth.day, day=birth.month)
    elif kind == 1:
        row.birth = birth.replace(
            year=birth.year + draw.rng.choice((-1, 1)), day=min(28, birth.day)
        )
    else:
        row.birth = birth.replace(day=1 + (birth.day + draw.rng.choice((-1, 1, 9))) % 28)


def _new_year(_: _Draw, row: Written, child: Child) -> None:
    row.birth = child.birth.replace(month=1, day=1)


def _other_sex(_: _Draw, row: Written, child: Child) -> None:
    row.sex = "F" if child.sex == "M" else "M"


_MISTAKES: tuple[tuple[str, float, Callable[[_Draw, Written, Child], None]], ...] = (
    ("surname", 0.035, _other_surname),
    ("surname", 0.03, _typo_of_surname),
    ("first", 0.03, _short_name),
    ("first", 0.03, _typo_of_first),
    ("first", 0.01, _middle_as_first),
    ("swapped", 0.005, _swapped),
    ("date", 0.02, _other_date),
    ("January", 0.004, _new_year),
    ("sex", 0.006, _other_sex),
)


def _typo(rng: Random, name: str) -> str:
    """Return the name with a letter left out, doubled, replaced, or turned with the next."""
    at, kind = rng.randrange(len(name)), rng.randrange(4)
    new = (
        "",
        name[at] * 2,
        rng.choice(_LETTERS),
        name[at : at + 2][::-1],
    )[kind]
    return name[:at] + new + name[at + (2 if kind == 3 else 1) :] or name


@cache
def _names(languages: tuple[str, ...]) -> dict[str, dict[str, dict[str, float]]]:
    peer = Path(__file__).with_name("names_peer.py")
    done = subprocess.run(
        [peer_python("faker", FAKER), peer, *languages], capture_output=True, check=True
    )
    found: dict[str, dict[str, dict[str, float]]] = json.loads(done.stdout)
    return found
