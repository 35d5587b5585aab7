"""Match a cell against a schema's pattern in time linear in the cell."""

from __future__ import annotations

import re


class Pattern:
    """A regular expression that a whole cell must fit."""

    def __init__(self, source: str) -> None:
        self._regex = re.compile(source)

    def fits(self, text: str) -> bool:
        """Return whether the whole of `text` fits."""
        return self._regex.fullmatch(text) is not None
