"""Which containers an agency owes in a round, and what their keys are bound to, as the pinned log shows it."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.blocks.keys import RoundName
from encoding.errors import RoundUnprovenError
from encoding.log.proofs import prove_entry
from schemas.agreement.agreement import ProjectTerms
from schemas.linkage.profile import Side
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.round_kinds import ROUND_KINDS, RoundOpened
from schemas.rounds.rounds import RoundPair, RoundView, UsedNonce


@dataclass(frozen=True, slots=True)
class Turn:
    """One container that an agency owes: for which partner, in which round, with which nonces.

    `own_root` and `partner_root` are the roots of the containers that are at the broker already; null: none is.
    """

    round: int
    partner: str
    side: Side
    pair: RoundPair
    own_root: str | None
    partner_root: str | None

    @property
    def is_sent(self) -> bool:
        """Whether this agency's container is at the broker."""
        return self.own_root is not None

    @property
    def own_nonce(self) -> UsedNonce:
        """The nonce that this agency has drawn."""
        return self.pair.nonce_larger if self.side == "larger" else self.pair.nonce_smaller

    def name(self, project: str, epoch: int, profile: str) -> RoundName:
        """Return what the round's key is bound to; `profile` is the digest of the encoding profile."""
        return RoundName(
            project=project,
            epoch=epoch,
            larger=self.pair.larger,
            smaller=self.pair.smaller,
            profile=profile,
            number=self.round,
            nonce_larger=bytes.fromhex(self.pair.nonce_larger.nonce),
            nonce_smaller=bytes.fromhex(self.pair.nonce_smaller.nonce),
        )


def turns_of(found: RoundView, terms: ProjectTerms, party: str) -> tuple[Turn, ...]:
    """Return what a party owes in a round that was proven, in the order of partners."""
    roots = {(one.larger, one.smaller): one for one in found.progress}
    turns = []
    for pair in found.pairs:
        if party not in pair.parties:
            continue
        if pair.parties not in terms.pairs:
            raise RoundUnprovenError(
                "the round pairs agencies differently from the agreement",
                hint="nothing was encoded; call the operator of the broker",
            )
        is_larger = party == pair.larger
        progress = roots.get(pair.parties)
        both = (None, None) if progress is None else (progress.root_larger, progress.root_smaller)
        own, other = both if is_larger else both[::-1]
        side: Side = "larger" if is_larger else "smaller"
        turns.append(Turn(found.round, pair.partner_of(party), side, pair, own, other))
    return tuple(sorted(turns, key=lambda turn: turn.partner))


def prove_round(found: RoundView, keys: LogKeys) -> None:
    """Make sure that the log holds the opening of a round just as the broker shows it."""
    entry = prove_entry(found.receipt, keys, ROUND_KINDS).entry
    body = entry.body
    if not isinstance(body, RoundOpened) or entry.project != found.project:
        raise RoundUnprovenError("the match log does not show that the round was opened")
    if (body.round, body.deadline, body.pairs) != (found.round, found.deadline, found.pairs):
        raise RoundUnprovenError(
            "the match log and the broker show different rounds",
            hint="nothing was encoded; call the operator of the broker",
        )
