"""The formats of clerical review by their vectors: what is read, what is signed, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.stated_cards import parse_stated_cards
from vectors.file import read_vectors
from vectors.review import (
    CARD,
    HEADER,
    QUESTIONS,
    SEALED,
    raw_of,
)

from schemas.documents.errors import DocumentError
from schemas.documents.ids import Handle
from schemas.rounds.review import (
    CARD_PLAIN_BYTES,
    AskedBuckets,
    Card,
    CardField,
    Question,
    QuestionsHeader,
    Reference,
    ReviewList,
    SignedCard,
    SignedReviewStatement,
    StatedDecisions,
    bucket_of,
    card_plain,
    parse_card,
    parse_cards,
    parse_questions,
    serialise_cards,
    serialise_questions,
    stated_cards,
)
from schemas.signing.identity import PublicIdentity

VECTORS = read_vectors("review")
PEOPLE = {
    party: PublicIdentity.from_canonical(text.encode())
    for party, text in VECTORS["identities"].items()
}
# How each format is read, and written again.
FORMATS: dict[str, tuple[Any, Any]] = {
    "questions": (parse_questions, lambda found: serialise_questions(*found)),
    "asked": (AskedBuckets.from_canonical, AskedBuckets.to_canonical),
    "card": (SignedCard.from_canonical, SignedCard.to_canonical),
    "card_plain": (parse_card, card_plain),
    "cards": (parse_cards, lambda found: serialise_cards(found.items())),
    "stated_cards": (
        parse_stated_cards,
        lambda found: stated_cards(found[0], serialise_cards(found[1].items())),
    ),
    "statement": (SignedReviewStatement.from_canonical, SignedReviewStatement.to_canonical),
    "stated_decisions": (StatedDecisions.from_canonical, StatedDecisions.to_canonical),
    "list": (ReviewList.from_canonical, ReviewList.to_canonical),
}
ids = st.binary(min_size=16, max_size=16)


def of(which: str) -> Any:
    return pytest.mark.parametrize(
        ("kind", "raw"),
        [
            pytest.param(kind, raw_of(vector), id=f"{kind}: {vector['name']}")
            for kind in FORMATS
            for vector in VECTORS[kind].get(which, ())
        ],
    )


@pytest.mark.parametrize("vector", VECTORS["card"]["good"], ids=lambda vector: vector["name"])
def test_a_card_is_its_persons(vector: dict[str, str]) -> None:
    SignedCard.from_canonical(raw_of(vector)).verify(PEOPLE["k12"])


def test_statements_are_their_persons() -> None:
    for vector in VECTORS["statement"]["good"]:
        signed = SignedReviewStatement.from_canonical(raw_of(vector))
        signed.verify(PEOPLE[signed.statement.party])


def test_questions_say_record_and_row_and_cards_their_handles() -> None:
    header, questions = parse_questions(raw_of(VECTORS["questions"]["good"][0]))
    assert header.to_json() == HEADER
    assert [(q.reference.hex(), q.handle.hex(), q.row) for q in questions] == QUESTIONS
    found = parse_cards(raw_of(VECTORS["cards"]["good"][0]))
    assert {key.hex(): content for key, content in found.items()} == SEALED
    assert [bucket_of(key) for key in found] == ["00000000", "deadbeef"]


def test_all_cards_have_one_length_and_one_that_does_not_fit_is_refused() -> None:
    signed = SignedCard.from_canonical(raw_of(VECTORS["card"]["good"][0]))
    assert len(card_plain(signed)) == CARD_PLAIN_BYTES
    fields = tuple(CardField(name=f"f{n}", value="x" * 200) for n in range(9))
    long = Card.from_json(CARD).model_copy(update={"fields": fields})
    with pytest.raises(DocumentError, match="longer than 2,048 bytes"):
        card_plain(SignedCard(card=long, signature=signed.signature))
    with pytest.raises(DocumentError, match="one length"):
        serialise_cards([(bytes(16), b"one"), (bytes(15) + b"1", b"another")])


def test_a_card_does_not_show_what_it_says() -> None:
    signed = SignedCard.from_canonical(raw_of(VECTORS["card"]["good"][0]))
    assert "2011" not in repr(signed)


@given(st.dictionaries(ids, st.tuples(ids, st.integers(0, 10**12 - 1)), max_size=9))
def test_questions_survive_their_file(made: dict[bytes, tuple[bytes, int]]) -> None:
    by_handle = {handle: (reference, row) for reference, (handle, row) in made.items()}
    listed = sorted(
        Question(Reference(reference), Handle(handle), row)
        for handle, (reference, row) in by_handle.items()
    )
    header = QuestionsHeader.from_json(HEADER | {"questions": len(listed)})
    assert parse_questions(serialise_questions(header, listed)) == (header, tuple(listed))


@given(st.dictionaries(ids, st.binary(min_size=5, max_size=5), max_size=9))
def test_cards_survive_their_file(made: dict[bytes, bytes]) -> None:
    assert parse_cards(serialise_cards(made.items())) == made
