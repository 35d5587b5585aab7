"""Reads a guide: who types what, what is handed to whom, and the files that stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SECTION = re.compile(r"^## \d+\. (\w+(?:, \w+)*): .*$", re.MULTILINE)
_PART = re.compile(
    r"^```sh\n(?P<commands>.*?)^```$"
    r"|^```(?:toml|text)\n# (?P<name>\S+)\n(?P<content>.*?)^```$"
    r"|^\*\*A (?P<span>day|week) later\.\*\*$"
    r"|^\*\*Repeat sections (?P<first>\d+) to (?P<last>\d+) every week\.\*\*$"
    r"|^Hand `(?P<file>[^`]+)` to (?P<receivers>[\w, ]+)\.$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Command:
    """A line that is typed, and how it ends: `blindlink links  # exit code 7`."""

    line: str
    status: int = 0


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that the person writes."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Handing:
    """A file that goes from the person's folder into those of others."""

    file: str
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Later:
    """Time passes."""

    days: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """Sections that are done again every week, by their places, from 0."""

    first: int
    last: int


Part = Command | WrittenFile | Handing | Later | Repeat


@dataclass(frozen=True, slots=True)
class Section:
    """What one person does, in order, after `others` have typed the same commands."""

    others: tuple[str, ...]
    commands: list[Command]
    person: str
    parts: list[Part]

    def steps(self) -> Iterator[tuple[str, Part]]:
        """Yield who does what."""
        for other in self.others:
            for command in self.commands:
                yield other, command
        for part in self.parts:
            yield self.person, part


def read_guide(path: Path) -> list[Section]:
    """Return the numbered sections of a page, `## 3. Ann: ...`, in order.

    Where several persons do the same, each of them has the section; time passes once.
    """
    pieces = _SECTION.split(path.read_text("utf-8"))
    sections = []
    for persons, text in zip(pieces[1::2], pieces[2::2], strict=True):
        parts = [part for found in _PART.finditer(text) for part in _parts(found)]
        commands = [part for part in parts if isinstance(part, Command)]
        *others, last = persons.split(", ")
        sections.append(Section(tuple(others), commands, last, parts))
    return sections


def _parts(found: re.Match[str]) -> list[Part]:
    if found["commands"]:
        return [_command(line) for line in found["commands"].splitlines()]
    if found["name"]:
        return [WrittenFile(found["name"], found["content"])]
    if found["span"]:
        return [Later({"day": 1, "week": 7}[found["span"]])]
    if found["first"]:
        return [Repeat(int(found["first"]) - 1, int(found["last"]) - 1)]
    return [Handing(found["file"], tuple(re.split(r",\s*", found["receivers"])))]


def _command(line: str) -> Command:
    typed, _, status = line.partition("  # exit code ")
    return Command(typed, int(status or 0))
