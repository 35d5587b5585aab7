"""Cut the text of a field into tokens, in the order of clkhash: duplicates count."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoding.clkhash_names import NgramComparison
from encoding.encoder.formats import RuleBroken

_ASCII = 128
_CODED_LENGTH = 64

Codes = NDArray[np.intp]


class Tokeniser(ABC):
    """One comparison of clkhash: cuts a text into tokens.

    Where the tokens of ASCII texts are few enough to be numbered beforehand, texts of one length are cut
    all at once, as numbers: that is what makes names and addresses fast.

    Attributes:
        n_codes: how many such numbers there are; 0 if this tokeniser has none.
    """

    n_codes = 0

    @abstractmethod
    def tokens(self, text: str) -> list[str]:
        """Return the tokens of one text; the empty text has none.

        Raises:
            RuleBroken: a numeric comparison cannot read the text.
        """

    def codes(self, texts: Sequence[str]) -> Codes:
        """Return the token numbers of ASCII texts of one length, shape (n texts, n tokens)."""
        raise NotImplementedError

    def token(self, code: int) -> str:
        """Return the token that has a number."""
        raise NotImplementedError

    def has_codes(self, length: int) -> bool:
        """Tell whether ASCII texts of this length can be cut by `codes`."""
        return bool(self.n_codes) and 0 < length <= _CODED_LENGTH


class Bigrams(Tokeniser):
    """Pairs of characters, with a space before and after the text."""

    n_codes = _ASCII * _ASCII

    def tokens(self, text: str) -> list[str]:
        """Return the pairs."""
        padded = f" {text} "
        return list(map(add, padded, padded[1:])) if text else []

    def codes(self, texts: Sequence[str]) -> Codes:
        """Return 128 x first character + second, for each pair."""
        padded = _characters([f" {text} " for text in texts])
        pairs: Codes = padded[:, :-1] * _ASCII + padded[:, 1:]
        return pairs

    def token(self, code: int) -> str:
        """Return the pair."""
        return chr(code // _ASCII) + chr(code % _ASCII)


class PositionalCharacters(Tokeniser):
    """Characters with their places, from 1."""

    n_codes = (_CODED_LENGTH + 1) * _ASCII

    def tokens(self, text: str) -> list[str]:
        """Return a place and a character each."""
        return [f"{place} {char}" for place, char in enumerate(text, start=1)]

    def codes(self, texts: Sequence[str]) -> Codes:
        """Return 128 x place + character."""
        characters = _characters(texts)
        placed: Codes = characters + _ASCII * np.arange(1, characters.shape[1] + 1)
        return placed

    def token(self, code: int) -> str:
        """Return the place and the character."""
        return f"{code // _ASCII} {chr(code % _ASCII)}"


class Ngrams(Tokeniser):
    """Runs of n characters, with n - 1 spaces before and after the text, with their places or without."""

    def __init__(self, n: int, *, is_positional: bool) -> None:
        self._n = n
        self._is_positional = is_positional

    def tokens(self, text: str) -> list[str]:
        """Return the runs."""
        if not text:
            return []
        padding = " " * (self._n - 1)
        padded = f"{padding}{text}{padding}"
        runs = [padded[start : start + self._n] for start in range(len(text) + self._n - 1)]
        if not self._is_positional:
            return runs
        return [f"{place} {run}" for place, run in enumerate(runs, start=1)]


class ComparatorTokens(Tokeniser):
    """Any other comparison, cut by clkhash itself."""

    def __init__(self, comparator: Any) -> None:
        self._comparator = comparator

    def tokens(self, text: str) -> list[str]:
        """Return what clkhash returns."""
        try:
            return list(self._comparator.tokenize(text))
        except (ValueError, OverflowError):
            raise RuleBroken("not a number") from None


def tokeniser(comparator: Any) -> Tokeniser:
    """Return what cuts a text as `comparator`, an n-gram, exact or numeric comparator of clkhash, does."""
    if not isinstance(comparator, NgramComparison):
        return ComparatorTokens(comparator)
    is_positional = bool(comparator.positional)
    if comparator.n == 2 and not is_positional:
        return Bigrams()
    if comparator.n == 1 and is_positional:
        return PositionalCharacters()
    return Ngrams(comparator.n, is_positional=is_positional)


def _characters(texts: Sequence[str]) -> Codes:
    """Return the characters of ASCII texts of one length, shape (n texts, length)."""
    joined = "".join(texts).encode("ascii")
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(texts), -1).astype(np.intp)
