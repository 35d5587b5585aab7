"""Cards: one for each handle, of one length, signed and sealed; and what a reviewer's program does not show."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from samples.refusals import raises
from twins.stated_cards import parse_stated_cards

from encoding.packing.memory import record_digest, record_name
from encoding.people.identity import Identity, new_identity
from encoding.people.sealed_file import Address, open_pieces, read_sealed_header, seal_pieces
from encoding.progress import silent
from encoding.review.cards import CardMaking, ReviewOf, make_cards, open_card
from encoding.review.errors import CardTooLongError, CardUntrustedError, ReviewError
from encoding.review.records import FileRecord
from schemas.documents.errors import SignatureError
from schemas.documents.ids import Handle
from schemas.rounds.review import CARD_PLAIN_BYTES, Card, SignedCard, card_plain, parse_card
from schemas.signing.identity import Duty, PublicIdentity

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
CREATED = "2026-11-20T22:30:00Z"
KEY = bytes(range(32))
AGREEMENT = "c" * 64
REVIEW = ReviewOf(
    "demo", AGREEMENT, 3, f"run-{'0' * 32}", "welfare", "schools", ("first_name", "born")
)
KEYS = {Handle(bytes([number]) * 16): f"{number:032x}" for number in (3, 1, 2)}
RECORDS = {
    f"{1:032x}": FileRecord("a", {"first_name": "Anastasia", "born": "2011-04-09"}, "1" * 32),
    f"{2:032x}": FileRecord("b", {"first_name": "Zoë \U0001f600" * 99, "born": ""}, "2" * 32),
}


def person(party: str, *duties: Duty) -> Identity:
    return new_identity(party, duties, NOW)


SIGNER, STRANGER = person("schools", "analyst"), person("schools", "analyst")
FIRST, SECOND = person("welfare", "reviewer"), person("welfare", "reviewer")
MAKING = CardMaking(
    SIGNER, tuple(sorted((FIRST.public, SECOND.public), key=lambda one: one.person)), CREATED, KEY
)


def made(**changes: Any) -> tuple[bytes, dict[bytes, bytes]]:
    raw = make_cards(replace(REVIEW, **changes), MAKING, KEYS, RECORDS, silent)
    return raw, parse_stated_cards(raw)[1]


def opened(sealed: bytes, **changes: Any) -> Card:
    given: dict[str, Any] = {"keys": [FIRST], "senders": [SIGNER.public]} | changes
    return open_card(REVIEW, sealed, **given)


def sealed_by(signed: SignedCard | bytes, sender: str = "schools") -> bytes:
    plain = signed if isinstance(signed, bytes) else card_plain(signed)
    return b"".join(seal_pieces([plain], Address(sender, "welfare", MAKING.receivers, CREATED)))


def card(**changes: Any) -> Card:
    _, sealed = made()
    return opened(sealed[bytes([1]) * 16]).model_copy(update=changes)


def test_there_is_one_card_for_each_handle_that_each_reviewer_can_open_and_nobody_else() -> None:
    raw, sealed = made()
    signed, _ = parse_stated_cards(raw)
    signed.verify(SIGNER.public)
    statement = signed.statement
    assert (statement.about, statement.run, statement.number) == ("cards", REVIEW.run, 1)
    assert list(sealed) == sorted(KEYS)
    assert len({len(one) for one in sealed.values()}) == 1
    for reader in (FIRST, SECOND):
        assert opened(sealed[bytes([1]) * 16], keys=[reader]).fields[0].value == "Anastasia"
    with pytest.raises(CardUntrustedError):
        opened(sealed[bytes([1]) * 16], keys=[SIGNER])
    assert b"Anastasia" not in raw


def test_names_are_those_by_which_the_next_encoding_knows_the_records() -> None:
    _, sealed = made()
    names = [opened(sealed[handle]).record for handle in sorted(KEYS)]
    digests = ["1" * 32, "2" * 32, record_digest(KEY, {}, ())]
    keys = [f"{number:032x}" for number in (1, 2, 3)]
    assert names == [record_name(KEY, k, d) for k, d in zip(keys, digests, strict=True)]


def test_a_record_that_is_gone_or_lacks_a_name_or_date_has_a_card_without_a_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = f"{1:032x}"
    monkeypatch.setitem(RECORDS, first, replace(RECORDS[first], is_bare=True))
    _, sealed = made()
    for number in (1, 3):
        empty = opened(sealed[bytes([number]) * 16])
        assert [(one.name, one.value) for one in empty.fields] == [("first_name", ""), ("born", "")]


def test_what_is_too_long_for_a_card_is_cut() -> None:
    _, sealed = made()
    (name, _) = opened(sealed[bytes([2]) * 16]).fields
    assert len(name.value) == 200
    assert name.value.endswith("…")
    elements = tuple(f"element-{number}" for number in range(16))
    records = {f"{1:032x}": FileRecord("a", dict.fromkeys(elements, "\u00df" * 300), "1" * 32)}
    raw = make_cards(replace(REVIEW, elements=elements), MAKING, KEYS, records, silent)
    full = open_card(
        replace(REVIEW, elements=elements),
        parse_stated_cards(raw)[1][bytes([1]) * 16],
        [FIRST],
        [SIGNER.public],
    )
    lengths = {len(one.value) for one in full.fields}
    assert max(lengths) >= 30
    assert all(one.value.endswith("…") for one in full.fields)
    with raises(CardTooLongError):
        make_cards(
            replace(REVIEW, elements=tuple(f"{n:0200}" for n in range(16))),
            MAKING,
            KEYS,
            {},
            silent,
        )


def test_more_reviewers_than_a_card_has_room_for_are_told() -> None:
    many = sorted(
        (person("welfare", "reviewer").public for _ in range(12)), key=lambda one: one.person
    )
    with pytest.raises(ReviewError, match="welfare has 12 persons with the duty reviewer"):
        make_cards(REVIEW, replace(MAKING, receivers=tuple(many)), KEYS, RECORDS, silent)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run": f"run-{'1' * 32}"}, "of a different review"),
        ({"round": 4}, "of a different review"),
        ({"project": "other"}, "of a different review"),
        ({"fields": card().fields[:1]}, "shows different columns"),
        ({"fields": card().fields[::-1]}, "shows different columns"),
    ],
)
def test_a_card_of_something_else_is_not_shown(changes: dict[str, Any], said: str) -> None:
    other = SignedCard.of(card(**changes), SIGNER.keys.signing_key)
    with pytest.raises(CardUntrustedError, match=said):
        opened(sealed_by(other))


def test_a_card_of_nobody_who_is_trusted_is_not_shown() -> None:
    by_stranger = card(person=STRANGER.public.person)
    for signed, key, senders in (
        (by_stranger, STRANGER, [SIGNER.public]),
        (card(), STRANGER, [SIGNER.public]),
        (card(), SIGNER, []),
    ):
        forged = sealed_by(SignedCard.of(signed, key.keys.signing_key))
        with pytest.raises(CardUntrustedError):
            opened(forged, senders=senders)


def test_a_card_that_is_broken_or_from_another_party_is_not_shown() -> None:
    good = SignedCard.of(card(), SIGNER.keys.signing_key)
    assert opened(sealed_by(good)).fields[0].value == "Anastasia"
    for bad in (
        sealed_by(good, sender="welfare"),
        sealed_by(good)[:-1],
        sealed_by(card_plain(good)[:-1]),
        sealed_by(b"{}\n".ljust(CARD_PLAIN_BYTES)),
        b"",
    ):
        with pytest.raises(CardUntrustedError):
            opened(bad)


def test_what_is_sealed_is_the_specs_own_form() -> None:
    _, sealed = made()
    raw = sealed[bytes([1]) * 16]
    header, _ = read_sealed_header(io.BytesIO(raw))
    assert (header.sender, header.recipient) == ("schools", "welfare")
    signed = parse_card(b"".join(open_pieces(io.BytesIO(raw), FIRST)))
    signed.verify(SIGNER.public)
    other: PublicIdentity = STRANGER.public
    with pytest.raises(SignatureError):
        signed.verify(other)
