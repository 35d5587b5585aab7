"""Further spellings that a profile asks for: names exchanged, and both values of a key's column that is empty.

They have rows where a record has room, so that nobody sees which record has any. Spec page:
`schemas/spec/bsf1.md`, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.linkage.profile import EncodingProfile

Columns = Mapping[str, Sequence[str]]
Places = NDArray[np.intp]


def with_exchanged(
    profile: EncodingProfile, columns: Columns, is_main: NDArray[np.bool_]
) -> tuple[Columns, Places]:
    """Return rows of the smaller file, after each main one its exchanged spelling, and whose row each is."""
    n = len(is_main)
    if not profile.exchange:
        return columns, np.arange(n)
    one, other, again = (columns[name] for name in profile.exchange[0])
    has_other = np.fromiter(
        (bool(x and y) and y == z != x for x, y, z in zip(one, other, again, strict=True)),
        dtype=bool,
        count=n,
    )
    of = np.repeat(np.arange(n), 1 + (has_other & is_main))
    is_new = np.diff(of, prepend=-1) == 0
    found = _taken(columns, of)
    for first, second, third in profile.exchange:
        for name, source in ((first, second), (second, first), (third, first)):
            found[name] = [
                columns[source if new else name][at]
                for at, new in zip(of.tolist(), is_new.tolist(), strict=True)
            ]
    return found, of


def with_either(profile: EncodingProfile, columns: Columns) -> tuple[Columns, Places]:
    """Return what keys are made of, with each value in turn where a column is empty, and whose row each is."""
    n = len(next(iter(columns.values())))
    either = profile.either
    if either is None or all(columns[either.column]):
        return columns, np.arange(n)
    own = columns[either.column]
    of = np.repeat(np.arange(n), [1 if value else len(either.values) for value in own])
    place = np.arange(len(of)) - np.searchsorted(of, of)
    found = _taken(columns, of)
    found[either.column] = [
        own[at] or either.values[number]
        for at, number in zip(of.tolist(), place.tolist(), strict=True)
    ]
    return found, of


def _taken(columns: Columns, of: Places) -> dict[str, Sequence[str]]:
    places = of.tolist()
    return {name: [cells[at] for at in places] for name, cells in columns.items()}
