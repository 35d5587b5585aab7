"""The formats of clerical review by their vectors: what is read, what is signed, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.stated_cards import parse_stated_cards
from vectors.file import read_vectors
from vectors.review import (
    BUCKETS,
    CARD,
    DECISIONS,
    HEADER,
    QUESTIONS,
    SEALED,
    raw_of,
    review_vectors,
)

from schemas.clauses import MAX_QUESTIONS
from schemas.errors import DocumentError, FormatError, SignatureError
from schemas.identity import PublicIdentity
from schemas.ids import Handle
from schemas.review import (
    CARD_PLAIN_BYTES,
    AskedBuckets,
    Card,
    CardField,
    Decisions,
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


def test_the_stored_vectors_are_those_that_are_written() -> None:
    assert review_vectors() == VECTORS
    assert FORMATS.keys() == VECTORS.keys() - {"spec", "identities"}


@of("good")
def test_what_is_good_is_read_and_written_to_the_byte(kind: str, raw: bytes) -> None:
    read, write = FORMATS[kind]
    found = read(raw)
    assert write(found) == raw


@of("bad")
def test_what_is_bad_is_refused_without_an_echo(kind: str, raw: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        FORMATS[kind][0](raw)
    assert not [word for word in ("Zo", "2011", "0a0a", "deadbeef") if word in str(caught.value)]


@pytest.mark.parametrize("vector", VECTORS["card"]["good"], ids=lambda vector: vector["name"])
def test_a_card_is_its_persons(vector: dict[str, str]) -> None:
    SignedCard.from_canonical(raw_of(vector)).verify(PEOPLE["k12"])


def test_statements_are_their_persons() -> None:
    for vector in VECTORS["statement"]["good"]:
        signed = SignedReviewStatement.from_canonical(raw_of(vector))
        signed.verify(PEOPLE[signed.statement.party])


@of("forged")
def test_what_is_forged_is_read_and_does_not_verify(kind: str, raw: bytes) -> None:
    person = PEOPLE["k12" if kind == "card" else "child-welfare"]
    signed = FORMATS[kind][0](raw)
    with pytest.raises(SignatureError):
        signed.verify(person)


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


def test_no_more_is_asked_or_decided_than_a_review_may_have() -> None:
    buckets = [f"{number:08x}" for number in range(MAX_QUESTIONS + 1)]
    assert len(AskedBuckets.from_json(BUCKETS | {"buckets": buckets[1:]}).buckets) == MAX_QUESTIONS
    with pytest.raises(DocumentError, match="at most 10000 items"):
        AskedBuckets.from_json(BUCKETS | {"buckets": buckets})
    decided = [{**DECISIONS["decisions"][2], "reference": bucket * 4} for bucket in buckets]
    assert (
        len(Decisions.from_json(DECISIONS | {"decisions": decided[1:]}).decisions) == MAX_QUESTIONS
    )
    with pytest.raises(DocumentError, match="at most 10000 items"):
        Decisions.from_json(DECISIONS | {"decisions": decided})


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


@given(st.data())
def test_a_changed_byte_is_refused_or_changes_what_is_read(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(FORMATS)))
    read, write = FORMATS[kind]
    good = raw_of(VECTORS[kind]["good"][0])
    raw = bytearray(good)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = read(bytes(raw))
    except FormatError:
        return
    assert write(found) == bytes(raw)
    assert found != read(good)
