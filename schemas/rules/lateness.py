"""What was destroyed, or is left, at another time than agreed, and by whose hold: no broken rule, but told."""

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


@dataclass(frozen=True, slots=True)
class Early:
    """A thing that was destroyed before the agreed time, not by the agreement but because someone asked.

    `index` is the entry that ended it, `days` is how much too early, `reason` the entry's, `by` the party by
    whose destruction that is going on: null where the log has none.
    """

    what: LateThing
    object: str
    index: int
    days: int
    reason: str
    by: str | None

    @property
    def text(self) -> str:
        """What a reader is told of it."""
        asked = "nobody whom the log names" if self.by is None else self.by
        return (
            f"{self.what} {self.object}, {_days(self.days)} early, for {asked}, entry {self.index}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StandingHold:
    """A legal hold that stands at the log's end, and which things are there by it after their last day.

    `party` and `order` are null where the agreement holds; `is_signed` says that a person signed it.
    """

    project: str
    party: str | None
    since: str
    order: str | None
    is_signed: bool
    index: int
    overdue: tuple[str, ...]

    @property
    def text(self) -> str:
        """What a reader is told of it."""
        whose = "by its agreement" if self.party is None else f"by {self.party}, {self.order!r}"
        signed = "signed" if self.is_signed else "signed by nobody but the log"
        kept = f"{len(self.overdue):,} overdue" if self.overdue else "nothing overdue"
        listed = f": {', '.join(self.overdue[:5])}" if self.overdue else ""
        return f"{self.project} since {self.since} {whose}, entry {self.index}, {signed}; {kept}{listed}"

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return asdict(self)


def _between(one: str, other: str) -> int:
    return (date.fromisoformat(other) - date.fromisoformat(one)).days


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"
