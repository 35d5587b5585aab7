"""Pairs of parties in a round: made of two nonces, as the wire shows them, and what they still owe."""

from __future__ import annotations

from collections.abc import Sequence

from app.rounds.models import OfferedNonce, RoundPairing
from schemas.agreement.agreement import ProjectTerms
from schemas.rounds.rounds import RoundPair, UsedNonce

SUCCEEDED = "succeeded"


def pairing_of(
    agreed: ProjectTerms, number: int, larger: OfferedNonce, smaller: OfferedNonce
) -> RoundPairing:
    """Return the pair of a round that uses these nonces, which are used from then on."""
    larger.state = smaller.state = "used"
    return RoundPairing(
        project=agreed.project,
        round=number,
        larger=larger.party,
        smaller=smaller.party,
        number_larger=larger.number,
        nonce_larger=larger.nonce,
        number_smaller=smaller.number,
        nonce_smaller=smaller.nonce,
        space=agreed.common_space(larger.party, smaller.party),
    )


def pair_view(pair: RoundPairing) -> RoundPair:
    """Return a pair with the nonces that it uses, as the wire and the match log show it."""
    return RoundPair.from_row(
        pair,
        nonce_larger=UsedNonce(number=pair.number_larger, nonce=pair.nonce_larger),
        nonce_smaller=UsedNonce(number=pair.number_smaller, nonce=pair.nonce_smaller),
    )


def claims_due(pairs: Sequence[RoundPairing]) -> set[tuple[str, str]]:
    """Return who owes claims to whom: both sides of a pair whose run has succeeded, in one space."""
    owing = [pair for pair in pairs if pair.space is not None and pair.run_state == SUCCEEDED]
    return {ends for pair in owing for ends in both_ways(pair.larger, pair.smaller)}


def both_ways(one: str, other: str) -> set[tuple[str, str]]:
    """Return who tells whom something, where each of two parties tells the other."""
    return {(one, other), (other, one)}


def statements_due(pairs: Sequence[RoundPairing]) -> set[tuple[str, str]]:
    """Return which party owes a chain statement for which space: where a space has more than one pair."""
    owing: dict[str, list[RoundPairing]] = {}
    for pair in pairs:
        if pair.space is not None and pair.run_state == SUCCEEDED:
            owing.setdefault(pair.space, []).append(pair)
    return {
        (party, space)
        for space, of_space in owing.items()
        if len(of_space) > 1
        for pair in of_space
        for party in (pair.larger, pair.smaller)
    }


def still_agreed(pairs: Sequence[RoundPairing], agreed: ProjectTerms) -> list[RoundPairing]:
    """Return the pairs that receive in the link-ID set by these terms in which they did as their round
    opened.
    """
    return [
        pair
        for pair in pairs
        if pair.space is not None and pair.space == agreed.common_space(pair.larger, pair.smaller)
    ]
