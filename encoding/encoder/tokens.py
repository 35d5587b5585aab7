"""Cut the text of a field into tokens, in the order of clkhash: duplicates count."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import add
from typing import Any

from clkhash.comparators import NgramComparison

from encoding.encoder.formats import RuleBroken

Tokeniser = Callable[[str], list[str]]


def tokeniser(comparator: Any) -> Tokeniser:
    """Return the function that cuts a text as `comparator` does; the empty text has no tokens.

    Args:
        comparator: an n-gram, exact or numeric comparator of clkhash.
    Returns:
        A function that raises RuleBroken for a text that a numeric comparison cannot read.
    """
    if not isinstance(comparator, NgramComparison):
        return partial(_other_tokens, comparator)
    grams = _grams(comparator.n)
    return partial(_positional, grams) if comparator.positional else grams


def _grams(n: int) -> Tokeniser:
    if n == 1:
        return list
    return _bigrams if n == 2 else partial(_ngrams, n)


def _bigrams(text: str) -> list[str]:
    if not text:
        return []
    padded = f" {text} "
    return list(map(add, padded, padded[1:]))


def _ngrams(n: int, text: str) -> list[str]:
    if not text:
        return []
    padding = " " * (n - 1)
    padded = f"{padding}{text}{padding}"
    return [padded[start : start + n] for start in range(len(padded) - n + 1)]


def _positional(grams: Tokeniser, text: str) -> list[str]:
    return [f"{place} {gram}" for place, gram in enumerate(grams(text), start=1)]


def _other_tokens(comparator: Any, text: str) -> list[str]:
    try:
        return list(comparator.tokenize(text))
    except (ValueError, OverflowError):
        raise RuleBroken("not a number") from None
