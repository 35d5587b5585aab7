"""Reads a guide: who types what, what is handed to whom, and the files that stand in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_SECTION = re.compile(r"^## \d+\. (\w+): .*$", re.MULTILINE)
_PART = re.compile(
    r"^```sh\n(?P<commands>.*?)^```$"
    r"|^```toml\n# (?P<name>\S+)\n(?P<content>.*?)^```$"
    r"|^Hand `(?P<file>[^`]+)` to (?P<receivers>[\w, ]+)\.$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Command:
    """A line that is typed."""

    line: str


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


Part = Command | WrittenFile | Handing


@dataclass(frozen=True, slots=True)
class Section:
    """What one person does, in order."""

    person: str
    parts: list[Part] = field(default_factory=list)


def read_guide(path: Path) -> list[Section]:
    """Return the numbered sections of a page, `## 3. Ann: ...`, in order."""
    pieces = _SECTION.split(path.read_text("utf-8"))
    sections = []
    for person, text in zip(pieces[1::2], pieces[2::2], strict=True):
        section = Section(person)
        for found in _PART.finditer(text):
            section.parts.extend(_parts(found))
        sections.append(section)
    return sections


def _parts(found: re.Match[str]) -> list[Part]:
    if found["commands"]:
        return [Command(line) for line in found["commands"].splitlines()]
    if found["name"]:
        return [WrittenFile(found["name"], found["content"])]
    return [Handing(found["file"], tuple(re.split(r",\s*", found["receivers"])))]
