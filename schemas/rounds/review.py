"""Clerical review: questions about pairs that are sent to review, sealed cards that answer them, signed
decisions.

The broker names a pair by an opaque reference. The reviewer's agency is asked about its own records; the other
one is asked for whole buckets of its records, and seals one card for each of them to the reviewers, of whom the
broker passes on only those that a question needs. Spec page: `schemas/spec/review.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, NewType, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.agreement.clauses import MAX_CARD_COLUMNS, MAX_QUESTIONS
from schemas.documents.document import Document, Model
from schemas.documents.errors import DocumentError
from schemas.documents.ids import HANDLE_BYTES, Handle, Name, RandomId, Sha256Hex, UtcTime
from schemas.documents.texts import Line
from schemas.linkage.run import RoundNumber, SupplementNumber
from schemas.rounds.release import ROW_DIGITS
from schemas.signing.identity import Duty, PersonIdText, SignedInName

Reference = NewType("Reference", bytes)
"""Opaque name of a question: 128 random bits, drawn for one run."""

REFERENCE_BYTES: Final = 16
BUCKET_BYTES: Final = 4
"""So many first bytes of a handle are its bucket's label, where the partner's agency reviews."""
MAX_CARD_BYTES: Final = 16 * 1024
# A card is padded, so that its length does not show whose it is.
CARD_PLAIN_BYTES: Final = 2048
MAX_HEAD_LINE_BYTES: Final = 16 * 1024
MAX_CARDS: Final = 2**17

Verdict = Literal["accept", "reject", "unsure"]
Reason = Literal[
    "same-person",
    "same-by-document",
    "twins-or-siblings",
    "other-person",
    "too-little-to-tell",
    "wrong-data",
]
ReviewState = Literal["asked", "answered", "ended"]
EndReason = Literal["decided", "deadline", "round-over", "destroyed"]
ReviewFile = Literal["questions", "buckets", "cards"]
ReviewAct = Literal["questions", "buckets", "cards", "answer", "decide"]
"""What a person does in a review: has a file of it, answers with cards, or decides."""

REASONS: Final[dict[Verdict, tuple[Reason, ...]]] = {
    "accept": ("same-person", "same-by-document"),
    "reject": ("twins-or-siblings", "other-person", "wrong-data"),
    "unsure": ("too-little-to-tell", "wrong-data"),
}
"""Which reasons a verdict may have; a free text would carry what must not leave the agency."""

# Questions say of own records alone that they wait: of these the job that writes link IDs may know, too.
_REVIEWERS_ACTS: Final[Mapping[ReviewAct, tuple[Duty, ...]]] = {
    "questions": ("reviewer", "recipient"),
    "cards": ("reviewer",),
    "decide": ("reviewer",),
}


def part_in(act: ReviewAct, reviewer: str, asked: str) -> tuple[str, tuple[Duty, ...]]:
    """Return whose persons may do something in a review of two parties, and with which duties."""
    duties = _REVIEWERS_ACTS.get(act)
    return (asked, ("analyst", "recipient")) if duties is None else (reviewer, duties)


ReferenceHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
BucketHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
RecordNameHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
StatementNumber = Annotated[int, Field(ge=1, le=10_000)]

_QUESTION: Final = re.compile(rf"([0-9a-f]{{32}}) ([0-9a-f]{{32}}) ([0-9]{{{ROW_DIGITS}}})\n")
_CARDS_LINE: Final = re.compile(rb"blindlink/cards/1 (0|[1-9][0-9]{0,6}) ([1-9][0-9]{0,5})\n")


class Question(NamedTuple):
    """A pair that is sent to review, as the reviewer's agency is told of it: its own record, and where it
    met.
    """

    reference: Reference
    handle: Handle
    row: int


class _OfReview(Model):
    """Of which run a review is, who decides, who is asked for cards, and whose upload this is about."""

    project: Name
    round: RoundNumber
    run: RandomId
    reviewer: Name
    asked: Name
    upload: RandomId


class QuestionsHeader(_OfReview, Document):
    """Of which run the questions are, who is asked for cards, and how many questions follow."""

    KIND: ClassVar[str] = "review questions"

    version: Literal["blindlink/review-questions/1"] = "blindlink/review-questions/1"
    questions: Annotated[int, Field(ge=0, le=MAX_QUESTIONS)]
    created: UtcTime


class AskedBuckets(_OfReview, Document):
    """The labels of the buckets that the other agency is asked to answer for, in increasing order."""

    KIND: ClassVar[str] = "asked buckets"

    version: Literal["blindlink/review-asked/1"] = "blindlink/review-asked/1"
    buckets: Annotated[tuple[BucketHex, ...], Field(max_length=MAX_QUESTIONS)]

    @model_validator(mode="after")
    def _buckets_are_in_order(self) -> Self:
        if list(self.buckets) != sorted(set(self.buckets)):
            raise ValueError("buckets must be listed once each, in order")
        return self


class CardField(Model):
    """One column of a card; the empty text where the record has no value."""

    name: Line
    value: Annotated[str, Field(max_length=200, repr=False)]


class Card(Document):
    """One record of the asked agency, for the reviewers alone.

    `record` is the name by which a rejection is remembered (`bsf1.md`, section 4). `fields` come in the order
    of the agreement's elements.
    """

    KIND: ClassVar[str] = "card"

    version: Literal["blindlink/card/1"] = "blindlink/card/1"
    project: Name
    round: RoundNumber
    run: RandomId
    sender: Name
    person: PersonIdText
    record: RecordNameHex
    fields: Annotated[tuple[CardField, ...], Field(min_length=1, max_length=MAX_CARD_COLUMNS)]

    @model_validator(mode="after")
    def _columns_are_told_once(self) -> Self:
        names = [one.name for one in self.fields]
        if len(set(names)) != len(names):
            raise ValueError("a card tells a column twice")
        return self


class SignedCard(SignedInName):
    """A card with the signature of a person of the asked agency."""

    KIND: ClassVar[str] = "signed card"
    BODY: ClassVar[str] = "card"
    SIGNED_AS: ClassVar[str] = "review-card"

    card: Card


class ReviewStatement(Document):
    """What a person states of a review: that these cards answer it, or that these are their decisions.

    `agreement` is that of the run: it names the log in which this counts. `number` counts the person's
    statements of this kind in this review, from 1; cards come once. `sha256` is that of what is stated.
    `is_last`: no more of the kind come from this person.
    """

    KIND: ClassVar[str] = "review statement"

    version: Literal["blindlink/review-statement/1"] = "blindlink/review-statement/1"
    about: Literal["cards", "decisions"]
    project: Name
    agreement: Sha256Hex
    round: RoundNumber
    run: RandomId
    party: Name
    person: PersonIdText
    number: StatementNumber
    sha256: Sha256Hex
    is_last: bool
    at: UtcTime

    @model_validator(mode="after")
    def _cards_come_once(self) -> Self:
        if self.about == "cards" and (self.number != 1 or not self.is_last):
            raise ValueError("the cards of a review come once")
        return self


class SignedReviewStatement(SignedInName):
    """A review statement with its person's signature."""

    KIND: ClassVar[str] = "signed review statement"
    BODY: ClassVar[str] = "statement"
    SIGNED_AS: ClassVar[str] = "review-statement"

    statement: ReviewStatement


class PairDecision(Model):
    """What a reviewer decided of one question."""

    reference: ReferenceHex
    verdict: Verdict
    reason: Reason

    @model_validator(mode="after")
    def _reason_fits(self) -> Self:
        if self.reason not in REASONS[self.verdict]:
            raise ValueError("a reason that does not go with the verdict")
        return self


class Decisions(Document):
    """Decisions of one person, each question once, in the order of references."""

    KIND: ClassVar[str] = "decisions"

    version: Literal["blindlink/review-decisions/1"] = "blindlink/review-decisions/1"
    run: RandomId
    decisions: Annotated[tuple[PairDecision, ...], Field(max_length=MAX_QUESTIONS)]

    @model_validator(mode="after")
    def _decisions_are_in_order(self) -> Self:
        references = [one.reference for one in self.decisions]
        if references != sorted(set(references)):
            raise ValueError("a question is decided once, and decisions are in order")
        return self


class StatedDecisions(Document):
    """Decisions, and the signed statement that they are this person's."""

    KIND: ClassVar[str] = "stated decisions"

    signed: SignedReviewStatement
    decisions: Decisions

    @model_validator(mode="after")
    def _statement_is_of_the_decisions(self) -> Self:
        statement = self.signed.statement
        if statement.about != "decisions" or statement.run != self.decisions.run:
            raise ValueError("the statement is not of these decisions")
        if statement.sha256 != self.decisions.digest():
            raise ValueError("the statement is of other decisions")
        return self


class ReviewView(Document):
    """One review as its parties see it: of which run, who looks, who is asked, and until when.

    `questions` and `buckets` are null for whom it is not. `decided` counts the questions that the caller's own
    person has decided. `release` is the number of the supplementary release that came of it, null before and
    where nothing was accepted.
    """

    KIND: ClassVar[str] = "review"

    project: Name
    round: RoundNumber
    run: RandomId
    reviewer: Name
    asked: Name
    state: ReviewState
    deadline: UtcTime
    questions: Annotated[int, Field(ge=0)] | None
    buckets: Annotated[int, Field(ge=0)] | None
    decided: Annotated[int, Field(ge=0)] | None
    release: SupplementNumber | None


class ReviewList(Document):
    """Reviews of a project, newest first."""

    KIND: ClassVar[str] = "review list"

    reviews: tuple[ReviewView, ...]


def serialise_questions(header: QuestionsHeader, questions: Iterable[Question]) -> bytes:
    """Return the file of questions; they must come in increasing order of reference."""
    lines = (
        f"{one.reference.hex()} {one.handle.hex()} {one.row:0{ROW_DIGITS}}\n" for one in questions
    )
    return header.to_canonical() + b"\n" + "".join(lines).encode("ascii")


def parse_questions(raw: bytes) -> tuple[QuestionsHeader, tuple[Question, ...]]:
    """Read a file of questions.

    Raises:
        DocumentError: malformed, out of order, a record twice, or other questions than the header counts.
    """
    line, _, body = raw.partition(b"\n")
    if len(line) > MAX_HEAD_LINE_BYTES:
        raise DocumentError("review questions: the first line is too long")
    header = QuestionsHeader.from_canonical(line)
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise DocumentError("review questions: a line is malformed") from None
    found, at = [], 0
    while at < len(text):
        match = _QUESTION.match(text, at)
        if match is None:
            raise DocumentError("review questions: a line is malformed")
        reference, handle, row = match.groups()
        found.append(
            Question(Reference(bytes.fromhex(reference)), Handle(bytes.fromhex(handle)), int(row))
        )
        at = match.end()
    if len(found) != header.questions:
        raise DocumentError("review questions: there are others than the first line counts")
    if any(one.reference >= other.reference for one, other in pairwise(found)):
        raise DocumentError("review questions: they are not in order")
    if len({one.handle for one in found}) != len(found):
        raise DocumentError("review questions: a record is asked about twice")
    return header, tuple(found)


def bucket_of(handle: bytes) -> str:
    """Return the label of a handle's bucket."""
    return handle[:BUCKET_BYTES].hex()


def card_plain(signed: SignedCard) -> bytes:
    """Return what is sealed of a card: canonical JSON, a newline, and spaces up to the one length.

    Raises:
        DocumentError: the card is too long; the agreement lists too many columns.
    """
    line = signed.to_canonical() + b"\n"
    if len(line) > CARD_PLAIN_BYTES:
        raise DocumentError(f"card: longer than {CARD_PLAIN_BYTES:,} bytes")
    return line.ljust(CARD_PLAIN_BYTES)


def parse_card(plain: bytes) -> SignedCard:
    """Read what was sealed of a card; `verify` then says whose it is.

    Raises:
        DocumentError: malformed, or of another length.
    """
    line, _, padding = plain.partition(b"\n")
    if len(plain) != CARD_PLAIN_BYTES or padding.strip(b" "):
        raise DocumentError("card: its length or padding is another one")
    return SignedCard.from_canonical(line)


def serialise_cards(cards: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return sealed cards, each after its 16-byte id, in order of ids: a handle, or a question's reference.

    All have one length.
    """
    listed = sorted(cards)
    size = len(listed[0][1]) if listed else 1
    if any(len(sealed) != size for _, sealed in listed):
        raise DocumentError("cards: they are not of one length")
    return cards_head(len(listed), size) + b"".join(key + sealed for key, sealed in listed)


def cards_head(n_cards: int, size: int) -> bytes:
    """Return the first line of sealed cards, all of one size in bytes, which is 1 where there are none."""
    return f"blindlink/cards/1 {n_cards} {size if n_cards else 1}\n".encode("ascii")


def parse_cards_head(line: bytes) -> tuple[int, int]:
    """Read the first line of sealed cards: how many there are, and the size of each in bytes.

    Raises:
        DocumentError: malformed.
    """
    match = _CARDS_LINE.fullmatch(line)
    if match is None or line != cards_head(int(match[1]), int(match[2])):
        raise DocumentError("cards: the first line is malformed")
    return int(match[1]), int(match[2])


def parse_cards(raw: bytes) -> dict[bytes, bytes]:
    """Read sealed cards, by their ids.

    Raises:
        DocumentError: malformed, out of order, too many, or too long.
    """
    start = raw.find(b"\n") + 1
    n_cards, size = parse_cards_head(raw[:start])
    each = HANDLE_BYTES + size
    if n_cards > MAX_CARDS or size > MAX_CARD_BYTES or len(raw) != start + n_cards * each:
        raise DocumentError("cards: there are others than the first line counts")
    found = dict(_cards(raw, start, each))
    if list(found) != sorted(found) or len(found) != n_cards:
        raise DocumentError("cards: they are not in order, or one comes twice")
    return found


def _cards(raw: bytes, start: int, each: int) -> Iterator[tuple[bytes, bytes]]:
    for at in range(start, len(raw), each):
        yield raw[at : at + HANDLE_BYTES], raw[at + HANDLE_BYTES : at + each]


def stated_cards(signed: SignedReviewStatement, cards: bytes) -> bytes:
    """Return what the asked agency sends: the signed statement on a line, then its cards."""
    return signed.to_canonical() + b"\n" + cards
