"""How a record comes to differ from the person: the mistakes of two agencies, and how often they happen.

Rates are shares of true pairs that differ (mid level: ALSPAC, HES, UPDB and state files, as quoted in
docs/synthetic-data.md). Mistakes come together: every rate is multiplied by the untidiness of the child.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from types import MappingProxyType

from encoding.synth.names import load_name_tables
from encoding.synth.people import Person

CHILD_WELFARE_SHARE = 0.6
K12_SHARE = 1 - CHILD_WELFARE_SHARE
_VOWELS = "aeiou"
_MIDDLE_PLACEHOLDERS = ("NMN", "NMI", "N/A", "X")
_FIRST_PLACEHOLDERS = ("BABY BOY", "BABY GIRL", "UNKNOWN", "TEST", "NFN")
_LAST_PLACEHOLDERS = ("DOE", "UNKNOWN", "UNK", "NLN")
_NO_ZIPS = ("", "99999")
_SOUND_ALIKES = (
    ("ph", "f"), ("ck", "k"), ("ie", "y"), ("y", "i"), ("i", "y"), ("c", "k"), ("k", "c"), ("z", "s"),
    ("s", "z"), ("x", "ks"), ("ee", "ea"), ("ai", "ay"), ("ay", "ai"), ("ei", "ie"), ("sh", "ch"),
)  # fmt: skip
_NEIGHBOUR_KEYS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo",
    "j": "hk", "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et",
    "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Share of true pairs that show each discrepancy."""

    last_typo: float = 0.04
    last_changed: float = 0.04
    last_spelling: float = 0.025  # space, apostrophe, particle
    names_transposed: float = 0.005
    double_surname: float = 0.25  # of those who bear one
    first_nickname: float = 0.04
    first_typo: float = 0.035
    first_variant: float = 0.015
    middle_as_first: float = 0.01
    middle_missing: float = 0.35
    middle_differs: float = 0.05
    birth_swapped: float = 0.005
    birth_digit: float = 0.008
    birth_year: float = 0.004
    birth_placeholder: float = 0.005
    birth_estimated: float = 0.003
    sex: float = 0.007
    placeholder_name: float = 0.005
    zip_missing: float = 0.04

    def scaled(
        self, *, last: float, first: float, middle: float, birth: float, sex: float, zip_code: float
    ) -> ErrorRates:
        """Return the rates with each field's family multiplied."""
        factors = {"last": last, "names": last, "double": last, "first": first, "middle": middle,
                   "birth": birth, "sex": sex, "placeholder": first, "zip": zip_code}  # fmt: skip
        own_factor = {"middle_as_first": first}
        return replace(
            self,
            **{
                name: getattr(self, name) * own_factor.get(name, factors[name.split("_")[0]])
                for name in self.__dataclass_fields__
            },
        )


# Last name 5/15/25 %, first name 3/10/15 %, date of birth 0.1/2.5/5 %, sex 0.1/0.7/2 % of pairs.
ERROR_LEVELS: Mapping[str, ErrorRates] = MappingProxyType(
    {
        "low": ErrorRates().scaled(
            last=1 / 3, first=0.3, middle=0.5, birth=0.04, sex=1 / 7, zip_code=0.25
        ),
        "mid": ErrorRates(),
        "high": ErrorRates().scaled(
            last=5 / 3, first=1.5, middle=1.4, birth=2.0, sex=20 / 7, zip_code=2.0
        ),
    }
)


@dataclass(slots=True)
class Written:
    """What an agency wrote down about a person; `slips` names how it differs from the truth."""

    first: str
    middle: str
    last: str
    suffix: str
    birth: date
    sex: str
    zip_code: str
    aka_first: str = ""
    aka_last: str = ""
    birth_estimated: bool = False
    slips: list[str] = field(default_factory=list)


class Clerk:
    """Writes people down for one agency, which makes `share` of all the discrepancies."""

    def __init__(self, rng: Random, rates: ErrorRates, share: float, *, alias_share: float) -> None:
        """`alias_share`: how often the former name of a child whose name changed is kept as alias."""
        self._rng = rng
        self._rates = rates
        self._share = share
        self._alias_share = alias_share
        self._tables = load_name_tables()

    def write(self, person: Person, zip_code: str) -> Written:
        """Return this agency's record of the person, who lives where it knows of."""
        written = Written(
            person.first,
            person.middle,
            person.last,
            person.suffix,
            person.birth,
            person.sex,
            zip_code,
        )
        self._slip_last(person, written)
        self._slip_first(person, written)
        self._slip_middle(person, written)
        self._slip_birth(person, written)
        self._slip_sex(person, written)
        self._slip_names(person, written)
        self._slip_zip(person, written)
        return written

    def _happens(self, rate: float, person: Person) -> bool:
        return self._rng.random() < min(rate * self._share * person.untidiness, 0.6)

    def _slip_last(self, person: Person, written: Written) -> None:
        rates, rng = self._rates, self._rng
        if self._happens(rates.last_changed, person):
            if rng.random() < self._alias_share:
                written.aka_last = written.last
            written.last = self._tables.surname(rng, person.origin)
            written.slips.append("last-changed")
        elif len(person.surnames) > 1 and self._happens(rates.double_surname, person):
            written.last = _reshape_double(rng, person.surnames)
            written.slips.append("last-double")
        if self._happens(rates.last_typo, person):
            written.last = typo(rng, written.last)
            written.slips.append("last-typo")
        respelled = respell(rng, written.last)
        # Only some names can be respelled; they carry the whole rate of the population.
        if respelled != written.last and self._happens(rates.last_spelling * 4, person):
            written.last = respelled
            written.slips.append("last-spelling")

    def _slip_first(self, person: Person, written: Written) -> None:
        rates, rng = self._rates, self._rng
        if person.middle and self._happens(rates.middle_as_first, person):
            written.first, written.middle = person.middle, ""
            written.slips.append("first-middle")
        elif self._happens(rates.first_nickname, person):
            if rng.random() < self._alias_share / 2:
                written.aka_first = written.first
            written.first = self._nickname(person.first)
            written.slips.append("first-nickname")
        elif self._happens(rates.first_variant, person):
            written.first = sound_alike(rng, written.first)
            written.slips.append("first-variant")
        if self._happens(rates.first_typo, person):
            written.first = typo(rng, written.first)
            written.slips.append("first-typo")

    def _slip_middle(self, person: Person, written: Written) -> None:
        rates, rng = self._rates, self._rng
        if not written.middle:
            if rng.random() < 0.03:
                written.middle = rng.choice(_MIDDLE_PLACEHOLDERS)
        elif rng.random() < rates.middle_missing * self._share:
            written.middle = ""
        elif self._happens(rates.middle_differs, person):
            written.middle = self._tables.middle_name(rng, person.origin, person.sex, 2010)
            written.slips.append("middle-differs")
        elif rng.random() < 0.3:
            written.middle = written.middle[0]

    def _slip_birth(self, person: Person, written: Written) -> None:
        rates, rng, birth = self._rates, self._rng, written.birth
        if birth.day <= 12 and self._happens(rates.birth_swapped * 2.5, person):
            written.birth = date(birth.year, birth.day, birth.month)
            written.slips.append("birth-swapped")
        elif self._happens(rates.birth_digit, person):
            written.birth = _other_digit(rng, birth)
            written.slips.append("birth-digit")
        elif self._happens(rates.birth_year, person):
            written.birth = _move_year(birth, rng.choice((-1, 1)))
            written.slips.append("birth-year")
        elif self._happens(rates.birth_placeholder, person):
            written.birth = date(birth.year, 1, 1)
            written.slips.append("birth-placeholder")
        elif self._happens(rates.birth_estimated, person):
            written.birth = (birth + timedelta(days=rng.randrange(-200, 201))).replace(day=15)
            written.birth_estimated = True
            written.slips.append("birth-estimated")

    def _slip_sex(self, person: Person, written: Written) -> None:
        if self._happens(self._rates.sex, person):
            written.sex = self._rng.choice(("F" if person.sex == "M" else "M", "X", ""))
            written.slips.append("sex")

    def _slip_names(self, person: Person, written: Written) -> None:
        if self._happens(self._rates.names_transposed, person):
            written.first, written.last = written.last, written.first
            written.slips.append("names-transposed")
        elif self._happens(self._rates.placeholder_name, person):
            if self._rng.random() < 0.6:
                written.first = self._rng.choice(_FIRST_PLACEHOLDERS)
            else:
                written.last = self._rng.choice(_LAST_PLACEHOLDERS)
            written.slips.append("name-placeholder")

    def _slip_zip(self, person: Person, written: Written) -> None:
        if self._happens(self._rates.zip_missing, person):
            written.zip_code = self._rng.choice(_NO_ZIPS)
            written.slips.append("zip-missing")

    def _nickname(self, first: str) -> str:
        known = self._tables.nicknames.get(first)
        if known and self._rng.random() < 0.8:
            return self._rng.choice(known)
        # A home-made short form, such as no table holds.
        short = first[: self._rng.choice((3, 4))].rstrip("' -")
        return short if short != first else first + self._rng.choice(("ie", "y"))


def typo(rng: Random, name: str) -> str:
    """Return the name with one slip of the hand: a letter wrong, lost, doubled, added or swapped."""
    if len(name) < 2:
        return name + rng.choice(_VOWELS)
    at = rng.randrange(1, len(name))
    head, letter, tail = name[:at], name[at], name[at + 1 :]
    wrong_key = rng.choice(_NEIGHBOUR_KEYS.get(letter.lower(), "e"))
    wrong_vowel = rng.choice(_VOWELS) if letter.lower() in _VOWELS else wrong_key
    return rng.choice((
        head + tail,
        head + letter + letter + tail,
        head + tail[:1] + letter + tail[1:],
        sound_alike(rng, name),
        head + wrong_vowel + tail,
        head + wrong_key + tail,
    ))  # fmt: skip


def mistyped(rng: Random, number: str) -> str:
    """Return the number with one digit wrong."""
    at = rng.randrange(len(number))
    others = [digit for digit in "0123456789" if digit != number[at]]
    return number[:at] + rng.choice(others) + number[at + 1 :]


def sound_alike(rng: Random, name: str) -> str:
    """Return a spelling that sounds alike: Jayden, Jaiden; Catherine, Katherine."""
    lower = name.lower()
    fitting = [pair for pair in _SOUND_ALIKES if pair[0] in lower]
    if not fitting:
        return name + "e" if name[-1:] not in _VOWELS else name[:-1]
    old, new = rng.choice(fitting)
    at = lower.index(old)
    changed = lower[:at] + new + lower[at + len(old) :]
    return changed.capitalize() if name[:1].isupper() else changed


def respell(rng: Random, name: str) -> str:
    """Return another way to write particles, apostrophes and spaces, or the name itself if it has none."""
    if re.search(r"[ '.-]", name):
        return rng.choice(
            (re.sub(r"[ '.-]+", "", name), re.sub(r"['-]", " ", name), name.replace(" ", "-"))
        )
    if name.startswith(("Mc", "Mac")) and len(name) > 5:
        head = 2 if name.startswith("Mc") else 3
        return f"{name[:head]} {name[head:].capitalize()}"
    if name.startswith(("De", "Van", "La")) and len(name) > 7:
        head = 3 if name.startswith("Van") else 2
        return f"{name[:head]} {name[head:].capitalize()}"
    return name


def _reshape_double(rng: Random, surnames: tuple[str, ...]) -> str:
    draw = rng.random()
    if draw < 0.6:
        return surnames[0]
    if draw < 0.85:
        return surnames[1]
    if draw < 0.92:
        return "-".join(reversed(surnames))
    return "".join(surnames)


def _other_digit(rng: Random, birth: date) -> date:
    """Return a date with one digit of day, month or year mistyped, and still a date."""
    digits = list(birth.strftime("%Y%m%d"))
    while True:
        changed = digits.copy()
        changed[rng.randrange(3, 8)] = str(rng.randrange(10))
        with suppress(ValueError):
            mistyped = datetime.strptime("".join(changed), "%Y%m%d").date()  # noqa: DTZ007
            if mistyped != birth:
                return mistyped


def _move_year(birth: date, years: int) -> date:
    if (birth.month, birth.day) == (2, 29):
        birth = birth.replace(day=28)
    return birth.replace(year=birth.year + years)
