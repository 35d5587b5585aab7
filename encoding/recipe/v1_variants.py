"""Variants of a record in version 1: other names of the same child; gone with that version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
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
    own = (cells.given.first, cells.surname.text)
    found = [names for kind in kinds for names in VARIANT_KINDS[kind](cells, tables) if any(names)]
    return tuple(dict.fromkeys((own, *found)))[:cap] if found else (own,)


def _alias(cells: NameCells, _: Tables) -> Sequence[Names]:
    if not (cells.alias_given.first or cells.alias_surname.words or cells.given.called):
        return ()
    firsts = filter(None, (cells.alias_given.first, cells.given.called, cells.given.first))
    lasts = filter(None, (cells.alias_surname.text, cells.surname.text))
    return tuple(product(firsts, lasts))


def _surname_parts(cells: NameCells, _: Tables) -> Sequence[Names]:
    double = [s.words for s in (cells.surname, cells.alias_surname) if len(s.words) > 1]
    return [(cells.given.first, word) for words in double for word in words] if double else ()


def _nicknames(cells: NameCells, tables: Tables) -> Sequence[Names]:
    formal_names = tables.nicknames.get(cells.given.first, ())
    return [(formal, cells.surname.text) for formal in formal_names]


def _transposed(cells: NameCells, tables: Tables) -> Sequence[Names]:
    """Swap names that look transposed: a given name alone as surname, or a family's name first."""
    first, last = cells.given.first, cells.surname.words
    if not first or not last:
        return ()
    is_given_last = cells.surname.text in tables.given_names and first not in tables.given_names
    is_family_first = first in tables.family_first and last[-1] not in tables.family_first
    return [(last[0], first)] if is_given_last or is_family_first else ()


VARIANT_KINDS = MappingProxyType[str, Callable[[NameCells, Tables], Sequence[Names]]](
    {
        "alias": _alias,
        "surname-parts": _surname_parts,
        "transposed": _transposed,
        "nicknames": _nicknames,
    }
)
