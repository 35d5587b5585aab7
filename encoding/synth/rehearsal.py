"""Writes the rehearsal: a child-welfare file, a K-12 file, and the truth about who is in both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from random import Random
from types import MappingProxyType

from encoding.errors import RehearsalError
from encoding.synth.agencies import ChildWelfareAgency, EducationAgency, NumbersHeld
from encoding.synth.files import (
    CHILD_WELFARE_LAYOUT,
    K12_LAYOUT,
    RehearsalFiles,
    Row,
    write_agency_file,
    write_look_alikes,
    write_truth,
)
from encoding.synth.people import Person, Population, numbering
from encoding.synth.slips import ERROR_LEVELS, Written

AS_OF = date(2025, 10, 1)
SCHOOL_AGES = (5.0, 19.0)
# Rows wait in a window of this size and leave it in random order: enrolments of one student part.
_SCATTER_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class RehearsalSize:
    """Number of children in care and of students, and the share of children who are students."""

    n_children: int
    n_students: int
    overlap: float


SIZES = MappingProxyType(
    {
        "district": RehearsalSize(300, 50_000, 0.05),
        "small-state": RehearsalSize(4_000, 200_000, 0.6),
        "mid-state": RehearsalSize(11_000, 1_500_000, 0.6),
        "large-state": RehearsalSize(55_000, 6_000_000, 0.6),
    }
)


@dataclass(slots=True)
class _Member:
    """One of the people around the children in care, and the records that the agencies made of them."""

    person: Person
    in_care: bool
    enrolled: bool
    client_records: list[tuple[str, Written]] = field(default_factory=list)
    student_records: dict[str, Written] = field(default_factory=dict)


def write_rehearsal(
    folder: Path,
    *,
    seed: int,
    n_children: int,
    n_students: int,
    overlap: float = 0.6,
    error_level: str = "mid",
    known_numbers: bool = False,
) -> RehearsalFiles:
    """Write two agencies' files and the truth; the same arguments write the same bytes everywhere."""
    if error_level not in ERROR_LEVELS:
        raise RehearsalError(f"the error level must be one of {', '.join(ERROR_LEVELS)}")
    if n_children < 1 or not 0 <= overlap <= 1 or n_students < n_children:
        raise RehearsalError(
            "the rehearsal needs an overlap from 0 to 1, and as many students as children"
        )
    rng = Random(seed)  # noqa: S311 - invented people, reproducible on purpose
    numbers, families = numbering(), numbering()
    cast = _draw_cast(rng, numbers, families, n_children, round(n_children * overlap))
    children = [member for member in cast if member.in_care]
    rng.shuffle(children)
    # In a full school file siblings give way, so that the overlap is exact.
    enrolled = sorted((m for m in cast if m.enrolled), key=lambda member: not member.in_care)
    students = enrolled[:n_students]
    rng.shuffle(students)
    strangers = _strangers(rng, numbers, families, n_students - len(students))
    rates = ERROR_LEVELS[error_level]
    files = RehearsalFiles.of(folder)
    held = None
    if known_numbers:
        own = Random(f"{seed} known numbers")  # noqa: S311 - as above
        held = NumbersHeld(own, [member.person for member in students])
    agency = ChildWelfareAgency(rng, rates, AS_OF, held)
    write_agency_file(files.child_welfare, CHILD_WELFARE_LAYOUT, _client_rows(agency, children))
    schools = EducationAgency(rng, rates, AS_OF)
    everyone = _mingled(rng, students, strangers, n_students)
    write_agency_file(files.k12, K12_LAYOUT, _scattered(rng, _student_rows(schools, everyone)))
    write_truth(files.truth, _true_pairs(children))
    write_look_alikes(files.look_alikes, _look_alikes(cast))
    return files


def _draw_cast(
    rng: Random, numbers: Iterator[int], families: Iterator[int], n_children: int, n_both: int
) -> list[_Member]:
    """Draw the children in care, exactly `n_both` of them enrolled, and their enrolled siblings."""
    population = Population(rng, AS_OF, in_care=True)
    cast: list[_Member] = []
    n_left = {(True, True): n_both, (True, False): n_children - n_both}
    for family in _families(rng, population, numbers, families, n_left):
        for person, of_school_age in family:
            in_care, enrolled = rng.random() < 0.88, of_school_age and rng.random() < 0.92
            if in_care and n_left[in_care, enrolled]:
                n_left[in_care, enrolled] -= 1
                cast.append(_Member(person, in_care, enrolled))
            elif enrolled and not in_care:
                cast.append(_Member(person, in_care, enrolled))
    return cast


def _families(
    rng: Random,
    population: Population,
    numbers: Iterator[int],
    families: Iterator[int],
    n_left: dict[tuple[bool, bool], int],
) -> Iterator[list[tuple[Person, bool]]]:
    """Yield families until nobody is left to draw, aged so that they can be who is left."""
    at_school = population.families(numbers, families, SCHOOL_AGES)
    too_young = population.families(numbers, families, (0.0, 5.0))
    school_left = population.families(numbers, families, (19.0, 21.0))
    while any(n_left.values()):
        if n_left[True, True]:
            yield [(person, True) for person in next(at_school)]
        else:
            ages = too_young if rng.random() < 0.75 else school_left
            yield [(person, False) for person in next(ages)]


def _strangers(
    rng: Random, numbers: Iterator[int], families: Iterator[int], n_people: int
) -> Iterator[_Member]:
    """Yield students who have nothing to do with the child-welfare agency."""
    drawn = Population(rng, AS_OF, in_care=False).families(numbers, families, SCHOOL_AGES)
    people = (person for family in drawn for person in family)
    for person in islice(people, n_people):
        yield _Member(person, in_care=False, enrolled=True)


def _client_rows(agency: ChildWelfareAgency, children: list[_Member]) -> Iterator[Row]:
    for child in children:
        for row, written in agency.rows(child.person, enrolled=child.enrolled):
            child.client_records.append((row[0], written))
            yield row


def _student_rows(schools: EducationAgency, students: Iterable[_Member]) -> Iterator[Row]:
    for student in students:
        for row, written in schools.rows(student.person, in_care=student.in_care):
            student.student_records.setdefault(row[0], written)
            yield row


def _mingled(
    rng: Random, few: list[_Member], many: Iterator[_Member], n_total: int
) -> Iterator[_Member]:
    """Yield all of both, the few at random places among the many."""
    n_few = len(few)
    for n_left in range(n_total, 0, -1):
        if rng.random() * n_left < n_few:
            n_few -= 1
            yield few[n_few]
        else:
            yield next(many)


def _scattered(rng: Random, rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows in an order that is random within a window, in bounded memory."""
    window: list[Row] = []
    for row in rows:
        if len(window) < _SCATTER_ROWS:
            window.append(row)
            continue
        at = rng.randrange(_SCATTER_ROWS)
        yield window[at]
        window[at] = row
    rng.shuffle(window)
    yield from window


def _true_pairs(children: list[_Member]) -> Iterator[Row]:
    for child in children:
        for client_id, at_welfare in child.client_records:
            for student_id, at_school in child.student_records.items():
                yield (
                    client_id, student_id, child.person.group, _surname_form(child.person),
                    " ".join(sorted({*at_welfare.slips, *at_school.slips})),
                )  # fmt: skip


def _look_alikes(cast: list[_Member]) -> Iterator[Row]:
    """Yield pairs of records of two children of one family, one in each file."""
    families: dict[int, list[_Member]] = {}
    for member in cast:
        families.setdefault(member.person.family, []).append(member)
    for members in families.values():
        for one in members:
            for other in members:
                if one is not other:
                    relation = _relation(one.person, other.person)
                    for client_id, _ in one.client_records:
                        for student_id in other.student_records:
                            yield client_id, student_id, relation


def _relation(one: Person, other: Person) -> str:
    return "twin" if one.twins and one.twins == other.twins else "sibling"


def _surname_form(person: Person) -> str:
    if len(person.surnames) > 1:
        return "double"
    return "single" if person.last.isalpha() and person.last.isascii() else "marked"
