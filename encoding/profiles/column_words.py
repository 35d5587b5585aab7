"""Which column of a file may be which input of the recipe, told by the first row alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from encoding.profiles.catalog import load_preset, preset_names
from encoding.recipe import INPUTS
from schemas.linkage.fields import NUMBER_INPUTS

# What people call them; the order of the words does not count.
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "first_name": (
        "first name", "first", "firstname", "given name", "given", "givenname", "forename", "fore name",
        "fname", "f name", "first nm", "nombre", "prenom", "vorname",
    ),
    "middle_name": (
        "middle name", "middle", "middlename", "mid name", "mname", "m name", "mi", "m i", "middle initial",
        "second name",
    ),
    "last_name": (
        "last name", "last", "lastname", "surname", "sur name", "last surname", "lname", "l name", "sname",
        "family name", "family", "familyname", "fam name", "last nm", "apellido", "nachname",
    ),
    "suffix": ("suffix", "name suffix", "generation", "generation suffix"),
    "birth_date": (
        "birth date", "date birth", "birthdate", "birth dt", "dob", "d o b", "birthday", "birth day", "bday",
        "b day", "bdate", "born", "born on", "birth",
    ),
    "sex": ("sex", "gender", "sex gender", "birth sex", "m f"),
    "zip": (
        "zip", "zipcode", "zip 5", "zip5", "postal", "postcode", "post", "postalcode", "home zip",
        "address zip", "mailing zip", "residence zip", "placement zip", "address postal",
    ),
    "student_id": (
        "ssid", "sasid", "state student id", "student state id", "state id", "student id", "student unique id",
    ),
    "case_number": ("case id", "case number", "case"),
    "ssn": ("ssn", "social security", "social security number", "soc sec", "soc sec id", "soc sec number"),
}  # fmt: skip
_ID_WORDS: Final = (
    "id", "record id", "rec id", "row id", "person id", "client id", "pupil id", "student id", "uid",
    "unique id", "usi", "student usi", "record number", "number", "key", "record",
)  # fmt: skip

# They say nothing about which column it is.
_PADDING: Final = frozenset({
    "student", "child", "client", "legal", "person", "people", "pupil", "patient", "member", "youth",
    "kid", "s", "the", "of", "code", "cd", "txt", "text", "value", "primary", "current",
})  # fmt: skip
_OTHER_NAMES: Final = frozenset({
    "alias", "aka", "other", "preferred", "nick", "nickname", "maiden", "former", "previous", "alt",
    "alternate", "chosen", "known",
})  # fmt: skip
# Someone else's name or date, or something else about a birth or an address.
_NOT_THIS: Final = frozenset({
    "parent", "guardian", "mother", "father", "mom", "dad", "school", "teacher", "worker", "caseworker",
    "contact", "spouse", "sibling", "provider", "doctor", "emergency", "caregiver", "user", "country",
    "county", "city", "place", "weight", "estimated", "verified", "year", "removal", "entry", "exit",
    "start", "end", "created", "updated",
})  # fmt: skip
_SAME: Final = {
    "identifier": "id", "ident": "id", "no": "number", "num": "number", "nr": "number", "#": "number",
    "nm": "name", "dt": "date",
}  # fmt: skip
_UNSURE_ID: Final = 3
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|#")
# Whatever stands around them; two words or more always do.
_TELLING: Final = frozenset({
    "surname", "lastname", "firstname", "givenname", "forename", "fname", "lname", "dob", "birthdate",
    "birthday", "zip", "zipcode", "postcode", "postalcode", "ssn", "gender", "middle",
})  # fmt: skip


def columns_by_header(header: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return for each input of the recipe, and each known number, the columns that may be it, best first.

    Inputs that no column may be are left out; a column may be several.
    """
    known = _known_headers()
    found: dict[str, list[tuple[int, int, str]]] = {}
    for place, column in enumerate(header):
        for name, rank in _readings(column, known):
            found.setdefault(name, []).append((rank, place, column))
    return {
        name: tuple(column for *_, column in sorted(columns)) for name, columns in found.items()
    }


def record_id_columns(header: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """Return the columns that may be the record ID, best first, and whether the name leaves no doubt."""
    presets = {loose(load_preset(name).id_column) for name in preset_names()}
    found: list[tuple[int, int, str]] = []
    for place, column in enumerate(header):
        words = _words(column)
        rank = 0 if loose(column) in presets else _rank(words, _ID_WORDS)
        if rank is None and not {"id", "key"}.isdisjoint(words):
            rank = _UNSURE_ID
        if rank is not None and _NOT_THIS.isdisjoint(words):
            found.append((min(rank, _UNSURE_ID), place, column))
    return tuple((column, rank < _UNSURE_ID) for rank, _, column in sorted(found))


def loose(name: str) -> str:
    """Return a column name without case, spaces and underscores, as people vary it."""
    return "".join(filter(str.isalnum, name)).lower()


def _known_headers() -> dict[str, set[str]]:
    """Return the inputs that each header of a known layout stands for."""
    known: dict[str, set[str]] = {}
    layouts = [load_preset(name).columns for name in preset_names()]
    layouts.append({name: name for name in (*INPUTS, *NUMBER_INPUTS.values())})
    for layout in layouts:
        for name, column in layout.items():
            known.setdefault(loose(column), set()).add(name)
    return known


def _readings(column: str, known: Mapping[str, Collection[str]]) -> Iterator[tuple[str, int]]:
    """Yield the inputs that a column may be, each with a rank, 0 for the surest."""
    exact = known.get(loose(column), ())
    yield from ((name, 0) for name in exact)
    words = _words(column)
    others = _OTHER_NAMES & {*words}
    if others == {"maiden"} and {*words} <= {"maiden", "name"}:
        yield "alias_last", 1
        return
    rest = tuple(word for word in words if word not in others)
    for name, ways in _WORDS.items():
        rank = None if name in exact else _rank(rest, ways)
        if rank is None or (rank > 1 and _NOT_THIS & {*words}):
            continue
        if not others:
            yield name, rank
        elif name in ("first_name", "last_name"):
            yield f"alias_{name.removesuffix('_name')}", rank


def _rank(words: Sequence[str], ways: Sequence[str]) -> int | None:
    """Return 1 if the words are one of the ways, 2 if they are but for padding, 3 and more if they hold one."""
    plain = [word for word in words if word not in _PADDING]
    wanted = [frozenset(way.split()) for way in ways]
    if frozenset(words) in wanted:
        return 1
    if frozenset(plain) in wanted:
        return 2
    telling = [
        way for way in wanted if way <= {*plain} and (len(way) > 1 or not way.isdisjoint(_TELLING))
    ]
    return 2 + min(len({*plain} - way) for way in telling) if telling else None


def _words(column: str) -> tuple[str, ...]:
    return tuple(_SAME.get(word.lower(), word.lower()) for word in _WORD.findall(column))
