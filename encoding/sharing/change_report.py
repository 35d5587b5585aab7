"""What a round changed in the links of this agency: from the one file of links to the next, and why.

Why comes from the ledger's events between the two, and from what this agency knows of its own records; never
from the broker. Of what happened at the other agency this side knows only that it was not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, get_args

from encoding.files import write_csv
from encoding.ledger.additions import SENTENCES, Kind, Why
from encoding.ledger.book import Ledger
from encoding.ledger.values import Reason, Turn
from encoding.packing.snapshot import Look, Snapshot
from schemas.documents.ids import LinkId
from schemas.documents.printable import inert

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


@dataclass(frozen=True, slots=True, repr=False)
class OwnRecords:
    """What is known of own records, by record key.

    Attributes:
        now: what was encoded in the round, by partner; empty where it was not kept.
        before: the same of the round whose links were in force; None: no links were.
        withdrawn: records that this agency has withdrawn.
        missing: records that the agency's file does not have any more.
        undecided: records that wait for clerical review.
    """

    now: Mapping[str, Snapshot]
    before: Mapping[str, Snapshot] | None
    withdrawn: Collection[str] = ()
    missing: Collection[str] = ()
    undecided: Collection[str] = ()

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


CHANGES_HEADER: Final = ("record_id", "change", "link_id_before", "link_id", "why", "explanation")
CHANGES_START: Final = f"{','.join(CHANGES_HEADER)}\n".encode()

_KIND_OF: Final[Mapping[str, Kind]] = {
    "kept-by-another-group": "split",
    "older-link-id": "merged",
}
# Of these the ledger says all there is to say.
_BY_LEDGER: Final = frozenset(
    {"given-to-another-record", "unlinked", "link-id-retired", "linked-again", "rolled-back"}
)
# A person has looked at these already.
_DECIDED: Final = frozenset({"unlinked", "link-id-retired"})
_LEFT_OUT: Final[Mapping[Reason, str]] = {"vetoed": "ruled-out", "cut": "two-records"}
CAUSES: Final[Mapping[str, str]] = {
    "first-round": "no links were written here before",
    "withdrawn": "this agency has withdrawn the record",
    "left-the-file": "the record is not in the file any more",
    "not-encoded": "no row of the record could be encoded",
    "new-in-the-file": "the record is new in the file",
    "edited": "the record was edited here",
    "profile-changed": "the agreement has changed how records are compared",
    "partner-side": "nothing was changed here: it was at the other agency, or another pair is likelier now",
    "not-known": "what was encoded here is not known, since the workspace was restored",
    "held-for-review": "the match waits for clerical review",
    "waited": "its match was waiting for another agency's claims",
    "not-compared": "nothing was compared with another agency in this round",
    "ruled-out": "an agency has ruled the match out",
    "two-records": "the match would join two records of one agency",
}


@dataclass(frozen=True, slots=True)
class LinkChange:
    """One record whose link is another than in the file of links before; null where it had or has none."""

    record_id: str = field(repr=False)
    kind: Kind
    before: LinkId | None = field(repr=False)
    now: LinkId | None = field(repr=False)
    why: str
    sentence: str

    @property
    def ends_a_link(self) -> bool:
        """Whether a link that was in force is none any more, and nobody has unlinked it."""
        return self.before is not None and self.why not in _DECIDED


@dataclass(frozen=True, slots=True, repr=False)
class Between:
    """Two files of links of one agency, and what lies between them.

    Attributes:
        before: the link ID of each record key of the file in force; empty where there was none.
        now: the same of the round.
        since: the release up to which `before` was the ledger's; None: nothing had been applied.
        names: the record ID of each record key of both.
        waited: records whose match of the round of `before` waited for another agency's claims.
        is_compared: whether every partner of `before` was compared with in the round.
        is_lasting: whether link IDs last; else all are new, and a record that has one again has not changed.
    """

    before: Mapping[str, LinkId]
    now: Mapping[str, LinkId]
    since: Turn | None
    names: Mapping[str, str]
    waited: Collection[str] = ()
    is_compared: bool = True
    is_lasting: bool = True


def changes_between(between: Between, ledger: Ledger, own: OwnRecords) -> tuple[LinkChange, ...]:
    """Return what changed, in the order of record IDs."""
    said = _said_since(ledger, between.since)
    keys = sorted({*between.before, *between.now}, key=lambda key: between.names[key])
    return tuple(
        _change(key, between, said.get(key), ledger, own)
        for key in keys
        if _differs(between.before.get(key), between.now.get(key), between)
    )


def exceeds(n_ended: int, n_in_force: int, most: str | None, floor: int) -> bool:
    """Tell whether more links ended than the agreement allows without someone's word.

    Fewer links than the floor count as the floor, and one link that ends is never too many: in a small file a
    single child would be a large share.
    """
    if most is None or n_ended < 2:
        return False
    return Fraction(n_ended) > Fraction(most) * max(n_in_force, floor)


def write_changes(path: Path, changes: Iterable[LinkChange]) -> None:
    """Write the changes in place of the former file, in one step."""
    write_csv(path, CHANGES_HEADER, map(_row, changes))


def counts_of(changes: Iterable[LinkChange]) -> dict[str, int]:
    """Return how many changes there are of each kind."""
    counted = Counter(change.kind for change in changes)
    return {kind: counted[kind] for kind in get_args(Kind)}


def _row(change: LinkChange) -> tuple[str, ...]:
    links = (link.hex() if link else "" for link in (change.before, change.now))
    return inert(change.record_id), change.kind, *links, change.why, change.sentence


def _differs(before: LinkId | None, now: LinkId | None, between: Between) -> bool:
    if before is None or now is None:
        return before != now
    return before != now and between.is_lasting


def _said_since(ledger: Ledger, since: Turn | None) -> dict[str, Why]:
    """Return the newest reason that the ledger has for the link of each record whose link changed."""
    return {
        event.text: event.why  # type: ignore[misc]
        for event in ledger.events
        if event.why and (since is None or event.turn > since)
    }


def _change(
    key: str, between: Between, said: Why | None, ledger: Ledger, own: OwnRecords
) -> LinkChange:
    before, now = between.before.get(key), between.now.get(key)
    if before is None:
        kind: Kind = "new"
        why: str = _why_new(key, between, said, own)
    elif now is None:
        kind, why = "ended", _why_ended(key, between, said, ledger, own)
    else:
        kind = _KIND_OF.get(said or "", "id-changed")
        why = said if said in _BY_LEDGER else own.cause(key)
    return LinkChange(
        between.names[key], kind, before, now, why, "; ".join(_words(kind, why, said))
    )


def _why_new(key: str, between: Between, said: Why | None, own: OwnRecords) -> str:
    if said in _BY_LEDGER:
        return said
    if key in between.waited:
        return "waited"
    return own.cause(key)


def _why_ended(
    key: str, between: Between, said: Why | None, ledger: Ledger, own: OwnRecords
) -> str:
    if said in _BY_LEDGER:
        return said
    cause = own.cause(key)
    if cause in ("withdrawn", "left-the-file", "not-encoded"):
        return cause
    left_out = ledger.left_out.get(key)
    if left_out is not None and left_out in _LEFT_OUT:
        return _LEFT_OUT[left_out]
    if key in own.undecided:
        return "held-for-review"
    if cause == "partner-side" and not between.is_compared:
        return "not-compared"
    return cause


def _words(kind: Kind, why: str, said: Why | None) -> Iterator[str]:
    """Yield what the ledger says and what this agency knows, each once."""
    if said is not None and (said == why or kind != "ended"):
        yield SENTENCES[said]
    elif kind == "new":
        yield "matched again: the link ID is the one that the record had before"
    elif kind == "ended":
        yield "not matched in this round; the link ID is kept for when it is matched again"
    if why != said:
        yield CAUSES[why]
