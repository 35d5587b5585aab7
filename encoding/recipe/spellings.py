"""Aliases of a record: other spellings under which the same person may stand in the other agency's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import TypeAlias

from encoding.recipe.names import GivenName, Surname, surname_pair, surname_parts
from encoding.recipe.tables import Tables

Spelling: TypeAlias = tuple[str, tuple[str, ...]]
"""First name and surname pair."""


NameCells: TypeAlias = tuple[GivenName, Surname, GivenName, Surname]
"""The cleaned names of one row, own and alias; the latter are empty where the row has none."""


def may_have_aliases(names: NameCells, tables: Tables) -> bool:
    """Return whether `find_aliases` could find any; it is quick to say no, which is so for most rows."""
    given, surname, alias_given, alias_surname = names
    return bool(
        given.called
        or alias_given.first
        or alias_surname.parts
        or _looks_transposed(given, surname, tables)
    )


def find_aliases(
    names: NameCells, kinds: Sequence[str], cap: int, tables: Tables
) -> tuple[Spelling, ...]:
    """Return the aliases of a row, each once, in order of preference: `cap` spellings with the main one."""
    main = (names[0].first, names[1].pair)
    found = (other for kind in kinds for other in ALIAS_KINDS[kind](names, tables) if any(other))
    return tuple(dict.fromkeys((main, *found)))[1:cap]


def _alias(names: NameCells, _: Tables) -> Iterator[Spelling]:
    """Yield the combinations of own and other names, those that change one name first."""
    given, surname, alias_given, alias_surname = names
    other_firsts = [name for name in (alias_given.first, given.called) if name]
    if alias_surname.pair:
        yield given.first, alias_surname.pair
    for other_first in other_firsts:
        yield other_first, surname.pair
    if alias_surname.pair:
        for other_first in other_firsts:
            yield other_first, alias_surname.pair


def _transposed(names: NameCells, tables: Tables) -> Iterator[Spelling]:
    """Yield the names swapped, where they look transposed."""
    given, surname = names[:2]
    if _looks_transposed(given, surname, tables):
        yield surname.parts[0], surname_pair(surname_parts((given.first,), tables))


def _looks_transposed(given: GivenName, surname: Surname, tables: Tables) -> bool:
    """Return whether the last name is a given name alone, or the first name a family's name."""
    first, parts = given.first, surname.parts
    if first in tables.family_first:
        return bool(parts) and parts[-1] not in tables.family_first
    is_given_last = len(parts) == 1 and parts[0] in tables.given_names
    return is_given_last and bool(first) and first not in tables.given_names


ALIAS_KINDS = MappingProxyType[str, Callable[[NameCells, Tables], Iterator[Spelling]]](
    {"alias": _alias, "transposed": _transposed}
)
