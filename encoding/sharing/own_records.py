"""What this agency knows of its own records between two rounds, without asking anybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from encoding.packing.snapshot import Look, Snapshot

Cause = Literal[
    "first-round",
    "withdrawn",
    "left-the-file",
    "not-encoded",
    "new-in-the-file",
    "edited",
    "profile-changed",
    "partner-side",
    "not-known",
]
HeldBack = Literal["held-for-review"]


@dataclass(frozen=True, slots=True, repr=False)
class OwnRecords:
    """What is known of own records, by record key.

    Attributes:
        now: what was encoded in the round, by partner; empty where it was not kept.
        before: the same of the round whose links were in force; None: no links were.
        withdrawn: records that this agency has withdrawn.
        missing: records that the agency's file does not have any more.
        held_back: records that wait for clerical review, and why.
    """

    now: Mapping[str, Snapshot]
    before: Mapping[str, Snapshot] | None
    withdrawn: Collection[str] = ()
    missing: Collection[str] = ()
    held_back: Mapping[str, HeldBack] = field(default_factory=dict)

    def cause(self, record: str) -> Cause:
        """Return what happened to a record here that explains a change of its link."""
        if self.before is None:
            return "first-round"
        if record in self.withdrawn:
            return "withdrawn"
        now = look_in(self.now, record)
        if record in self.missing or (self.now and now is None):
            return "left-the-file"
        if now is None or not self.before:
            return "not-known"
        return self._compared(now, self.before, look_in(self.before, record))

    def _compared(self, now: Look, snapshots: Mapping[str, Snapshot], before: Look | None) -> Cause:
        if not now.is_encoded:
            return "not-encoded"
        if before is None:
            return "new-in-the-file"
        profiles = [{one.profile for one in side.values()} for side in (self.now, snapshots)]
        if profiles[0] != profiles[1]:
            return "profile-changed"
        return "edited" if now.digest != before.digest else "partner-side"


def look_in(snapshots: Mapping[str, Snapshot], record: str) -> Look | None:
    """Return what a record was like in a round, by its key; None if it was in no container of it."""
    looks = (one.look(record) for one in snapshots.values())
    return next((look for look in looks if look is not None), None)
