"""What an agency asks the broker about clerical reviews: typed questions and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from encoding.broker.client import BrokerClient
from schemas.documents.ids import HANDLE_BYTES
from schemas.rounds.review import (
    MAX_CARD_BYTES,
    AskedBuckets,
    ReviewList,
    ReviewView,
    StatedDecisions,
)

# Ten thousand questions of 80 bytes, and a head.
MAX_QUESTIONS_BYTES: Final = 2 * 1024 * 1024
MAX_CARDS_BYTES: Final = 10_000 * (HANDLE_BYTES + MAX_CARD_BYTES) + 1024


@dataclass(frozen=True, slots=True)
class ReviewsApi:
    """The reviews of one project; errors as those of `BrokerClient`."""

    client: BrokerClient
    project: str

    def reviews(self) -> tuple[ReviewView, ...]:
        """Return the reviews in which this party has a part, newest first."""
        return self.client.get(ReviewList, f"projects/{self.project}/reviews").reviews

    def questions(self, run: str) -> bytes:
        """Return the file of questions to this party's reviewers."""
        return self.client.get_bytes(f"reviews/{run}/questions", MAX_QUESTIONS_BYTES)

    def asked(self, run: str) -> AskedBuckets:
        """Return the buckets that this party is asked to answer for."""
        return self.client.get(AskedBuckets, f"reviews/{run}/asked")

    def send_cards(self, run: str, stated: bytes) -> ReviewView:
        """Send the cards of all asked buckets; the same again is safe."""
        return self.client.put_bytes(ReviewView, f"reviews/{run}/cards", stated)

    def cards(self, run: str) -> bytes:
        """Return the sealed cards that answer the questions to this party's reviewers."""
        return self.client.get_bytes(f"reviews/{run}/cards", MAX_CARDS_BYTES)

    def decide(self, run: str, stated: StatedDecisions) -> ReviewView:
        """Send decisions; the same again is safe."""
        return self.client.post(ReviewView, f"reviews/{run}/decisions", stated)
