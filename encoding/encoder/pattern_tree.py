"""The parts of a regular expression that an automaton can read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

FLAGS = re.compile(r"\(\?([aimsu]+)\)")
TOKEN = re.compile(
    r"""
      (?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
    | (?P<escape>\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[dDwWsSntrfva]|[^0-9A-Za-z]))
    | (?P<start>\^|\\A)
    | (?P<end>\$|\\Z)
    | (?P<other>\\.|\(\?(?!:|P<))
    | (?P<repeat>(?:[*+?]|\{(?:\d+(?:,\d*)?|,\d*)\})[?+]?)
    | (?P<open>\((?:\?:|\?P<\w+>)?)
    | (?P<close>\))
    | (?P<bar>\|)
    | (?P<char>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class BeyondAutomata(Exception):
    """The pattern has a construct that no finite automaton has, or too many positions."""


class Repeat(NamedTuple):
    """How often a part repeats; `most` None is without limit."""

    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Character:
    """One character, by the single-character expression that it must fit."""

    source: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """A part that repeats."""

    part: Node
    times: Repeat


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts one after the other; none is the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Parts of which one must fit."""

    parts: tuple[Node, ...]


Node = Character | Repeated | Sequence | Choice


def read_pattern(source: str) -> Node:
    """Return the parts of a pattern that `re` has found valid, without its leading flags.

    Raises:
        BeyondAutomata: look-around, back-references, possessive quantifiers, anchors inside.
    """
    return _Reader(source).read()


def read_repeat(text: str) -> Repeat:
    """Return how often a quantifier repeats; a lazy one fits the same cells."""
    simple = {"*": Repeat(0, None), "+": Repeat(1, None), "?": Repeat(0, 1)}
    if text[0] in simple:
        return simple[text[0]]
    least, comma, most = text[1 : text.index("}")].partition(",")
    if not comma:
        return Repeat(int(least), int(least))
    return Repeat(int(least or 0), int(most) if most else None)


class _Reader:
    """Reads the tokens of a pattern that `re` has already found valid."""

    def __init__(self, source: str) -> None:
        self._tokens = [(str(m.lastgroup), m[0]) for m in TOKEN.finditer(source)]
        self._at = 0

    def read(self, depth: int = 0) -> Node:
        """Return what stands before the closing parenthesis, or the end, of this depth."""
        choices: list[Node] = []
        while True:
            choices.append(self._sequence(depth))
            if self._kind() != "bar":
                break
            self._at += 1
        return choices[0] if len(choices) == 1 else Choice(tuple(choices))

    def _kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _sequence(self, depth: int) -> Node:
        self._skip_anchors("start", depth)
        parts: list[Node] = []
        while self._kind() not in {"", "bar", "close"}:
            if self._kind() == "end":
                self._skip_anchors("end", depth)
                break
            parts.append(self._repeated(self._part(depth)))
        if self._kind() not in {"", "bar", "close"}:
            _refuse()
        return Sequence(tuple(parts))

    def _skip_anchors(self, kind: str, depth: int) -> None:
        """Anchors say nothing new at the ends of a whole match, and too much anywhere else."""
        while self._kind() == kind:
            if depth:
                _refuse()
            self._at += 1

    def _part(self, depth: int) -> Node:
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind in {"set", "escape"} or text == ".":
            return Character(text)
        if kind == "char":
            return Character(re.escape(text))
        if kind != "open":
            _refuse()
        inner = self.read(depth + 1)
        self._at += 1
        return inner

    def _repeated(self, part: Node) -> Node:
        if self._kind() != "repeat":
            return part
        text = self._tokens[self._at][1]
        self._at += 1
        if len(text) > 1 and text.endswith("+"):
            _refuse()  # possessive: it changes what fits
        return Repeated(part, read_repeat(text))


def _refuse() -> NoReturn:
    raise BeyondAutomata
