"""A position automaton (Glushkov 1961): it reads each character of a cell once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from encoding.encoder.pattern_tree import (
    FLAGS,
    BeyondAutomata,
    Character,
    Choice,
    Node,
    Repeat,
    Repeated,
    Sequence,
    read_pattern,
)

MAX_POSITIONS = 2_000
_MAX_REMEMBERED = 50_000


def automaton_of(source: str) -> Automaton:
    """Return the automaton of a pattern that `re` has found valid.

    Raises:
        BeyondAutomata: no automaton of a reasonable size does what the pattern says.
    """
    flags = FLAGS.match(source)
    automaton = Automaton(flags[0] if flags else "")
    automaton.whole = automaton.build(read_pattern(source[flags.end() if flags else 0 :]))
    return automaton


class Fragment(NamedTuple):
    """A piece of the automaton; sets of positions are the set bits of an integer."""

    is_nullable: bool
    first: int
    last: int


_NOTHING = Fragment(is_nullable=True, first=0, last=0)


@dataclass(slots=True)
class Automaton:
    """Positions of the pattern, each a single-character expression, and which may follow which."""

    flags: str
    sources: list[str] = field(default_factory=list)
    follow: list[int] = field(default_factory=list)
    whole: Fragment = _NOTHING
    _fitting: dict[str, int] = field(default_factory=dict)
    _steps: dict[tuple[int, str], int] = field(default_factory=dict)

    def accepts(self, text: str) -> bool:
        """Return whether the automaton ends in a last position after all of `text`."""
        if not text:
            return self.whole.is_nullable
        state = self.whole.first & self._fitting_positions(text[0])
        for char in text[1:]:
            if not state:
                return False
            step = self._steps.get((state, char))
            state = self._step(state, char) if step is None else step
        return bool(state & self.whole.last)

    def _step(self, state: int, char: str) -> int:
        reachable = 0
        for position in _members(state):
            reachable |= self.follow[position]
        if len(self._steps) > _MAX_REMEMBERED:
            self._steps.clear()
        step = self._steps[state, char] = reachable & self._fitting_positions(char)
        return step

    def _fitting_positions(self, char: str) -> int:
        fitting = self._fitting.get(char)
        if fitting is None:
            judged = {source: self._is_fit(source, char) for source in set(self.sources)}
            fitting = sum(1 << at for at, source in enumerate(self.sources) if judged[source])
            if len(self._fitting) > _MAX_REMEMBERED:
                self._fitting.clear()
            self._fitting[char] = fitting
        return fitting

    def _is_fit(self, source: str, char: str) -> bool:
        return re.fullmatch(self.flags + source, char) is not None

    def build(self, node: Node) -> Fragment:
        """Add the positions of `node` and return its fragment."""
        match node:
            case Character(source):
                return self._position(source)
            case Sequence(parts):
                return self._concatenated([self.build(part) for part in parts])
            case Choice(parts):
                return _alternatives([self.build(part) for part in parts])
            case Repeated(part, times):
                return self._repeated(part, times)

    def _position(self, source: str) -> Fragment:
        if len(self.sources) >= MAX_POSITIONS:
            raise BeyondAutomata
        mask = 1 << len(self.sources)
        self.sources.append(source)
        self.follow.append(0)
        return Fragment(is_nullable=False, first=mask, last=mask)

    def _concatenated(self, fragments: Iterable[Fragment]) -> Fragment:
        joined = _NOTHING
        for fragment in fragments:
            self._link(joined.last, fragment.first)
            joined = Fragment(
                is_nullable=joined.is_nullable and fragment.is_nullable,
                first=joined.first | (fragment.first if joined.is_nullable else 0),
                last=fragment.last | (joined.last if fragment.is_nullable else 0),
            )
        return joined

    def _repeated(self, part: Node, times: Repeat) -> Fragment:
        """Write the repetition out: as many copies as it must have, then those it may have."""
        once = self.build(part)
        if times.most == 0 or not once.first:
            return _NOTHING
        if times.most is None:
            self._link(once.last, once.first)
        n_copies = max(1, times.least) if times.most is None else times.most
        if n_copies > MAX_POSITIONS:
            raise BeyondAutomata
        copies = [*(self.build(part) for _ in range(n_copies - 1)), once]
        return self._concatenated(
            copy if number < times.least else copy._replace(is_nullable=True)
            for number, copy in enumerate(copies)
        )

    def _link(self, sources: int, targets: int) -> None:
        for position in _members(sources):
            self.follow[position] |= targets


def _alternatives(fragments: Iterable[Fragment]) -> Fragment:
    is_nullable, first, last = False, 0, 0
    for fragment in fragments:
        is_nullable |= fragment.is_nullable
        first |= fragment.first
        last |= fragment.last
    return Fragment(is_nullable, first, last)


def _members(positions: int) -> list[int]:
    members = []
    while positions:
        lowest = positions & -positions
        members.append(lowest.bit_length() - 1)
        positions ^= lowest
    return members
