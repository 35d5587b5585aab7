"""Cards on their way: read piece by piece; those that no question needs are let go, the others are sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, lock_rounds
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.errors import CARDS_DIFFER, CARDS_REFUSED, RefusedError
from app.review.held_pairs import unpack_pairs
from app.review.models import Review
from app.review.preparation import CARDS_KIND, HANDLES_KIND, PAIRS_KIND, keep_file
from app.review.service import entry_of, require_part, require_stated, review_for
from app.runs.service import run_specification
from app.sealed.models import SealedPiece
from app.sealed.objects import Content, cut_pieces, open_pieces, put_piece
from app.security.actor import Actor
from schemas.documents.errors import DocumentError
from schemas.documents.ids import HANDLE_BYTES
from schemas.matchlog.review_kinds import ReviewAnswered
from schemas.rounds.review import (
    MAX_CARD_BYTES,
    MAX_HEAD_LINE_BYTES,
    Reference,
    SignedReviewStatement,
    cards_head,
    parse_cards_head,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cards must come: one for each of these handles, in this order; and which of them are needed."""

    handles: bytes = field(repr=False)
    needed: Mapping[bytes, Reference] = field(repr=False)

    def __len__(self) -> int:
        return len(self.handles) // HANDLE_BYTES

    def handle(self, number: int) -> bytes:
        """Return the handle of the card of this number, from 0."""
        return self.handles[number * HANDLE_BYTES : (number + 1) * HANDLE_BYTES]


@dataclass(frozen=True, slots=True)
class ReadCards:
    """Cards that came whole: the signed statement, and those that are needed, by the references they answer."""

    signed: SignedReviewStatement
    size: int
    kept: Mapping[Reference, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredCards:
    """Cards that are sealed and durable, and that no row names yet."""

    read: ReadCards
    content: Content
    pieces: Sequence[SealedPiece]


class CardReader:
    """Takes the bytes that the asked agency sends, in pieces of any size, and keeps only what is needed."""

    def __init__(self, wanted: Wanted) -> None:
        """Expect the signed statement."""
        self._wanted = wanted
        self._waiting = bytearray()
        self._digest = hashlib.sha256()
        self._signed: SignedReviewStatement | None = None
        self._size = 0
        self._n_cards = 0
        self._kept: dict[Reference, bytes] = {}

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._waiting += piece
        if self._signed is None:
            line = self._line()
            if line is None:
                return
            self._signed = _statement(line)
        if not self._size:
            line = self._line()
            if line is None:
                return
            self._size = self._head(line + b"\n")
        self._take_cards()

    def finish(self) -> ReadCards:
        """Return the cards once all bytes were given; raises cards-refused where some are missing."""
        if self._signed is None or self._n_cards != len(self._wanted) or self._waiting:
            raise _refused("There is not exactly one card for each record that was asked about.")
        if self._digest.hexdigest() != self._signed.statement.sha256:
            raise _refused("The statement is of other cards.")
        return ReadCards(self._signed, self._size, self._kept)

    def _line(self) -> bytes | None:
        """Take a line off what waits; None where it has not come whole."""
        line, newline, rest = self._waiting.partition(b"\n")
        if len(line) > MAX_HEAD_LINE_BYTES:
            raise _refused("A line is too long.")
        if not newline:
            return None
        self._waiting = rest
        return bytes(line)

    def _head(self, line: bytes) -> int:
        self._digest.update(line)
        try:
            n_cards, size = parse_cards_head(line)
        except DocumentError as exc:
            raise _refused(f"{exc}.") from exc
        if n_cards != len(self._wanted) or size > MAX_CARD_BYTES:
            raise _refused("There is not exactly one card for each record that was asked about.")
        return size

    def _take_cards(self) -> None:
        each = HANDLE_BYTES + self._size
        n_whole = len(self._waiting) // each
        if not n_whole:
            return
        whole, self._waiting = self._waiting[: n_whole * each], self._waiting[n_whole * each :]
        self._digest.update(whole)
        for at in range(0, len(whole), each):
            handle = bytes(whole[at : at + HANDLE_BYTES])
            if handle != self._wanted.handle(self._n_cards):
                raise _refused("A card is of a record that was not asked about, or out of order.")
            self._n_cards += 1
            reference = self._wanted.needed.get(handle)
            if reference is not None:
                self._kept[reference] = bytes(whole[at + HANDLE_BYTES : at + each])


def wanted_cards(session: Session, broker: Broker, actor: Actor, run: str) -> Wanted:
    """Return which cards the actor's party is to send of a review, now or where it did before."""
    review = review_for(session, actor, run)
    if review.state != "answered" or actor.party != review.asked:
        require_part(session, broker, actor, review, "answer")
    handles = open_pieces(session, broker, review.object, HANDLES_KIND).piece(0)
    pairs = unpack_pairs(open_pieces(session, broker, review.object, PAIRS_KIND).piece(0))
    parties = [one.party for one in run_specification(session, run).uploads]
    side = parties.index(review.asked)
    return Wanted(handles, {bytes(pair.handles[side]): pair.reference for pair in pairs})


def require_acceptable(
    session: Session, broker: Broker, actor: Actor, review: Review, read: ReadCards
) -> TermsInForce:
    """Return the terms under which new cards of a review are accepted now."""
    terms = require_part(session, broker, actor, review, "answer")
    if review.answer_sha256 is not None:
        raise RefusedError(CARDS_DIFFER, "Different cards of this review are already there.")
    require_stated(session, actor, review, read.signed, broker.clock())
    return terms


def store_cards(broker: Broker, review: str, read: ReadCards) -> StoredCards:
    """Seal the cards that are kept, as they will be handed out; durable, but not visible yet."""
    broker.blobs.refuse_when_full()
    rows: list[SealedPiece] = []
    digest, n_bytes = hashlib.sha256(), 0
    try:
        for number, piece in enumerate(cut_pieces(_file(read))):
            digest.update(piece)
            n_bytes += len(piece)
            rows.append(put_piece(broker, review, CARDS_KIND, number, piece))
    except BaseException:
        drop_pieces(broker, rows)
        raise
    return StoredCards(read, Content(digest.hexdigest(), n_bytes), rows)


def drop_pieces(broker: Broker, pieces: Sequence[SealedPiece]) -> None:
    """Remove sealed cards that no row will name."""
    for piece in pieces:
        broker.blobs.delete(piece.blob)


def keep_cards(
    session: Session, broker: Broker, actor: Actor, run: str, stored: StoredCards
) -> bool:
    """Make the cards visible to the reviewers and log that they came; False where the same ones are there."""
    lock_rounds(session, review_for(session, actor, run).project)
    review, read = review_for(session, actor, run, lock=True), stored.read
    if is_known(review, actor, read):
        return False
    terms = require_acceptable(session, broker, actor, review, read)
    insert_rows(session, *stored.pieces)
    keep_file(session, run, "cards", stored.content)
    review.state, review.answered = "answered", utc_text(broker.clock())
    review.answer_sha256 = read.signed.statement.sha256
    body = ReviewAnswered(round=review.round, signed=read.signed)
    broker.log.append(session, [entry_of(review, terms.digest, body, actor)])
    return True


def is_known(review: Review, actor: Actor, read: ReadCards) -> bool:
    """Tell whether these very cards came before, of the actor's party: who lost the answer sends them again."""
    sha256 = read.signed.statement.sha256
    return actor.party == review.asked and review.answer_sha256 == sha256


def _statement(line: bytes) -> SignedReviewStatement:
    try:
        signed = SignedReviewStatement.from_canonical(line)
    except DocumentError as exc:
        raise _refused(f"{exc}.") from exc
    if signed.statement.about != "cards":
        raise _refused("The statement is not of cards.")
    return signed


def _file(read: ReadCards) -> list[bytes]:
    """Return the parts of the file of cards that the reviewers get, each under its reference."""
    cards = (reference + read.kept[reference] for reference in sorted(read.kept))
    return [cards_head(len(read.kept), read.size), *cards]


def _refused(detail: str) -> RefusedError:
    return RefusedError(CARDS_REFUSED, detail)
