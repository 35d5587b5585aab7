"""What a release changed for this agency's records, and why, as far as this side knows: for a change report."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from encoding.ledger.book import Ledger
from encoding.ledger.chains import Chains
from encoding.ledger.values import Reason
from schemas.documents.ids import LinkId
from schemas.rounds.chain_statement import StatedMatch

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
    "given-to-another-record": "a different record of this agency has this link ID now",
    "unlinked": "an agency unlinked it",
    "older-link-id": "matched with a record that has had its link ID longer",
    "kept-by-another-group": "records that shared the link ID were matched apart, and others keep it",
    "link-id-retired": "an agency unlinked the link ID that it had",
    "linked-again": "the agency that unlinked it has linked it again",
    "rolled-back": "all agencies have gone back to the link IDs of an earlier round",
    "new-in-each-round": "link IDs of this ID space are new in each round",
}


def reasons_to_change(
    ledger: Ledger,
    granted: Mapping[LinkId, bool],
    given: Mapping[str, LinkId],
    retired: Collection[LinkId],
) -> dict[str, Why]:
    """Return why each record gets another link ID by a release, before it does."""
    found: dict[str, Why] = {}
    for record, link in given.items():
        held = ledger.held(record)
        if held is None:
            found[record] = "known-to-others" if granted[link] else "first-match"
        elif held.link in retired:
            found[record] = "link-id-retired"
        elif held.link != link:
            is_kept = held.link in granted
            found[record] = "kept-by-another-group" if is_kept else "older-link-id"
    return found


def reasons_left_out(chains: Chains) -> dict[StatedMatch, Reason]:
    """Return why matches joined nothing; that a veto keeps records apart is not said."""
    reasons: dict[StatedMatch, Reason] = dict.fromkeys(chains.cut, "cut")
    reasons.update(dict.fromkeys(chains.unstated, "not-stated"))
    return reasons
