"""What an agency asks the broker about deliveries, held against the match log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from encoding.broker.client import BrokerClient
from encoding.errors import DeliveryUnusableError
from encoding.log.receipts import KeptReceipt, verify_delivery_receipt
from encoding.log.trust import Trust
from schemas.matchlog.delivery_kinds import DeliveryReceived
from schemas.rounds.delivery import DeliveryFault, DeliveryList, DeliveryOpening, DeliveryView
from schemas.rounds.receipt import Receipt


@dataclass(frozen=True, slots=True)
class DeliveriesApi:
    """The part of the API about deliveries of one project."""

    client: BrokerClient
    project: str

    def deliveries(self) -> tuple[DeliveryView, ...]:
        """Return the newest deliveries from and to this party, newest first."""
        return self.client.get(DeliveryList, f"projects/{self.project}/deliveries").deliveries

    def send(self, number: int, round: int, recipient: str, sealed: bytes) -> DeliveryView:
        """Send a sealed file; the same again is safe.

        Raises:
            DeliveryUnusableError: the broker has kept another one.
        """
        path = f"projects/{self.project}/rounds/{round}/deliveries/{recipient}/{number}"
        view = self.client.put_bytes(DeliveryView, path, sealed)
        kept = (view.round, view.number, view.recipient, view.sha256)
        if kept != (round, number, recipient, hashlib.sha256(sealed).hexdigest()):
            raise DeliveryUnusableError(
                "not-as-stated", "the broker kept a different file from the one you delivered"
            )
        return view

    def fetch(self, view: DeliveryView) -> bytes:
        """Return the sealed file of a delivery; that it was fetched is logged.

        Raises:
            DeliveryUnusableError: it is another file than the broker has announced.
        """
        raw = self.client.get_bytes(f"deliveries/{view.delivery}/file", view.size_bytes)
        if hashlib.sha256(raw).hexdigest() != view.sha256:
            raise DeliveryUnusableError(
                "not-as-stated",
                f"the broker hands out a different file from the one that {view.sender} delivered",
            )
        return raw

    def say(self, view: DeliveryView, fault: DeliveryFault | None) -> DeliveryView:
        """State whether a delivery that was fetched could be used; the same again is safe."""
        stated = DeliveryOpening(sha256=view.sha256, fault=fault)
        return self.client.post(DeliveryView, f"deliveries/{view.delivery}/opening", stated)

    def prove(self, view: DeliveryView, trust: Trust, party: str) -> None:
        """Hold a delivery from or to this party against the match log, and keep the proof.

        Raises:
            ReceiptError, LogError: the log does not hold it.
            DeliveryUnusableError: it holds another one than the broker shows.
        """
        receipt = self.client.get(Receipt, f"deliveries/{view.delivery}/receipt")
        entry = verify_delivery_receipt(receipt, view.delivery, party, trust.keys).entry
        logged = (entry.project, entry.actor.party, entry.body)
        announced = DeliveryReceived.from_row(
            view,
        )
        if logged != (self.project, view.sender, announced):
            raise DeliveryUnusableError(
                "not-as-stated",
                "the match log and the broker show different deliveries",
            )
        trust.log.pin(receipt.checkpoint.encode("utf-8"))
        trust.log.check(self.client)
        trust.receipts.keep(KeptReceipt(receipt, None))
