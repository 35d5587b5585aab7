"""The distinct values of a file, as the numbers by which rows hash them.

A name occurs in many rows, each of which hashes it under another key; what does not depend on the key is
worked out once a name.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.keys import value_word
from encoding.clkhash_names import ExactComparison, NgramComparison
from encoding.encoder.linkage_schema import MAX_NGRAM, parse_linkage_schema
from encoding.encoder.tokens import Tokeniser, tokeniser
from encoding.errors import LinkageSchemaError
from schemas.documents.canonical import unique_object
from schemas.documents.errors import CanonicalError
from schemas.linkage.fields import FILTER_BITS, Lane
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.row_layout import row_layout

# One call gives 64 bits: ten places of six bits in a filter of 64.
PLACES_PER_CALL: Final = 10
MAX_DRAWS: Final = 1_000

Lines = NDArray[np.int32]
"""One spelling of a record a row: the number of its value in each lane's table; 0 where it is missing."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FilterCalls:
    """What a lane's filters are drawn from: the calls of value i are `start[i]` to `start[i + 1]`.

    Attributes:
        start: shape (n + 1,).
        words: the message of each call, uint64.
        draws: how many of the call's ten places count, uint8.
    """

    start: NDArray[np.int64]
    words: NDArray[np.uint64]
    draws: NDArray[np.uint8]


class FilterTexts:
    """The distinct texts of one filter lane, numbered from 1."""

    def __init__(self, lane: Lane) -> None:
        """Read the lane's linkage feature."""
        self._column = lane.column
        self._tokeniser, self.n_draws = read_feature(lane)
        self._numbers: dict[str, int] = {"": 0}
        # Packed: a large file has some hundred thousand names, of which each has about nine calls.
        self._start = array("q", (0, 0))
        self._words = array("Q")
        self._draws = array("B")
        self._word_of: dict[str, int] = {}
        self._frozen: FilterCalls | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def numbers(self, texts: Sequence[str]) -> list[int]:
        """Return the number of each text; a new one gets the next."""
        known = self._numbers
        return [known[text] if text in known else self._add(text) for text in texts]

    def calls(self) -> FilterCalls:
        """Return the calls of all texts so far."""
        if self._frozen is None or len(self._frozen.start) != len(self._start):
            self._frozen = FilterCalls(
                np.array(self._start, dtype=np.int64),
                np.array(self._words, dtype=np.uint64),
                np.array(self._draws, dtype=np.uint8),
            )
        return self._frozen

    def _add(self, text: str) -> int:
        for token, draws in spread_draws(self._tokeniser.tokens(text), self.n_draws):
            word = self._word(token)
            for call, done in enumerate(range(0, draws, PLACES_PER_CALL)):
                self._words.append(word + call)
                self._draws.append(min(PLACES_PER_CALL, draws - done))
        self._start.append(len(self._words))
        number = self._numbers[text] = len(self._numbers)
        return number

    def _word(self, token: str) -> int:
        word = self._word_of.get(token)
        if word is None:
            word = self._word_of[token] = value_word("value", self._column, token)
        return word


class TagValues:
    """The distinct values of one tag lane, numbered from 1, with their words."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._numbers: dict[str, int] = {"": 0}
        self._words = array("Q", (0,))
        self._frozen = np.zeros(1, dtype=np.uint64)

    def numbers(self, values: Sequence[str]) -> list[int]:
        """Return the number of each value; a new one gets the next."""
        known = self._numbers
        return [known[value] if value in known else self._add(value) for value in values]

    def words(self) -> NDArray[np.uint64]:
        """Return the word of each number."""
        if len(self._frozen) != len(self._words):
            self._frozen = np.array(self._words, dtype=np.uint64)
        return self._frozen

    def _add(self, value: str) -> int:
        self._words.append(value_word("value", self._column, value))
        number = self._numbers[value] = len(self._numbers)
        return number


class ValueTables:
    """The values of all lanes of a profile, in the order of the row layout: filters, then tags."""

    def __init__(self, profile: EncodingProfile) -> None:
        self.layout = row_layout(profile)
        self.filters = tuple(FilterTexts(placed.lane) for placed in self.layout.filters)
        self.tags = tuple(TagValues(placed.lane.column) for placed in self.layout.tags)

    def freeze(self) -> None:
        """Make ready what is read of the values so far, so that several threads may read it."""
        for texts in self.filters:
            texts.calls()
        for values in self.tags:
            values.words()

    def lines(self, columns: Mapping[str, Sequence[str]]) -> Lines:
        """Return the numbers of derived rows, shape (n rows, n filters + n tags)."""
        # An array a lane: as Python's numbers those of a nation would not fit into memory.
        numbers = [
            np.array(table.numbers(columns[placed.lane.column]), dtype=np.int32)
            for table, placed in zip(self.filters, self.layout.filters, strict=True)
        ]
        numbers += [
            np.array(values.numbers(columns[placed.lane.column]), dtype=np.int32)
            for values, placed in zip(self.tags, self.layout.tags, strict=True)
        ]
        return np.column_stack(numbers)


@lru_cache(maxsize=64)
def read_feature(lane: Lane) -> tuple[Tokeniser, int]:
    """Return how a filter lane cuts its values, and how many places a value is given.

    What was read is kept: clkhash takes 20 ms to validate a feature, and `refresh` asks several times.

    Raises:
        LinkageSchemaError: the feature is not one that clkhash reads, or not of a fixed number of places.
    """
    try:
        feature = json.loads(lane.linkage or "", object_pairs_hook=unique_object)
    except (ValueError, CanonicalError, RecursionError):
        raise LinkageSchemaError("a lane's linkage feature is not JSON") from None
    config = {"l": FILTER_BITS, "kdf": {"type": "HKDF"}}
    schema = parse_linkage_schema({"version": 3, "clkConfig": config, "features": [feature]})
    (spec,) = schema.fields
    if spec.identifier != lane.column or spec.hashing_properties is None:
        raise LinkageSchemaError(f"the linkage feature of the lane {lane.column} is of no column")
    comparator = spec.hashing_properties.comparator
    if not isinstance(comparator, NgramComparison | ExactComparison):
        raise LinkageSchemaError("a lane compares n-grams or whole values")
    if isinstance(comparator, NgramComparison) and not 1 <= comparator.n <= MAX_NGRAM:
        raise LinkageSchemaError(f"the n of a lane's n-grams must be from 1 to {MAX_NGRAM}")
    _refuse_what_is_not_done(feature)
    n_draws = feature["hashing"]["strategy"].get("bitsPerFeature")
    if type(n_draws) is not int or not 1 <= n_draws <= MAX_DRAWS:
        raise LinkageSchemaError(
            f"the linkage feature of the lane {lane.column} must give it 1 to {MAX_DRAWS} bitsPerFeature"
        )
    return tokeniser(comparator), n_draws


def _refuse_what_is_not_done(feature: dict[str, Any]) -> None:
    """Refuse what clkhash would do before or after it cuts a value, and a row of 64 bytes does not."""
    form, hashing = feature["format"], feature["hashing"]
    if form["type"] != "string" or form.get("encoding", "utf-8") not in ("utf-8", "ascii"):
        raise LinkageSchemaError("a lane's values are strings, in utf-8 or ascii")
    if "missingValue" in hashing or hashing.get("hash", {}).get("type") == "doubleHash":
        raise LinkageSchemaError(
            "a lane's feature has no missingValue, and not the hash doubleHash"
        )


def spread_draws(tokens: Sequence[str], n_draws: int) -> list[tuple[str, int]]:
    """Spread the places of a value evenly over its distinct tokens, in the order of their UTF-8 bytes.

    The first ones get one more where it does not come out even; a token without a place is left out.
    """
    # Code points have the order of their UTF-8 bytes.
    distinct = sorted(set(tokens))
    if not distinct:
        return []
    each, more = divmod(n_draws, len(distinct))
    spread = [(token, each + (at < more)) for at, token in enumerate(distinct)]
    return [(token, draws) for token, draws in spread if draws]
