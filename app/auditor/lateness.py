"""What was destroyed later than agreed: no broken rule, since an outage can cause it, but readers are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

LateThing = Literal["upload", "release", "match-record", "delivery"]


@dataclass(frozen=True, slots=True)
class Lateness:
    """A thing that was destroyed after the last day on which it could be there; a match record by its run.

    `index` is the entry that ended it, `last_day` counts the day of grace and what a hold deferred.
    """

    what: LateThing
    object: str
    index: int
    last_day: str
    destroyed: str

    @property
    def days(self) -> int:
        """How many days too late."""
        return (date.fromisoformat(self.destroyed) - date.fromisoformat(self.last_day)).days

    @property
    def text(self) -> str:
        """What a reader is told of it."""
        plural = "" if self.days == 1 else "s"
        return f"{self.what} {self.object} by {self.days:,} day{plural}, entry {self.index}"

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "what": self.what,
            "object": self.object,
            "index": self.index,
            "last_day": self.last_day,
            "destroyed": self.destroyed,
            "days": self.days,
        }
