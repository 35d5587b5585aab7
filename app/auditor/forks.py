"""Two stories of one log: what was shown to one reader, held against what was shown to another.

Each entry names the one before it of its project, and what persons sign names what they have seen. So one place
of a project with two entries is a fork, whether in one tree or in two: the log's own key has signed both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from app.auditor.errors import ForkError
from schemas.documents.merkle import hash_leaf
from schemas.matchlog.entry import Entry, entry_bytes


@dataclass(frozen=True, slots=True)
class Sighting:
    """The leaf hash at one place of a project, in the file that shows it, by an entry of this index."""

    leaf: str
    file: str
    index: int
    what: str


@dataclass(slots=True)
class ForkBook:
    """Takes the entries of verified files, and stops at a place of which two of them differ."""

    _seen: dict[tuple[str | None, int], Sighting] = field(default_factory=dict)
    _files: dict[str, dict[str | None, int]] = field(default_factory=dict)

    def take(self, file: str, entry: Entry) -> None:
        """Take an entry that a file shows.

        Raises:
            ForkError: another file shows another one at its place.
        """
        leaf = hash_leaf(entry_bytes(entry)).hex()
        self._hold(entry.project, entry.place, Sighting(leaf, file, entry.seq, entry.kind))
        self._files.setdefault(file, {})[entry.project] = entry.place + 1

    def take_apart(self, file: str, entry: Entry) -> None:
        """Take an entry that comes alone, with what it and its signer say of those before; raises as `take`."""
        if entry.previous is not None:
            before = Sighting(entry.previous, file, entry.seq, f"before {entry.kind}")
            self._hold(entry.project, entry.place - 1, before)
        signed = entry.actor.signed
        head = None if signed is None else signed.request.head
        if head is not None:
            seen = Sighting(head.leaf, file, entry.seq, f"seen by {entry.actor.party}")
            self._hold(entry.project, head.place, seen)
        self.take(file, entry)

    def to_json(self) -> list[dict[str, Any]]:
        """Return how far each file goes in each project, null for none."""
        return [
            {"file": file, "project": project, "entries": count}
            for file, chains in self._files.items()
            for project, count in sorted(chains.items(), key=lambda one: one[0] or "")
        ]

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield "no fork: where two files show the same place, they show the same entry"
        for one in self.to_json():
            yield f"{one['file']}  {one['project'] or 'the whole log'}  up to {one['entries']:,} entries"

    def _hold(self, project: str | None, place: int, one: Sighting) -> None:
        other = self._seen.setdefault((project, place), one)
        if other.leaf == one.leaf:
            return
        evidence: dict[str, int | str | None] = {"project": project, "place": place}
        for number, seen in enumerate((other, one), start=1):
            evidence |= {f"{name}_{number}": value for name, value in asdict(seen).items()}
        raise ForkError(
            f"the log tells two stories: {other.file} and {one.file} show different entries at place {place}"
            f" of {project or 'the entries of no project'}",
            evidence=evidence,
        )
