"""What a release changed for this agency's records, and why, as far as this side knows: for a change report."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from encoding.ledger.book import Ledger
from encoding.ledger.chains import Chains
from encoding.ledger.values import Reason
from schemas.chain_statement import StatedMatch
from schemas.ids import LinkId

Kind = Literal["new", "ended", "split", "merged", "id-changed"]
Why = Literal[
    "first-match",
    "known-to-others",
    "given-to-another-record",
    "unlinked",
    "older-link-id",
    "kept-by-another-group",
    "link-id-retired",
    "linked-again",
    "rolled-back",
    "new-in-each-round",
]

SENTENCES: dict[Why, str] = {
    "first-match": "matched for the first time",
    "known-to-others": "matched with a record that had this link ID at another agency",
    "given-to-another-record": "another record of this agency has this link ID now",
    "unlinked": "an agency unlinked it",
    "older-link-id": "matched with a record that has had its link ID longer",
    "kept-by-another-group": "records that shared the link ID were matched apart, and others keep it",
    "link-id-retired": "an agency unlinked the link ID that it had",
    "linked-again": "whoever had unlinked it has linked it again",
    "rolled-back": "all agencies have gone back to the link IDs of an earlier round",
    "new-in-each-round": "link IDs of this ID space are new in each round",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One record whose link ID is another than before; None where it had none, or has none now."""

    kind: Kind
    why: Why
    record: str = field(repr=False)
    before: LinkId | None = field(repr=False)
    now: LinkId | None = field(repr=False)

    @property
    def sentence(self) -> str:
        """Why, in words."""
        return SENTENCES[self.why]


@dataclass(frozen=True, slots=True)
class OpenMatch:
    """A match of an own record that gave it nothing in this release, and why; its old link ID stands."""

    record: str = field(repr=False)
    match: StatedMatch = field(repr=False)
    reason: Reason


def changes_of(
    ledger: Ledger,
    granted: Mapping[LinkId, bool],
    given: Mapping[str, LinkId],
    retired: Collection[LinkId],
) -> tuple[Change, ...]:
    """Return the changes that a release makes, before they are made, in the order of record IDs.

    Args:
        granted: the link IDs of all groups, and whether it was claimed: else it is a new one.
        given: the link ID of each own record that a group has.
        retired: link IDs that are retired once the release is applied.
    """
    found = [*_given_changes(ledger, granted, given, retired), *_endings(ledger, given, retired)]
    return tuple(sorted(found, key=lambda change: change.record))


def pending_matches(records: Mapping[StatedMatch, str]) -> tuple[OpenMatch, ...]:
    """Return the own matches of a release that is not closed, or was closed without both sides' claims."""
    found = (OpenMatch(record, match, "pending") for match, record in records.items())
    return tuple(sorted(found, key=lambda one: (one.record, one.match)))


def open_matches(records: Mapping[StatedMatch, str], chains: Chains) -> tuple[OpenMatch, ...]:
    """Return the own matches that joined nothing, in the order of record IDs."""
    kept = {match for group in chains.groups for match in group.matches}
    reasons: dict[StatedMatch, Reason] = dict.fromkeys(chains.cut, "cut")
    reasons.update(dict.fromkeys(chains.unstated, "not-stated"))
    found = [
        OpenMatch(record, match, reasons.get(match, "vetoed"))
        for match, record in records.items()
        if match not in kept
    ]
    return tuple(sorted(found, key=lambda one: (one.record, one.match)))


def _given_changes(
    ledger: Ledger,
    granted: Mapping[LinkId, bool],
    given: Mapping[str, LinkId],
    retired: Collection[LinkId],
) -> Iterator[Change]:
    for record, link in given.items():
        held = ledger.held(record)
        if held is None:
            why: Why = "known-to-others" if granted[link] else "first-match"
            yield Change("new", why, record, None, link)
        elif held.link != link:
            yield Change(*_kind(held.link, granted, retired), record, held.link, link)


def _kind(
    before: LinkId, granted: Collection[LinkId], retired: Collection[LinkId]
) -> tuple[Kind, Why]:
    if before in retired:
        return "id-changed", "link-id-retired"
    if before in granted:
        return "split", "kept-by-another-group"
    return "merged", "older-link-id"


def _endings(
    ledger: Ledger, given: Mapping[str, LinkId], retired: Collection[LinkId]
) -> Iterator[Change]:
    """Yield the link IDs that leave a record which gets no other."""
    lost = {holder for link in given.values() if (holder := ledger.holder(link)) is not None}
    for record in lost - given.keys():
        yield Change(
            "ended", "given-to-another-record", record, ledger.everyone()[record].link, None
        )
    for link in retired:
        holder = ledger.holder(link)
        if holder is not None and holder not in given and holder not in lost:
            yield Change("ended", "unlinked", holder, link, None)
