"""Cards: one for each record of the asked buckets, signed and sealed; and a reviewer's opening of them.

Spec page: `schemas/spec/review.md`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from encoding.errors import SealedFileError
from encoding.packing.memory import record_name
from encoding.people.identity import Identity
from encoding.people.sealed_file import Address, open_whole, read_sealed_header, seal_pieces
from encoding.progress import Progress
from encoding.review.errors import CardTooLongError, CardUntrustedError, ReviewError
from encoding.review.records import FileRecord, absent_digest
from schemas.documents.errors import FormatError
from schemas.documents.ids import Handle
from schemas.rounds.review import (
    CARD_PLAIN_BYTES,
    MAX_CARD_BYTES,
    Card,
    CardField,
    ReviewStatement,
    SignedCard,
    SignedReviewStatement,
    card_plain,
    parse_card,
    serialise_cards,
    stated_cards,
)
from schemas.signing.identity import PublicIdentity

MAX_VALUE: Final = 200
_CUT: Final = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class ReviewOf:
    """Which review something is of, who looks and who is asked, and what a card shows, in order.

    `agreement` is the digest of the run's.
    """

    project: str
    agreement: str
    round: int
    run: str
    reviewer: str
    asked: str
    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardMaking:
    """Who signs cards, to which reviewers they are sealed, when, and the key of the records' names."""

    own: Identity
    receivers: tuple[PublicIdentity, ...]
    created: str
    memory_key: bytes = field(repr=False)


def make_cards(
    review: ReviewOf,
    making: CardMaking,
    keys_of: Mapping[Handle, str],
    records: Mapping[str, FileRecord],
    progress: Progress,
) -> bytes:
    """Return what the asked agency sends: its signed statement, and a sealed card for each handle.

    A record that has left the file since it was encoded gets a card too, without a value. So does one that
    lacks too much to be asked about, whatever the broker says.

    Args:
        keys_of: the record key of each handle of the asked buckets.
        records: of these, those that the file still has, by record key.
    """
    own = making.own
    address = Address(review.asked, review.reviewer, making.receivers, making.created)
    sealed = list[tuple[bytes, bytes]]()
    for number, (handle, key) in enumerate(sorted(keys_of.items()), start=1):
        record = records.get(key)
        digest = absent_digest(making.memory_key) if record is None else record.digest
        name = record_name(making.memory_key, key, digest)
        values = {} if record is None or record.is_bare else record.values
        plain = card_plain(_card(review, own, name, values))
        sealed.append((handle, b"".join(seal_pieces([plain], address))))
        if len(sealed[-1][1]) > MAX_CARD_BYTES:
            raise ReviewError(
                f"{review.reviewer} has {len(making.receivers)} persons with the duty reviewer, more than a"
                " card can be sealed to",
                hint="nothing was sent; the agreement must name fewer",
            )
        progress("making cards", number / len(keys_of), number, "cards")
    cards = serialise_cards(sealed)
    statement = ReviewStatement(
        about="cards",
        project=review.project,
        agreement=review.agreement,
        round=review.round,
        run=review.run,
        party=review.asked,
        person=own.public.person,
        number=1,
        sha256=hashlib.sha256(cards).hexdigest(),
        is_last=True,
        at=making.created,
    )
    return stated_cards(SignedReviewStatement.of(statement, own.keys.signing_key), cards)


def open_card(
    review: ReviewOf,
    sealed: bytes,
    keys: Collection[Identity],
    senders: Collection[PublicIdentity],
) -> Card:
    """Return a card that one of these persons of the asked agency has made for this review.

    Args:
        keys: the reviewer's own, and those that they have replaced.
    """
    try:
        header, _ = read_sealed_header(io.BytesIO(sealed))
        signed = parse_card(open_whole(sealed, keys))
        card = signed.card
        sender = next((one for one in senders if one.person == card.person), None)
        if sender is None or header.sender != review.asked:
            raise CardUntrustedError(
                "a card is not from a person of the asked agency whom you trust"
            )
        signed.verify(sender)
    except (SealedFileError, FormatError) as exc:
        raise CardUntrustedError(f"a card cannot be read: {exc}") from None
    if (card.project, card.round, card.run, card.sender) != (
        review.project,
        review.round,
        review.run,
        review.asked,
    ):
        raise CardUntrustedError("a card is of a different review")
    if tuple(one.name for one in card.fields) != review.elements:
        raise CardUntrustedError("a card shows different columns from those the agreement lists")
    return card


def _card(review: ReviewOf, own: Identity, name: str, values: Mapping[str, str]) -> SignedCard:
    """Return a signed card; values that are too long together are cut, the longest first."""
    for most in _lengths(values.values()):
        card = Card(
            project=review.project,
            round=review.round,
            run=review.run,
            sender=review.asked,
            person=own.public.person,
            record=name,
            fields=tuple(
                CardField(name=element, value=_cut(values.get(element, ""), most))
                for element in review.elements
            ),
        )
        signed = SignedCard.of(card, own.keys.signing_key)
        if len(signed.to_canonical()) < CARD_PLAIN_BYTES:
            return signed
    raise CardTooLongError(
        "the names of all columns that the agreement lets reviewers see are longer than a card",
        hint="nothing was sent; amend the agreement",
    )


def _lengths(values: Iterable[str]) -> Iterator[int]:
    """Yield how long a value may be, shorter and shorter."""
    longest = min(MAX_VALUE, max(map(len, values), default=0))
    yield longest
    yield from (most for most in (120, 80, 50, 30, 20, 10, 5, 1) if most < longest)


def _cut(value: str, most: int) -> str:
    return value if len(value) <= most else value[: max(most - 1, 0)] + _CUT
