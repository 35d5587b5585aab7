"""A rehearsal of hard cases only: each named trap many times over, so that its rate can be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

from encoding.synth.agencies import ChildWelfareAgency, EducationAgency
from encoding.synth.files import (
    CHILD_WELFARE_LAYOUT,
    K12_LAYOUT,
    RehearsalFiles,
    Row,
    write_agency_file,
    write_look_alikes,
    write_truth,
)
from encoding.synth.names import load_name_tables
from encoding.synth.people import Person, Population, numbering
from encoding.synth.rehearsal import AS_OF, SCHOOL_AGES
from encoding.synth.slips import ERROR_LEVELS, Written, sound_alike, typo

Change = Callable[[Random, Person], dict[str, object]]


@dataclass(frozen=True, slots=True)
class _Pair:
    """One record in each file; `same` if they are the same person, else a trap."""

    case: str
    same: bool
    client: tuple[Person, Written]
    student: tuple[Person, Written]


def write_hard_cases(folder: Path, *, seed: int, n_each: int = 50) -> RehearsalFiles:
    """Write `n_each` of every named hard case; the same arguments write the same bytes everywhere.

    truth.csv holds the pairs that are one person, with the case under `discrepancies`; look_alikes.csv the
    pairs that are two, with the case under `relation`. Rows that nobody can encode are there too (empty,
    future date of birth): they are in neither.
    """
    rng = Random(seed)  # noqa: S311 - invented people, reproducible on purpose
    pairs = list(_pairs(rng, n_each))
    agency = ChildWelfareAgency(rng, ERROR_LEVELS["low"], AS_OF)
    schools = EducationAgency(rng, ERROR_LEVELS["low"], AS_OF)
    client_rows = [_client_row(agency, *pair.client) for pair in pairs]
    student_rows = [
        schools.row(person, person.state_student_id, written)
        for person, written in (pair.student for pair in pairs)
    ]
    truth = [
        _labelled(p, c, s)
        for p, c, s in zip(pairs, client_rows, student_rows, strict=True)
        if p.same
    ]
    traps = [
        (client[0], student[0], pair.case)
        for pair, client, student in zip(pairs, client_rows, student_rows, strict=True)
        if not pair.same
    ]
    client_rows += _rows_nobody_can_encode(agency, pairs[0].client[0])
    rng.shuffle(client_rows)
    rng.shuffle(student_rows)
    files = RehearsalFiles.of(folder)
    write_agency_file(files.child_welfare, CHILD_WELFARE_LAYOUT, client_rows)
    write_agency_file(files.k12, K12_LAYOUT, student_rows)
    write_truth(files.truth, truth)
    write_look_alikes(files.look_alikes, traps)
    return files


def _client_row(agency: ChildWelfareAgency, person: Person, written: Written) -> Row:
    placed = replace(written, zip_code=agency.placement_zip(person))
    return agency.row(person, placed, enrolled=False)


def _pairs(rng: Random, n_each: int) -> Iterator[_Pair]:
    drawn = Population(rng, AS_OF, in_care=True).families(numbering(), numbering(), SCHOOL_AGES)
    people = (family[0] for family in drawn)
    for case, (prepare, change) in _SAME_PERSON.items():
        for _ in range(n_each):
            person = prepare(rng, next(people))
            yield _Pair(
                case, True, (person, _written(person, **change(rng, person))), _plain(person)
            )
    for case, other in _TWO_PEOPLE.items():
        for _ in range(n_each):
            person, stranger = next(people), next(people)
            rival = other(rng, replace(stranger, first=person.first), person)
            yield _Pair(case, False, _plain(person), _plain(replace(rival, number=stranger.number)))


def _labelled(pair: _Pair, client: Row, student: Row) -> Row:
    person = pair.client[0]
    form = "double" if len(person.surnames) > 1 else "single"
    return client[0], student[0], person.group, form, pair.case


def _plain(person: Person) -> tuple[Person, Written]:
    return person, _written(person)


def _written(person: Person, **changes: object) -> Written:
    written = Written(
        person.first,
        person.middle,
        person.last,
        person.suffix,
        person.birth,
        person.sex,
        person.home_zip,
    )
    for name, value in changes.items():
        setattr(written, name, value)
    return written


def _rows_nobody_can_encode(agency: ChildWelfareAgency, person: Person) -> list[Row]:
    future = AS_OF.replace(year=AS_OF.year + 80)
    unusable = (
        _written(person, first="", middle="", last="", suffix="", sex=""),
        _written(person, first="BABY BOY", last="UNKNOWN"),
        _written(person, birth=future),
    )
    return [agency.row(person, written, enrolled=False) for written in unusable]


def _as_is(_: Random, person: Person) -> Person:
    return person


def _named(
    *, first: str | None = None, last: tuple[str, ...] | None = None
) -> Callable[[Random, Person], Person]:
    def prepare(_: Random, person: Person) -> Person:
        return replace(person, first=first or person.first, surnames=last or person.surnames)

    return prepare


def _hispanic(rng: Random, person: Person) -> Person:
    tables = load_name_tables()
    surnames = (tables.surname(rng, "hispanic"), tables.surname(rng, "hispanic"))
    return replace(person, surnames=surnames, hyphenated=False,
                   first=tables.given_name(rng, "hispanic", person.sex, 2012))  # fmt: skip


def _of_origin(origin: str) -> Callable[[Random, Person], Person]:
    def prepare(rng: Random, person: Person) -> Person:
        tables = load_name_tables()
        return replace(
            person, surnames=(tables.surnames[origin].draw(rng),),
            first=tables.given.get((origin, person.sex), tables.given_by_year[person.sex, 2012]).draw(rng),
        )  # fmt: skip

    return prepare


def _born(month: int, day: int) -> Callable[[Random, Person], Person]:
    def prepare(_: Random, person: Person) -> Person:
        year = person.birth.year // 4 * 4 if (month, day) == (2, 29) else person.birth.year
        return replace(person, birth=date(year, month, day))

    return prepare


def _nicknamed(rng: Random, person: Person) -> Person:
    return replace(person, first=rng.choice(sorted(load_name_tables().nicknames)))


def _nickname(rng: Random, person: Person) -> dict[str, object]:
    return {"first": rng.choice(load_name_tables().nicknames[person.first])}


def _unchanged(_: Random, __: Person) -> dict[str, object]:
    return {}


def _other_surname(rng: Random, person: Person) -> str:
    return load_name_tables().surname(rng, person.origin)


_SAME_PERSON: dict[str, tuple[Callable[[Random, Person], Person], Change]] = {
    "identical": (_as_is, _unchanged),
    "double-surname-first-part": (_hispanic, lambda _, p: {"last": p.surnames[0]}),
    "double-surname-second-part": (_hispanic, lambda _, p: {"last": p.surnames[1]}),
    "double-surname-swapped": (_hispanic, lambda _, p: {"last": " ".join(reversed(p.surnames))}),
    "double-surname-hyphen": (_hispanic, lambda _, p: {"last": "-".join(p.surnames)}),
    "double-surname-joined": (_hispanic, lambda _, p: {"last": "".join(p.surnames)}),
    "apostrophe": (_named(last=("O'Neal",)), lambda r, _: {"last": r.choice(("ONeal", "O Neal", "O’Neal"))}),
    "particle": (
        _named(last=("De La Cruz",)),
        lambda r, _: {"last": r.choice(("Delacruz", "DE LACRUZ", "Cruz", "De-La-Cruz"))},
    ),
    "accent": (_named(first="José", last=("Muñoz",)), lambda *_: {"first": "Jose", "last": "MUNOZ"}),
    "mononym": (_as_is, lambda r, _: {"last": r.choice(("", "NLN", "UNKNOWN"))}),
    "suffix": (_as_is, lambda _, p: {"last": f"{p.last}, Jr."}),
    "family-name-first": (_of_origin("korean"), lambda _, p: {"first": p.last, "last": p.first}),
    "nickname": (_nicknamed, _nickname),
    "first-sound-alike": (_as_is, lambda r, p: {"first": sound_alike(r, p.first)}),
    "first-typo": (_as_is, lambda r, p: {"first": typo(r, p.first)}),
    "last-typo": (_as_is, lambda r, p: {"last": typo(r, p.last)}),
    "middle-used-as-first": (
        lambda r, p: replace(p, middle=load_name_tables().given_name(r, p.origin, p.sex, 2012)),
        lambda _, p: {"first": p.middle, "middle": ""},
    ),
    "surname-changed": (_as_is, lambda r, p: {"last": _other_surname(r, p)}),
    "surname-changed-alias-kept": (
        _as_is, lambda r, p: {"last": _other_surname(r, p), "aka_last": p.last},
    ),
    "born-day-month-swapped": (
        _born(4, 9), lambda _, p: {"birth": date(p.birth.year, p.birth.day, p.birth.month)},
    ),
    "born-one-day-off": (_as_is, lambda r, p: {"birth": p.birth + timedelta(days=r.choice((-1, 1)))}),
    "born-one-year-off": (
        _born(5, 20), lambda r, p: {"birth": p.birth.replace(year=p.birth.year + r.choice((-1, 1)))},
    ),
    "born-1-january": (_as_is, lambda _, p: {"birth": p.birth.replace(month=1, day=1)}),
    "born-29-february": (_born(2, 29), _unchanged),
    "sex-unknown": (_as_is, lambda *_: {"sex": ""}),
    "sex-differs": (_as_is, lambda _, p: {"sex": "M" if p.sex == "F" else "F"}),
    "hundred-letter-names": (
        lambda _, p: replace(p, surnames=((p.last * 100)[:100],)), _unchanged,
    ),
}  # fmt: skip

# Each takes a stranger of the same first name and the person, and returns the person's look-alike.
_TWO_PEOPLE: dict[str, Callable[[Random, Person, Person], Person]] = {
    "twin-same-sex": lambda r, s, p: replace(p, first=_first_of(r, p), middle=s.middle),
    "twin-alike-name": lambda r, s, p: replace(p, first=_alike(r, p), middle=s.middle),
    "twin-other-sex": lambda r, s, p: replace(
        p, sex="M" if p.sex == "F" else "F", first=_first_of(r, replace(p, sex="M" if p.sex == "F" else "F")),
        middle=s.middle,
    ),
    "sibling": lambda r, s, p: replace(
        p, first=_first_of(r, p), middle=s.middle, birth=p.birth + timedelta(days=r.randrange(330, 1000))
    ),
    "cousin-same-name-and-year": lambda r, s, p: replace(
        p, middle=s.middle, home_zip=s.home_zip,
        birth=date(p.birth.year, r.randrange(1, 13), r.randrange(1, 29)),
    ),
    "namesake": lambda _, s, p: replace(s, surnames=p.surnames, hyphenated=p.hyphenated, sex=p.sex),
    "namesake-one-digit-off": lambda r, s, p: replace(
        p, middle=s.middle, home_zip=s.home_zip, birth=p.birth + timedelta(days=r.choice((-10, -1, 1, 10)))
    ),
    "same-first-name-and-birth": lambda _, s, p: replace(s, birth=p.birth, sex=p.sex),
}  # fmt: skip


def _first_of(rng: Random, person: Person) -> str:
    while True:
        first = load_name_tables().given_name(rng, person.origin, person.sex, person.birth.year)
        if first != person.first:
            return first


def _alike(rng: Random, person: Person) -> str:
    for _ in range(400):
        first = _first_of(rng, person)
        if first[:2] == person.first[:2]:
            return first
    return typo(rng, person.first)
