"""The rounds of a sample log, from nonces to closings, as a good broker logs them."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.parties import CW, HEALTH, K12

from schemas.matchlog import round_kinds
from schemas.matchlog.entry import Actor, Entry
from schemas.rounds.rounds import (
    ListedClaims,
    ListedStatement,
    NonceOffer,
    RoundPair,
    SignedNonceOffer,
    UsedNonce,
)
from schemas.rounds.upload import Signature
from schemas.signing.signatures import sign_document

if TYPE_CHECKING:
    from samples.log import SampleLog


def agent(party: str) -> Actor:
    """The person who acts for an agency in rounds."""
    return next(one for one in (CW, HEALTH, K12) if one.party == party)


def key_digest(key: Ed25519PrivateKey) -> str:
    """The SHA-256 of the public key's raw bytes."""
    return hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()


class SampleRounds:
    """What a project's rounds have come to; `opened` is the body of the open one, null where none is."""

    def __init__(self, log: SampleLog, project: str) -> None:
        self.log, self.project = log, project
        self.unspent: dict[str, list[UsedNonce]] = {}
        self.next: Counter[str] = Counter()
        self.opened: round_kinds.RoundOpened | None = None
        self.last = 0
        self.roots: dict[tuple[str, str], str] = {}
        self.received: list[Entry] = []
        self.claims: dict[tuple[str, str], str] = {}
        self.sequences: Counter[tuple[str, str]] = Counter()
        self.statements: dict[tuple[str, str], str] = {}
        self.stated: Counter[tuple[str, str]] = Counter()

    @property
    def number(self) -> int:
        """The number of the open round, or of the one that would come next."""
        return self.last if self.opened else self.last + 1

    def signature(self, actor: Actor, kind: str, document: Any) -> Signature:
        """What a person signs."""
        person = actor.person or "per-" + "0" * 32
        key = self.log.key_of(person)
        return Signature(
            party=actor.party,
            person=person,
            key=key_digest(key),
            signature=sign_document(kind, document, key),
        )

    def offered(self, actor: Actor, n: int = 4, **changes: Any) -> round_kinds.NoncesOffered:
        """The body of an offer of new nonces."""
        fields: dict[str, Any] = {
            "project": self.project,
            "party": actor.party,
            "person": actor.person,
            "first": self.next[actor.party] + 1,
            "nonces": tuple(self.log.digest() for _ in range(n)),
            "void_below": 1,
            "at": self.log.now(),
        }
        offer = NonceOffer.model_validate({**fields, **changes})
        signature = self.signature(actor, "nonces", offer.to_json())
        return round_kinds.NoncesOffered(signed=SignedNonceOffer(offer=offer, signature=signature))

    def offer(self, actor: Actor, n: int = 4, **changes: Any) -> Entry:
        """Offer nonces."""
        body = self.offered(actor, n, **changes)
        offer = body.signed.offer
        kept = [one for one in self.unspent.get(offer.party, []) if one.number >= offer.void_below]
        made = [UsedNonce(number=at, nonce=x) for at, x in enumerate(offer.nonces, offer.first)]
        self.unspent[offer.party] = kept + made
        self.next[offer.party] += len(made)
        return self.log.append(body, project=self.project, actor=actor)

    def top_up(self) -> None:
        """Let every provider offer nonces, as many as it lacks for all its pairs."""
        providers = self.log.terms[self.project].providers
        for party in providers:
            n = max(4, len(providers)) - len(self.unspent.get(party, []))
            if n > 0:
                self.offer(agent(party), n)

    def pairs(self) -> tuple[RoundPair, ...]:
        """The pairs that are ready, each with the first nonces that no pair before it has taken."""
        taken: Counter[str] = Counter()
        made = []
        for larger, smaller in self.log.terms[self.project].pairs:
            used = {}
            for party in (larger, smaller):
                used[party] = self.unspent[party][taken[party]]
                taken[party] += 1
            made.append(
                RoundPair(
                    larger=larger,
                    smaller=smaller,
                    nonce_larger=used[larger],
                    nonce_smaller=used[smaller],
                )
            )
        return tuple(made)

    def opening(self, **changes: Any) -> round_kinds.RoundOpened:
        """The body that opens the next round."""
        days = self.log.terms[self.project].round_days
        fields: dict[str, Any] = {
            "round": self.last + 1,
            "deadline": self.log.now(timedelta(days=days)),
            "corrects": None,
        }
        if "pairs" not in changes:
            self.top_up()
            fields["pairs"] = self.pairs()
        return round_kinds.RoundOpened.model_validate({**fields, **changes})

    def open(self, by: Actor | None = None, **changes: Any) -> Entry:
        """Open the next round, with new nonces where they are needed.

        `by` is who acts, if not the first provider.
        """
        body = self.opening(**changes)
        for pair in body.pairs:
            for party, used in (
                (pair.larger, pair.nonce_larger),
                (pair.smaller, pair.nonce_smaller),
            ):
                self.unspent[party] = [one for one in self.unspent[party] if one != used]
        self.opened, self.last = body, body.round
        self.roots, self.received, self.claims, self.statements = {}, [], {}, {}
        actor = by or agent(self.log.terms[self.project].providers[0])
        return self.log.append(body, project=self.project, actor=actor)

    def ensure_open(self) -> None:
        """Open a round where none is open, or the deadline of the one that is has passed."""
        if self.opened and self.opened.deadline < self.log.now():
            self.close()
        if self.opened is None:
            self.open()

    def supersede(self, actor: Actor | None = None, **changes: Any) -> Entry:
        """End the open round, and destroy what came for it; the next one has to correct it.

        `actor` is who acts, if not the first provider.
        """
        fields = {"round": self.number, "by": self.number + 1, "reason": "wrong-file", **changes}
        self.opened = None
        body = round_kinds.RoundSuperseded.model_validate(fields)
        actor = actor or agent(self.log.terms[self.project].providers[0])
        entry = self.log.append(body, project=self.project, actor=actor)
        for received in self.received:
            self.log.destroy(received, reason="superseded")
        return entry

    def correct(self) -> None:
        """Take the open round's place by the next one."""
        corrected = self.number
        self.top_up()
        self.supersede()
        self.open(corrects=corrected)

    def claim(self, actor: Actor, partner: str, **changes: Any) -> Entry:
        """Receive a party's claims for its partner."""
        sides = actor.party, partner
        fields: dict[str, Any] = {
            "round": self.number,
            "release": 1,
            "partner": partner,
            "sequence": self.sequences[sides] + 1,
            "sha256": self.log.digest(),
        }
        body = round_kinds.ClaimsReceived.model_validate({**fields, **changes})
        self.sequences[sides] = body.sequence
        if body.release == 1:
            self.claims[sides] = body.sha256
        return self.log.append(body, project=self.project, actor=actor)

    def claim_all(self) -> None:
        """Receive the claims of both parties of each pair."""
        assert self.opened is not None
        for pair in self.opened.pairs:
            for party in pair.parties:
                self.claim(agent(party), pair.partner_of(party))

    def state(self, actor: Actor, space: str = "shared", **changes: Any) -> Entry:
        """Receive a party's chain statement for a space."""
        place = actor.party, space
        fields: dict[str, Any] = {
            "round": self.number,
            "space": space,
            "sequence": self.stated[place] + 1,
            "sha256": self.log.digest(),
        }
        body = round_kinds.StatementReceived.model_validate({**fields, **changes})
        self.stated[place] = body.sequence
        self.statements[place] = body.sha256
        return self.log.append(body, project=self.project, actor=actor)

    def close(self, **changes: Any) -> Entry:
        """Close the open round with the claims and statements that have come."""
        stated = [
            ListedStatement(party=party, space=space, sha256=sha256)
            for (party, space), sha256 in sorted(self.statements.items())
        ]
        listed = [
            ListedClaims(party=party, partner=partner, sha256=sha256)
            for (party, partner), sha256 in sorted(self.claims.items())
        ]
        fields = {
            "round": self.number,
            "claims": tuple(listed),
            "statements": tuple(stated),
            **changes,
        }
        self.opened = None
        return self.log.append(round_kinds.RoundClosed.model_validate(fields), project=self.project)
