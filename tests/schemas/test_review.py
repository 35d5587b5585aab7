"""The formats of clerical review by their vectors: what is read, what is signed, what is refused.
How many questions a review may ask: what is left, by the slow verifier's way of counting weeks.
Deliveries by their vectors: what is read, what is signed, what is refused.
Signed statements: which count under an agreement, and which do not.
"""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from samples.agreement import AGREEMENT, person_id, private
from vectors.file import naming, read_vectors
from vectors.review import CARD, HEADER, QUESTIONS, SEALED, raw_of

from blindlink_verify import reviews
from schemas.agreement.agreement import Agreement
from schemas.agreement.allowance import KEPT_WEEKS, Charge, charge_of, questions_left
from schemas.agreement.clauses import Review
from schemas.agreement.statement import SignedStatement, duty_for
from schemas.documents.errors import DocumentError, SignatureError
from schemas.documents.ids import Handle, utc_text
from schemas.rounds.delivery import (
    BASE_BYTES,
    ROW_BYTES,
    SignedDelivery,
    delivery_head,
    most_bytes,
    padding_of,
    read_delivery_head,
    read_table_head,
    table_head,
)
from schemas.rounds.review import (
    CARD_PLAIN_BYTES,
    Card,
    CardField,
    Question,
    QuestionsHeader,
    Reference,
    SignedCard,
    SignedReviewStatement,
    bucket_of,
    card_plain,
    parse_cards,
    parse_questions,
    serialise_cards,
    serialise_questions,
)
from schemas.signing.identity import PublicIdentity

VECTORS = read_vectors("review")
PEOPLE = {
    party: PublicIdentity.from_canonical(text.encode())
    for party, text in VECTORS["identities"].items()
}
ids = st.binary(min_size=16, max_size=16)


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


CLAUSE = Review(reviewer="cw", persons=1, first=200, weekly=10, bucket=20, days=14, consent=None)
BEGUN = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)
CHARGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 300)), max_size=12)


@given(CHARGES, st.integers(0, 200), st.integers(1, 300), st.integers(1, 30))
def test_what_is_left_is_the_twins(
    asked: list[tuple[int, int]], later: int, first: int, weekly: int
) -> None:
    clause = CLAUSE.model_copy(update={"first": first, "weekly": weekly})
    before = [Charge(utc_text(BEGUN + timedelta(hours=at)), n) for at, n in sorted(asked)]
    last = datetime.fromisoformat(before[-1].time) if before else BEGUN
    now = utc_text(last + timedelta(days=later))
    charged = [(one.time, one.questions) for one in before]
    left = reviews.questions_left(clause.model_dump(), charged, now)
    assert questions_left(clause, before, now) == left


def test_an_agency_that_takes_all_it_may_gets_the_first_ones_and_then_so_many_a_week() -> None:
    taken: list[Charge] = []
    for day in range(365):
        now = utc_text(BEGUN + timedelta(days=day))
        if (left := questions_left(CLAUSE, taken, now)) > 0:
            taken.append(Charge(now, left))
    assert taken[0].questions == CLAUSE.first
    assert len(taken) == 1 + 53 - KEPT_WEEKS
    assert {one.questions for one in taken[1:]} == {CLAUSE.weekly}
    # What was left for a year is worth no more than eight weeks.
    assert questions_left(CLAUSE, taken[:1], utc_text(BEGUN + timedelta(days=365))) == 80
    assert [charge_of(n, 10) for n in (1, 9, 10, 11)] == [10, 10, 10, 11]


VECTORS_OF_DELIVERY = read_vectors("delivery")
PERSON = PublicIdentity.from_json(VECTORS_OF_DELIVERY["identity"])


def delivered_of(kind: str, which: str) -> Any:
    found = VECTORS_OF_DELIVERY[kind][which]
    return pytest.mark.parametrize("given", found.values(), ids=found)


def read(text: str) -> SignedDelivery:
    return read_delivery_head(io.BytesIO(text.encode()))


@delivered_of("head", "good")
def test_a_good_head_is_read_verified_and_written_to_the_byte(given: str) -> None:
    content = io.BytesIO((given + VECTORS_OF_DELIVERY["rows"]).encode())
    found = read_delivery_head(content)
    found.verify(PERSON)
    assert delivery_head(found).decode() == given
    assert hashlib.sha256(content.read()).hexdigest() == found.statement.sha256


def test_what_is_missing_to_a_step_is_filled_up() -> None:
    assert {
        size: padding_of(int(size)) for size in VECTORS_OF_DELIVERY["padding"]
    } == VECTORS_OF_DELIVERY["padding"]


def test_a_delivery_may_be_as_large_as_the_page_says() -> None:
    assert (BASE_BYTES, ROW_BYTES) == (262_144, 1_024)
    assert most_bytes(1000, 1) == 262_144 + 1_024_000
    assert most_bytes(1000, 3) == 262_144 + 3 * 1_024_000


def tables(text: str) -> list[str]:
    content, found = io.BytesIO(text.encode()), []
    while (size := read_table_head(content)) is not None:
        found.append(content.read(size).decode())
    return found


@delivered_of("tables", "good")
def test_tables_are_read_by_their_lengths_and_written_again(given: dict[str, Any]) -> None:
    assert tables(given["content"]) == given["tables"]
    written = b"".join(table_head(len(one.encode())) + one.encode() for one in given["tables"])
    assert written.decode() == given["content"]


@delivered_of("tables", "bad")
def test_a_table_without_its_length_is_refused(given: str) -> None:
    with pytest.raises(DocumentError):
        tables(given)


VECTORS_OF_STATEMENT = read_vectors("statement")
BASE = Agreement.from_json(AGREEMENT)


def test_a_good_statement_is_read_to_the_byte_and_counts() -> None:
    assert BASE.digest() == VECTORS_OF_STATEMENT["agreement"]
    for vector in VECTORS_OF_STATEMENT["good"]:
        with naming(vector):
            signed = SignedStatement.from_canonical(vector["document"].encode())
            signer = signed.verify(BASE)
            assert (signer.party, signer.person) == (
                signed.statement.party,
                signed.statement.person,
            )
            assert duty_for(signed.statement) in signer.duties


def test_a_statement_that_nobody_made_does_not_count() -> None:
    for vector in VECTORS_OF_STATEMENT["bad"]:
        with naming(vector):
            signed = SignedStatement.from_canonical(vector["document"].encode())
            with pytest.raises(SignatureError):
                signed.verify(BASE)


def test_signing_here_gives_the_signature_of_the_vectors() -> None:
    for vector in VECTORS_OF_STATEMENT["good"]:
        with naming(vector):
            stored = SignedStatement.from_canonical(vector["document"].encode())
            if stored.changes:
                continue
            name = next(
                who
                for who in ("ann", "eve", "kim", "sue")
                if person_id(who) == stored.statement.person
            )
            key = Ed25519PrivateKey.from_private_bytes(private(name)[:32])
            assert SignedStatement.of(stored.statement, key) == stored


def test_who_signed_after_a_change_of_keys_is_who_the_last_key_belongs_to() -> None:
    by_name = {vector["name"]: vector["document"] for vector in VECTORS_OF_STATEMENT["good"]}
    signed = SignedStatement.from_canonical(by_name["by a key after the new key"].encode())
    assert signed.verify(BASE) == signed.changes[-1].change.successor
