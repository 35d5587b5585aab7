"""What was destroyed, or is left, later than agreed: no broken rule, since an outage can cause it, but told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
        return _between(self.last_day, self.destroyed)

    @property
    def text(self) -> str:
        """What a reader is told of it."""
        return f"{self.what} {self.object} by {_days(self.days)}, entry {self.index}"

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


@dataclass(frozen=True, slots=True)
class HeldLate:
    """A thing that is left after its last day, by a hold that began only then; a match record by its run.

    `index` is the entry by which it came. Of the first hold that began after the last day, `hold` is the entry,
    `since` the first day, and `party` whose it is: null where it is an agreement's.
    """

    what: LateThing
    object: str
    index: int
    last_day: str
    since: str
    party: str | None
    hold: int

    @property
    def days(self) -> int:
        """How many days too late the hold began."""
        return _between(self.last_day, self.since)

    @property
    def text(self) -> str:
        """What a reader is told of it."""
        whose = "the agreement" if self.party is None else self.party
        hold = f"held by {whose}, entry {self.hold}, {_days(self.days)} after its last day"
        return f"{self.what} {self.object}, {hold}"

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {**asdict(self), "days": self.days}


def _between(one: str, other: str) -> int:
    return (date.fromisoformat(other) - date.fromisoformat(one)).days


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"
