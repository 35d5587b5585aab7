"""Variants of a record: other names under which the same child may stand in the other agency's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from encoding.recipe.names import GivenName, Surname
from encoding.recipe.tables import Tables

Names = tuple[str, str]
"""First name and surname text."""


@dataclass(frozen=True, slots=True)
class NameCells:
    """The cleaned names of one row; the alias parts are empty where the row has none."""

    given: GivenName
    surname: Surname
    alias_given: GivenName
    alias_surname: Surname


def name_variants(
    cells: NameCells, kinds: Sequence[str], cap: int, tables: Tables
) -> tuple[Names, ...]:
    """Return the names of a row and of its variants: its own first, each once, at most `cap`."""
    found: dict[Names, None] = {(cells.given.first, cells.surname.text): None}
    for kind in kinds:
        for names in VARIANT_KINDS[kind](cells, tables):
            if any(names):
                found[names] = None
    return tuple(found)[:cap]


def _alias(cells: NameCells, _: Tables) -> Iterator[Names]:
    firsts = [cells.alias_given.first, cells.given.called, cells.given.first]
    lasts = [cells.alias_surname.text, cells.surname.text]
    for first in filter(None, firsts):
        for last in filter(None, lasts):
            yield first, last


def _surname_parts(cells: NameCells, _: Tables) -> Iterator[Names]:
    for surname in (cells.surname, cells.alias_surname):
        if len(surname.words) > 1:
            for word in surname.words:
                yield cells.given.first, word


def _nicknames(cells: NameCells, tables: Tables) -> Iterator[Names]:
    for formal in tables.nicknames.get(cells.given.first, ()):
        yield formal, cells.surname.text


def _transposed(cells: NameCells, tables: Tables) -> Iterator[Names]:
    """Swap the names where they look transposed: the surname is a common given name, the other is not."""
    first, last = cells.given.first, cells.surname.text
    if last in tables.given_names and first and first not in tables.given_names:
        yield last, first


VARIANT_KINDS = MappingProxyType[str, Callable[[NameCells, Tables], Iterator[Names]]](
    {
        "alias": _alias,
        "surname-parts": _surname_parts,
        "transposed": _transposed,
        "nicknames": _nicknames,
    }
)
