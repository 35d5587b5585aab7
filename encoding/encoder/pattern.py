"""Match a whole cell against a schema's pattern, in time that does not explode with the cell.

Python's `re` backtracks: `(a+)+b` against thirty letters a takes minutes. Here a pattern without
look-around and back-references becomes an automaton; single characters are still judged by `re`, so
classes and case mean the same. Other patterns are left to `re` if they leave it few ways to try, and are
refused if not.
"""

from __future__ import annotations

import re

from encoding.encoder.automaton import Automaton, automaton_of
from encoding.encoder.pattern_tree import TOKEN, BeyondAutomata, read_repeat

MAX_WAYS = 1 << 16


class UnsafePatternError(ValueError):
    """A pattern could take `re` longer than anyone waits, and cannot be read without it."""


class Pattern:
    """A regular expression, valid for `re`, that a whole cell must fit.

    Raises:
        UnsafePatternError: it can neither be read by an automaton nor safely by `re`.
    """

    def __init__(self, source: str) -> None:
        self._matcher: Automaton | re.Pattern[str]
        try:
            self._matcher = automaton_of(source)
        except (BeyondAutomata, RecursionError):
            self._matcher = _safe_regex(source)

    def fits(self, text: str) -> bool:
        """Return whether the whole of `text` fits, as `re.fullmatch` would."""
        if isinstance(self._matcher, Automaton):
            return self._matcher.accepts(text)
        return self._matcher.fullmatch(text) is not None


def _safe_regex(source: str) -> re.Pattern[str]:
    regex = re.compile(source)
    # Verbose patterns hide white space and comments between what is counted.
    if regex.flags & re.VERBOSE or _n_ways(source) > MAX_WAYS:
        raise UnsafePatternError("the pattern could take too long")
    return regex


def _n_ways(source: str) -> int:
    """Return a bound on the ways `re` can try to fit `source` at one place; more than allowed if unsure."""
    ways = 1
    before = ""
    for found in TOKEN.finditer(source):
        kind, text = str(found.lastgroup), found[0]
        if kind == "bar":
            ways *= 2
        if kind == "repeat":
            times = read_repeat(text)
            if times.most is None or (before == "close" and times.most > 1):
                return MAX_WAYS + 1
            ways *= times.most - times.least + 1
        before = kind
    return ways
