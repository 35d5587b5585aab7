"""The two agencies: how each turns people into rows of its own file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from random import Random

from anyascii import anyascii

from encoding.synth.files import Row
from encoding.synth.people import Person
from encoding.synth.slips import (
    CHILD_WELFARE_SHARE,
    K12_SHARE,
    Clerk,
    ErrorRates,
    Written,
    mistyped,
    respell,
    typo,
)
from encoding.synth.zips import load_zip_table

_RACES = {
    "white": ("White", "WH"), "hispanic": ("Hispanic/Latino", "HI"), "black": ("Black", "BL"),
    "asian": ("Asian", "AS"), "native": ("American Indian", "AM"), "multiracial": ("Multiracial", "MU"),
}  # fmt: skip
_STATES = ("CA", "TX", "AZ", "NV", "OR", "WA", "NM", "IL", "NY", "FL")
_DUPLICATE_CLIENTS = 0.02
_DUPLICATE_STUDENTS = 0.003
# Children in care move: half are placed within their family's ZIP code, most others nearby.
_PLACED_AT_HOME, _PLACED_NEARBY = 0.5, 0.35
# Of the enrolments after a student's first, how many another school has typed anew, if the child is middling.
_RETYPED = 0.06
_NUMBER_HELD, _NUMBER_WRONG = 0.8, 0.01


class NumbersHeld:
    """The student IDs that the child-welfare agency holds: of four rows in five, and one in a hundred is wrong.

    A wrong one is, alike often, that of a brother or sister, that of any other pupil, or mistyped.
    """

    def __init__(self, rng: Random, pupils: Sequence[Person]) -> None:
        self._rng, self._pupils = rng, pupils
        self._families: dict[int, list[Person]] = {}
        for pupil in pupils:
            self._families.setdefault(pupil.family, []).append(pupil)

    def of(self, person: Person) -> str:
        """Return what one row holds."""
        if self._rng.random() >= _NUMBER_HELD:
            return ""
        return (
            self._wrong(person) if self._rng.random() < _NUMBER_WRONG else person.state_student_id
        )

    def _wrong(self, person: Person) -> str:
        kind = self._rng.randrange(3)
        if kind == 0 or not self._pupils:
            return mistyped(self._rng, person.state_student_id)
        family = self._families.get(person.family, []) if kind == 1 else []
        others = [one for one in family if one is not person]
        return self._rng.choice(others or self._pupils).state_student_id


class ChildWelfareAgency:
    """Writes one row a client; two in a hundred children have been entered twice.

    `numbers` are student IDs for all rows; without them only children at school have one.
    """

    def __init__(
        self, rng: Random, rates: ErrorRates, as_of: date, numbers: NumbersHeld | None = None
    ) -> None:
        self._rng, self._numbers = rng, numbers
        self._clerk = Clerk(rng, rates, CHILD_WELFARE_SHARE, alias_share=0.5)
        self._as_of = as_of
        self._zips = load_zip_table()
        self._client_numbers = count(1)

    def rows(self, person: Person, *, enrolled: bool) -> Iterator[tuple[Row, Written]]:
        """Yield the rows of this child, each with what went into it."""
        for _ in range(1 + (self._rng.random() < _DUPLICATE_CLIENTS)):
            written = self._clerk.write(person, self.placement_zip(person))
            yield self.row(person, written, enrolled=enrolled), written

    def placement_zip(self, person: Person) -> str:
        """Return where the child has been placed."""
        draw = self._rng.random()
        if draw < _PLACED_AT_HOME:
            return person.home_zip
        if draw < _PLACED_AT_HOME + _PLACED_NEARBY:
            return self._zips.draw_near(self._rng, person.home_zip)
        return self._zips.draw_far(self._rng, person.home_zip)

    def row(self, person: Person, written: Written, *, enrolled: bool) -> Row:
        """Return one row of the file for what was written down about this person."""
        rng = self._rng
        county = self._zips.county_of[person.home_zip]
        # Some offices type everything in capitals, some have keyboards without accents.
        style = str.upper if county % 3 == 0 else str
        if county % 2:
            written.first, written.last = _unaccent(written.first), _unaccent(written.last)
        start = self._as_of - timedelta(days=rng.randrange(1, 1500))
        place = start + timedelta(days=rng.randrange(0, max((self._as_of - start).days, 1)))
        return (
            f"C{next(self._client_numbers) * 3_141_592_653 % 9_999_991:07d}",
            f"{person.family * 104_729 % 99_999_989:08d}",
            style(_cp1252(written.first)), style(_cp1252(written.middle)), style(_cp1252(written.last)),
            written.suffix, style(_cp1252(written.aka_first)), style(_cp1252(written.aka_last)),
            _us(written.birth), "Y" if written.birth_estimated else "N",
            {"M": "Male", "F": "Female", "X": "Unknown"}.get(written.sex, ""),
            _RACES[person.group][0],
            person.ssn if rng.random() < 0.7 else "",
            self._student_id(person, enrolled=enrolled),
            self._zips.counties[county], written.zip_code, person.home_zip, _us(start),
            _us(self._as_of) if rng.random() < 0.1 else "", _us(place),
            f"D{county + 1:02d}" if enrolled else "",
            _grade(person.birth, self._as_of) if enrolled else "",
            _us(self._as_of),
        )  # fmt: skip

    def _student_id(self, person: Person, *, enrolled: bool) -> str:
        # Drawn in any case, so that all else is the same.
        held = self._student_id_held(person) if enrolled else ""
        return held if self._numbers is None else self._numbers.of(person)

    def _student_id_held(self, person: Person) -> str:
        draw = self._rng.random()
        if draw < 0.2:
            return ""
        return person.state_student_id if draw < 0.99 else str(self._rng.randrange(10**9, 10**10))


class EducationAgency:
    """Writes one row an enrolment; children in care change schools more often."""

    def __init__(self, rng: Random, rates: ErrorRates, as_of: date) -> None:
        self._rng = rng
        self._clerk = Clerk(rng, rates, K12_SHARE, alias_share=0.35)
        self._as_of = as_of
        self._local_numbers = count(1)
        self._second_ids = count(1)

    def rows(self, person: Person, *, in_care: bool) -> Iterator[tuple[Row, Written]]:
        """Yield the enrolment rows of this student, each with what went into it.

        Those of one student ID are several spellings of one record: another school may have typed a name anew,
        all else about the child is the same.
        """
        written = self._clerk.write(person, person.home_zip)
        more = (0.6, 0.9) if in_care else (0.88, 0.98)
        draw = self._rng.random()
        n_enrolments = 1 + (draw >= more[0]) + (draw >= more[1])
        for enrolment in range(n_enrolments):
            if enrolment and self._rng.random() < min(_RETYPED * person.untidiness, 0.6):
                written = self._retyped(written)
            yield self.row(person, person.state_student_id, written, enrolment), written
        if self._rng.random() < _DUPLICATE_STUDENTS:
            # A second state ID: a range of its own, ten digits beginning with 0.
            second_id = f"{next(self._second_ids) * 48_271 % 999_999_937:010d}"
            written = self._clerk.write(person, person.home_zip)
            yield self.row(person, second_id, written, 0), written

    def _retyped(self, written: Written) -> Written:
        """Return another school's version of the same record."""
        again = replace(written)
        if self._rng.random() < 0.5:
            again.last = respell(self._rng, again.last)
        else:
            again.first = typo(self._rng, again.first)
        return again

    def row(self, person: Person, student_id: str, written: Written, enrolment: int = 0) -> Row:
        """Return one enrolment row; `enrolment` 0 is this year's, 1 last year's."""
        rng = self._rng
        district = rng.randrange(60)
        style = str.upper if district % 2 else str
        plain = _unaccent if district % 3 else str
        entry = date(self._as_of.year - enrolment, 8, rng.randrange(10, 29))
        left = enrolment > 0 or rng.random() < 0.03
        return (
            student_id, f"{district:02d}{next(self._local_numbers) % 1_000_000:06d}",
            f"District {district:02d}", f"School {rng.randrange(1, 40):02d}",
            style(plain(written.first)), style(plain(written.middle)), style(plain(written.last)),
            written.suffix, style(plain(written.aka_first)), style(plain(written.aka_last)),
            "" if person.number % 10 else written.first.split(" ")[0],
            written.birth.isoformat(), written.sex, _RACES[person.group][1],
            _grade(person.birth, self._as_of), entry.isoformat(),
            (entry + timedelta(days=rng.randrange(20, 280))).isoformat() if left else "",
            _STATES[person.number % len(_STATES)], "US" if person.number % 14 else "",
            f"{person.guardian} {person.surnames[0]}", written.zip_code, self._as_of.isoformat(),
        )  # fmt: skip


def _us(day: date) -> str:
    """Return M/D/YYYY without zeros, as spreadsheets write it."""
    return f"{day.month}/{day.day}/{day.year}"


def _grade(birth: date, as_of: date) -> str:
    grade = (as_of - birth).days // 365 - 5
    return "KG" if grade < 1 else f"{min(grade, 12):02d}"


def _unaccent(text: str) -> str:
    return text if text.isascii() else str(anyascii(text))


def _cp1252(text: str) -> str:
    """Return the text as far as the agency's Windows system can hold it."""
    return text.encode("cp1252", "replace").decode("cp1252") if not text.isascii() else text
