"""Which records a round matched, were on cards, or in deliveries: kept here, sealed, and nowhere else.

So the agency can say of one child which disclosures concern it, and nobody else learns whom was asked
about. Which records were in a container, its handle map says; of each round are kept the record keys of what
was matched, in all and with each partner, by their first 8 bytes, which no two of a few million records share,
and likewise of cards, and of what was delivered to a partner.

File: as `encoding.workspace.sealed_record` says; within, 64-bit numbers, big-endian, increasing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
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

    def keep_matches(
        self, number: int, records: Collection[str], partner: str | None = None
    ) -> None:
        """Keep which records a release of a round matched, with those that are kept of the round already.

        Call it under the lock.

        Args:
            partner: with whose records; None: that is not told.
        """
        _add(self._record(f"{number}"), records)
        if partner is not None:
            _add(self._record(f"{number}.{partner}.matches"), records)

    def keep_cards(self, number: int, records: Iterable[str]) -> None:
        """Keep of which records cards were made in a round; call it under the lock."""
        _add(self._record(f"{number}.cards"), records)

    def keep_delivered(self, number: int, partner: str, records: Iterable[str]) -> None:
        """Keep of which records columns were delivered to a partner in a round; call it under the lock."""
        _add(self._record(f"{number}.{partner}.columns"), records)

    def was_delivered(self, number: int, partner: str, record: str) -> bool | None:
        """Tell whether a record's columns were delivered to a partner in a round; None: that was not kept."""
        return _has(self._record(f"{number}.{partner}.columns"), record)

    def among(self, number: int, records: Iterable[str]) -> set[str]:
        """Return those of these records that a round matched, as far as that was kept."""
        kept = _read(self._record(f"{number}"))
        if kept is None:
            return set()
        asked = [*records]
        known = np.isin(np.fromiter(map(_prefix, asked), dtype=np.uint64), kept)
        return {asked[at] for at in np.flatnonzero(known).tolist()}

    def was_matched(self, number: int, record: str, partner: str | None = None) -> bool | None:
        """Tell whether a round matched a record; None: that was not kept."""
        found = (
            None if partner is None else _has(self._record(f"{number}.{partner}.matches"), record)
        )
        return _has(self._record(f"{number}"), record) if found is None else found

    def has_card(self, number: int, record: str) -> bool | None:
        """Tell whether a card was made of a record in a round; None: that was not kept."""
        return _has(self._record(f"{number}.cards"), record)

    def _record(self, what: str) -> SealedRecord:
        name = f"{self.project}.{what}"
        path = self.workspace.folder / "disclosed" / f"{name}.sealed"
        return SealedRecord(path, f"disclosed/{name}", self.workspace.key())


def _add(record: SealedRecord, records: Iterable[str]) -> None:
    added = np.fromiter(map(_prefix, records), dtype=np.uint64)
    before = _read(record)
    prefixes = np.unique(added if before is None else np.concatenate([before, added]))
    record.write(prefixes.astype(">u8").tobytes())


def _read(record: SealedRecord) -> NDArray[np.uint64] | None:
    raw = record.read()
    return None if raw is None else np.frombuffer(raw, dtype=">u8").astype(np.uint64)


def _has(record: SealedRecord, wanted: str) -> bool | None:
    kept, prefix = _read(record), np.uint64(_prefix(wanted))
    if kept is None:
        return None
    place = int(np.searchsorted(kept, prefix))
    return place < len(kept) and bool(kept[place] == prefix)


def _prefix(record: str) -> int:
    return int(record[:PREFIX_DIGITS], 16)
