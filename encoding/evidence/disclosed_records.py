"""Which records a round matched: kept here, sealed, and nowhere else.

So the agency can say of one child which disclosures concern it, and nobody else learns whom was asked
about. Which records were in a container, its handle map says; of each round are kept the record keys of what
was matched, by their first 8 bytes, which no two of a few million records share.

File: as `encoding.workspace.sealed_record` says; within, 64-bit numbers, big-endian, increasing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace

PREFIX_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class DisclosedRecords:
    """What is kept of one project."""

    workspace: Workspace
    project: str

    def keep_matches(self, number: int, records: Iterable[str]) -> None:
        """Keep which records a release of a round matched, with those that are kept of the round already.

        Call it under the lock.
        """
        matched = np.fromiter(map(_prefix, records), dtype=np.uint64)
        before = self._kept(number)
        prefixes = np.unique(matched if before is None else np.concatenate([before, matched]))
        self._record(number).write(prefixes.astype(">u8").tobytes())

    def among(self, number: int, records: Iterable[str]) -> set[str]:
        """Return those of these records that a round matched, as far as that was kept."""
        kept = self._kept(number)
        known = set() if kept is None else set(kept.tolist())
        return {record for record in records if _prefix(record) in known}

    def was_matched(self, number: int, record: str) -> bool | None:
        """Tell whether a round matched a record; None: that was not kept.

        Raises:
            WorkspaceError: what was kept is damaged.
        """
        kept = self._kept(number)
        if kept is None:
            return None
        wanted = np.uint64(_prefix(record))
        place = int(np.searchsorted(kept, wanted))
        return place < len(kept) and bool(kept[place] == wanted)

    def files(self) -> tuple[Path, ...]:
        """Return the files that are kept."""
        return tuple(sorted(self._folder().glob(f"{self.project}.*.sealed")))

    def _kept(self, number: int) -> NDArray[np.uint64] | None:
        raw = self._record(number).read()
        return None if raw is None else np.frombuffer(raw, dtype=">u8").astype(np.uint64)

    def _folder(self) -> Path:
        return self.workspace.folder / "disclosed"

    def _record(self, number: int) -> SealedRecord:
        name = f"{self.project}.{number}"
        path = self._folder() / f"{name}.sealed"
        return SealedRecord(path, f"disclosed/{name}", self.workspace.key())


def _prefix(record: str) -> int:
    return int(record[:PREFIX_DIGITS], 16)
