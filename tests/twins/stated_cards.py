"""Reads what the asked agency sends in one go; the broker's twin of it takes pieces as they come."""

from __future__ import annotations

import hashlib

from schemas.documents.errors import DocumentError
from schemas.rounds.review import MAX_HEAD_LINE_BYTES, SignedReviewStatement, parse_cards


def parse_stated_cards(raw: bytes) -> tuple[SignedReviewStatement, dict[bytes, bytes]]:
    line, separator, cards = raw.partition(b"\n")
    if not separator or len(line) > MAX_HEAD_LINE_BYTES:
        raise DocumentError("cards: the first line is missing or too long")
    signed = SignedReviewStatement.from_canonical(line)
    if signed.statement.about != "cards":
        raise DocumentError("cards: the statement is not of cards")
    if signed.statement.sha256 != hashlib.sha256(cards).hexdigest():
        raise DocumentError("cards: the statement is of other cards")
    return signed, parse_cards(cards)
