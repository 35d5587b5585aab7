"""Blocking keys as numbers, many rows at a time: equal where the keys of encoding are equal.

Nothing is protected here: the numbers never leave the process, and only serve to count equal keys.
`encoding.blocks.blocking_keys` makes the keys that rows are encoded under.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.keys import value_word
from encoding.recipe.memo import Remembered
from schemas.linkage.passes import KeyForm, Part
from schemas.linkage.profile import EncodingProfile

Words = NDArray[np.uint64]

# The finisher of SplitMix64: every bit of a number changes half of the bits of the result.
_MIX: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT: Final = np.uint64(31)
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HashedKeys:
    """Keys of some rows.

    Attributes:
        values: the number of each row's value in each key column, 0 where it is missing.
        keys: the number of each row's key of each form, equal ones of a pass apart; 0 where it has none.
    """

    values: Words
    keys: Words


class KeyHasher:
    """Makes the keys of a profile's passes.

    Attributes:
        columns: the derived columns that keys are made of.
        passes: number of the pass of each form.
        forms: the places in `columns` of what each form is made of.
    """

    def __init__(self, profile: EncodingProfile) -> None:
        self._forms = [
            (number, form) for number, one in enumerate(profile.passes) for form in one.keys
        ]
        named = [name for _, form in self._forms for part in form for name in part]
        self.columns = tuple(dict.fromkeys(named))
        self.passes = np.array([number for number, _ in self._forms], dtype=np.intp)
        self.forms = tuple(
            tuple(self.columns.index(name) for part in form for name in part)
            for _, form in self._forms
        )
        self._word_of = Remembered[str, int](lambda text: value_word("check", text) if text else 0)

    def clear(self) -> None:
        """Forget every value that was hashed."""
        self._word_of.clear()

    def hash(self, columns: Mapping[str, Sequence[str]]) -> HashedKeys:
        """Return the keys of derived rows."""
        word_of = self._word_of
        named = {
            name: np.array([word_of[text] for text in columns[name]], dtype=np.uint64)
            for name in self.columns
        }
        keys: list[Words] = []
        earlier: list[Words] = []
        for at, (number, form) in enumerate(self._forms):
            if at == 0 or number != self._forms[at - 1][0]:
                earlier = []
            plain = _key(number, form, named)
            n_before = sum((plain == other).astype(np.uint64) for other in earlier)
            occurrence = np.broadcast_to(np.asarray(n_before, dtype=np.uint64), plain.shape)
            is_there = plain != 0
            keys.append(np.where(occurrence > 0, _mixed(plain + occurrence * _STEP), plain))
            keys[-1][~is_there] = 0
            earlier.append(plain)
        values = np.stack([named[name] for name in self.columns], axis=1)
        return HashedKeys(values, np.stack(keys, axis=1))


def _key(number: int, form: KeyForm, named: Mapping[str, Words]) -> Words:
    """Return the keys of one form; 0 where a value is missing."""
    parts = [_part(part, named) for part in form]
    start = np.full_like(parts[0], number + 1)
    key = reduce(lambda so_far, part: _mixed(so_far * _STEP + part), parts, start)
    key[np.any([named[name] == 0 for part in form for name in part], axis=0)] = 0
    return key


def _part(part: Part, named: Mapping[str, Words]) -> Words:
    """Return the numbers of one part; exchanged values of several columns give the same one."""
    mixed = [_mixed(named[name]) for name in part]
    return _mixed(reduce(np.add, mixed))


def _mixed(words: Words) -> Words:
    for shift, factor in _MIX:
        words = (words ^ (words >> np.uint64(shift))) * np.uint64(factor)
    return words ^ (words >> _LAST_SHIFT)
