"""What an agency asks the broker about rounds: typed questions and answers."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.broker.client import BrokerClient
from encoding.ledger.values import Turn
from schemas.rounds.rounds import (
    MAX_MESSAGE_BYTES,
    ClaimsReceipt,
    Correction,
    NonceState,
    RoundList,
    RoundView,
    SignedNonceOffer,
    StatementReceipt,
)


@dataclass(frozen=True, slots=True)
class RoundsApi:
    """The rounds of one project; errors as those of `BrokerClient`."""

    client: BrokerClient
    project: str

    def nonces(self) -> NonceState:
        """Return how many nonces of this party are unspent, and the next number."""
        return self.client.get(NonceState, self._path("nonces"))

    def offer(self, signed: SignedNonceOffer) -> NonceState:
        """Offer nonces; the same offer again is safe."""
        return self.client.post(NonceState, self._path("nonces"), signed)

    def rounds(self) -> RoundList:
        """Return the rounds, newest first, and whether a new one is due."""
        return self.client.get(RoundList, self._path("rounds"))

    def ask(self, number: int) -> RoundView:
        """Open the round of this number, or return the one that is open by then."""
        return self.client.post(RoundView, self._path(f"rounds/{number}"))

    def round(self, number: int) -> RoundView:
        """Return one round."""
        return self.client.get(RoundView, self._path(f"rounds/{number}"))

    def correct(self, number: int, reason: str) -> RoundView:
        """Have the next round take the place of this one, and return it; again is safe."""
        path = self._path(f"rounds/{number}/corrections")
        return self.client.post(RoundView, path, Correction(reason=reason))

    def send_claims(self, turn: Turn, partner: str, sealed: bytes) -> ClaimsReceipt:
        """Send sealed claims to a partner; later ones of the release take the place of earlier ones."""
        return self.client.put_bytes(ClaimsReceipt, self._claims_path(turn, partner), sealed)

    def claims(self, turn: Turn, partner: str) -> bytes:
        """Return the sealed claims of a release that a partner has sent to this party."""
        return self.client.get_bytes(self._claims_path(turn, partner), MAX_MESSAGE_BYTES)

    def send_statement(self, number: int, space: str, sealed: bytes) -> StatementReceipt:
        """Send a sealed statement to all recipients of a link-ID set."""
        path = self._path(f"rounds/{number}/statements/{space}")
        return self.client.put_bytes(StatementReceipt, path, sealed)

    def statement(self, number: int, space: str, party: str) -> bytes:
        """Return the sealed statement of a party to a link-ID set."""
        path = self._path(f"rounds/{number}/statements/{space}?party={party}")
        return self.client.get_bytes(path, MAX_MESSAGE_BYTES)

    def _claims_path(self, turn: Turn, partner: str) -> str:
        which = "" if turn.release == 1 else f"?release={turn.release}"
        return self._path(f"rounds/{turn.round}/claims/{partner}{which}")

    def _path(self, rest: str) -> str:
        return f"projects/{self.project}/{rest}"
