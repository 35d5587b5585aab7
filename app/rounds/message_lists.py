"""Sealed messages as the match log and the wire list them: whose, for whom, and their digests."""

from __future__ import annotations

from collections.abc import Sequence

from app.rounds.models import SealedMessage
from schemas.rounds.rounds import ListedClaims, ListedStatement


def listed_claims(messages: Sequence[SealedMessage]) -> tuple[ListedClaims, ...]:
    """Return the claims among a round's messages, by party and partner."""
    return tuple(
        ListedClaims(party=one.party, partner=one.target, sha256=one.sha256)
        for one in sorted(messages, key=lambda one: (one.party, one.target))
        if one.kind == "claims"
    )


def listed_statements(messages: Sequence[SealedMessage]) -> tuple[ListedStatement, ...]:
    """Return the chain statements among a round's messages, by party and space."""
    return tuple(
        ListedStatement(party=one.party, space=one.target, sha256=one.sha256)
        for one in sorted(messages, key=lambda one: (one.party, one.target))
        if one.kind == "statement"
    )
