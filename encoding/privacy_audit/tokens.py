"""What an attacker knows about a person: the tokens that the linkage schema cuts each column into."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from encoding.encoder.formats import RuleBroken
from encoding.encoder.linkage_schema import Field, read_linkage_schema
from encoding.specimen import Cleaned
from schemas.profile import EncodingProfile

# Any key will do: only formats and comparisons of the linkage schema are used.
_NO_KEY = "0" * 64

TokenSets = list[NDArray[np.intp]]
"""Numbers of the different tokens of each row; a token of two fields has two numbers."""


def token_sets(cleaned: Cleaned, profile: EncodingProfile) -> TokenSets:
    """Return the tokens of each cleaned row."""
    fields = read_linkage_schema(json.loads(profile.linkage_schema), _NO_KEY).fields
    number_of: dict[tuple[int, str], int] = {}
    by_field = [
        [_tokens(field, cell) for cell in cleaned.columns[field.identifier]] for field in fields
    ]
    return [
        np.array(
            sorted(
                {
                    number_of.setdefault((place, token), len(number_of))
                    for place, tokens in enumerate(row)
                    for token in tokens
                }
            ),
            dtype=np.intp,
        )
        for row in zip(*by_field, strict=True)
    ]


def indicators(sets: TokenSets, chosen: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return which of the chosen tokens each row has: shape (n rows, n chosen), 0 and 1."""
    n_tokens = 1 + max((int(tokens[-1]) for tokens in sets if len(tokens)), default=0)
    place = np.full(max(n_tokens, int(chosen.max(initial=0)) + 1), -1, dtype=np.intp)
    place[chosen] = np.arange(len(chosen))
    found = np.zeros((len(sets), len(chosen)), dtype=np.float32)
    for row, tokens in enumerate(sets):
        columns = place[tokens]
        found[row, columns[columns >= 0]] = 1
    return found


def seen_often(sets: TokenSets, at_least: int) -> NDArray[np.intp]:
    """Return the tokens that at least so many rows have."""
    counts = np.bincount(np.concatenate([*sets, np.empty(0, dtype=np.intp)]))
    return np.flatnonzero(counts >= at_least)


def _tokens(field: Field, cell: str) -> Sequence[str]:
    try:
        return field.tokeniser.tokens(field.format.read(cell))
    except RuleBroken:
        return ()
