"""Blocking keys: which cells a spelling of a record belongs to.

The main spelling of a record has as many keys as the passes have forms, of which equal ones are numbered
apart, so that their number shows nothing. An alias has keys only where no earlier spelling of the record
has the same one: else two rows of a record would share token and pad. Its equal keys are numbered apart too:
of swapped names the second occurrence is the one that the main spelling lacks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.keys import CellKeys, packed
from schemas.linkage.passes import KeyForm, Part
from schemas.linkage.profile import EncodingProfile

Columns = Mapping[str, Sequence[str]]
# What a form of several rows gives: the packed values of each row's key; empty where it has none.
_Values = list[bytes]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FormKeys:
    """The keys that one form gives some rows: those rows, and their cell keys of 32 bytes, in their order."""

    pass_number: int
    rows: NDArray[np.intp]
    cells: list[bytes]


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The keys of one spelling: the number of each one's pass, and its cell key of 32 bytes."""

    passes: list[int]
    cells: list[bytes]


class BlockingKeys:
    """Makes the cell keys of derived rows under one profile and round key."""

    def __init__(self, profile: EncodingProfile, cell_keys: CellKeys) -> None:
        self._cell_keys = cell_keys
        self._passes = profile.passes
        # The head of a cell's packed name, by pass and occurrence.
        self._heads = tuple(
            tuple(packed(one.name, str(occurrence)) for occurrence in range(len(one.keys)))
            for one in profile.passes
        )

    def of_mains(self, columns: Columns, rows: NDArray[np.intp]) -> Iterator[FormKeys]:
        """Yield the keys of main spellings, form by form, equal ones of a row numbered apart."""
        packs = _PackedColumns(columns, rows.tolist())
        for number, (one, heads) in enumerate(zip(self._passes, self._heads, strict=True)):
            earlier: list[_Values] = []
            for form in one.keys:
                values = packs.of_form(form)
                has_key = [at for at, value in enumerate(values) if value]
                before = list(zip(*earlier, strict=True)) or [()] * len(values)
                names = (heads[before[at].count(values[at])] + values[at] for at in has_key)
                yield FormKeys(number, rows[has_key], self._cell_keys.of_packed(names))
                earlier.append(values)

    def of_aliases(self, columns: Columns, rows: Sequence[int]) -> Iterator[Keys]:
        """Yield the keys of each of some spellings, equal ones numbered apart: first occurrences come first."""
        packs = _PackedColumns(columns, rows)
        forms = [
            (number, heads, packs.of_form(form))
            for number, (one, heads) in enumerate(zip(self._passes, self._heads, strict=True))
            for form in one.keys
        ]
        for at in range(len(rows)):
            met: Counter[tuple[int, bytes]] = Counter()
            found: list[tuple[int, int, bytes]] = []
            for number, heads, values in forms:
                if value := values[at]:
                    occurrence = met[number, value]
                    met[number, value] += 1
                    found.append((occurrence, number, heads[occurrence] + value))
            found.sort(key=itemgetter(0))
            names = [name for _, _, name in found]
            yield Keys([number for _, number, _ in found], self._cell_keys.of_packed(names))


class _PackedColumns:
    """The values of some rows, packed as a cell's name holds them; each column once."""

    def __init__(self, columns: Columns, rows: Sequence[int]) -> None:
        self._columns, self._rows = columns, rows
        self._parts: dict[Part, _Values] = {}

    def of_form(self, form: KeyForm) -> _Values:
        """Return the packed values of each row's key; empty where the row lacks one of them."""
        parts = [self._of_part(part) for part in form]
        return [b"".join(values) if all(values) else b"" for values in zip(*parts, strict=True)]

    def _of_part(self, part: Part) -> _Values:
        if part not in self._parts:
            first, *others = [[self._columns[name][row] for row in self._rows] for name in part]
            self._parts[part] = _exchangeable(first, *others) if others else _singles(first)
        return self._parts[part]


def _singles(values: list[str]) -> _Values:
    known = {value: packed(value) if value else b"" for value in set(values)}
    return [known[value] for value in values]


def _exchangeable(*columns: list[str]) -> _Values:
    # Values of several columns are sorted, so that exchanged names give the same key.
    return [
        packed(*sorted(values)) if all(values) else b"" for values in zip(*columns, strict=True)
    ]
