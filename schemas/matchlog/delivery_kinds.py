"""What match-log entries say of deliveries: received, fetched, opened or found wanting, destroyed."""

from __future__ import annotations

from typing import Final

from schemas.documents.document import Model
from schemas.documents.ids import DELIVERY_PREFIX, Code, Name, Sha256Hex
from schemas.linkage.run import RoundNumber
from schemas.matchlog.registry import CARRIERS, RECIPIENTS, Kind, register
from schemas.rounds.delivery import DeliveryFault, DeliveryNumber, DeliverySize


class DeliveryReceived(Model):
    """A party's sealed file of listed columns is kept for a partner; it takes the place of earlier ones.

    `number` counts the deliveries of this party to this partner in the round.
    """

    round: RoundNumber
    recipient: Name
    number: DeliveryNumber
    sha256: Sha256Hex
    size_bytes: DeliverySize


class DeliveryFetched(Model):
    """A delivery is about to leave: this entry commits before its first byte does."""

    recipient: Name
    sha256: Sha256Hex


class DeliveryOpened(Model):
    """The recipient states that a delivery could be opened and used; `fault` says why not, null if it could."""

    recipient: Name
    sha256: Sha256Hex
    fault: DeliveryFault | None


class DeliveryDestroyed(Model):
    """The key of a delivery was destroyed, and with it the file; `reason` says why then.

    `replaced`: a later one has taken its place; `expired`: its keeping time ended, and nobody had fetched it.
    """

    sha256: Sha256Hex
    reason: Code


DELIVERY_KINDS: Final = register(
    {
        "delivery-received": Kind(DeliveryReceived, object_prefix=DELIVERY_PREFIX, duties=CARRIERS),
        "delivery-fetched": Kind(DeliveryFetched, object_prefix=DELIVERY_PREFIX, duties=RECIPIENTS),
        "delivery-opened": Kind(
            DeliveryOpened,
            object_prefix=DELIVERY_PREFIX,
            outcomes=frozenset({"done", "failed"}),
            duties=RECIPIENTS,
        ),
        "delivery-destroyed": Kind(DeliveryDestroyed, object_prefix=DELIVERY_PREFIX, by="broker"),
    }
)
