"""Blocking keys: which cells a spelling of a record belongs to.

The main spelling of a record has as many keys as the passes have forms, of which equal ones are numbered
apart, so that their number shows nothing. An alias has keys only where no earlier spelling of the record
has the same one: else two rows of a record would share token and pad.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from encoding.blocks.keys import CellKeys
from schemas.encoding_profile import EncodingProfile
from schemas.passes import KeyForm


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The keys of one spelling: the number of each one's pass, and its cell key of 32 bytes."""

    passes: tuple[int, ...]
    cells: tuple[bytes, ...]


class BlockingKeys:
    """Makes the cell keys of derived rows under one profile and round key."""

    def __init__(self, profile: EncodingProfile, cell_keys: CellKeys) -> None:
        self._cell_keys = cell_keys
        self._forms = tuple(
            (number, one.name, form)
            for number, one in enumerate(profile.passes)
            for form in one.keys
        )

    def of_main(self, columns: Mapping[str, Sequence[str]], row: int) -> Keys:
        """Return the keys of a main spelling, equal ones numbered apart."""
        passes: list[int] = []
        cells: list[bytes] = []
        seen: dict[tuple[int, tuple[str, ...]], int] = {}
        for number, name, form in self._forms:
            parts = key_parts(form, columns, row)
            if parts is not None:
                occurrence = seen[number, parts] = seen.get((number, parts), -1) + 1
                passes.append(number)
                cells.append(self._cell_keys(name, occurrence, parts))
        return Keys(tuple(passes), tuple(cells))

    def of_alias(self, columns: Mapping[str, Sequence[str]], row: int) -> Keys:
        """Return the distinct keys of a spelling, first occurrences only."""
        found: dict[tuple[int, tuple[str, ...]], str] = {}
        for number, name, form in self._forms:
            parts = key_parts(form, columns, row)
            if parts is not None:
                found.setdefault((number, parts), name)
        return Keys(
            tuple(number for number, _ in found),
            tuple(self._cell_keys(name, 0, parts) for (_, parts), name in found.items()),
        )


def key_parts(
    form: KeyForm, columns: Mapping[str, Sequence[str]], row: int
) -> tuple[str, ...] | None:
    """Return the values of one blocking key; None if the row lacks one of them.

    Values of a part that has several columns are sorted, so that exchanged names give the same key.
    """
    parts: list[str] = []
    for part in form:
        values = [columns[column][row] for column in part]
        if not all(values):
            return None
        parts += sorted(values) if len(values) > 1 else values
    return tuple(parts)
