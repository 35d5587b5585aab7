"""Cards: exactly those that are asked for, signed, once; and only what a question needs is kept."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from rigs.answers import refusal
from rigs.filling import Filling
from rigs.linkage import CHILD_WELFARE, SCHOOL
from rigs.reviewing import Reviewing
from twins.stated_cards import parse_stated_cards
from vectors.file import read_vectors
from vectors.review import raw_of

from app.errors import RefusedError
from app.review import cards as cards_module
from app.review.cards import CardReader, Wanted
from app.review.models import Review
from app.review.preparation import CARDS_KIND
from app.sealed.objects import cut_pieces, open_pieces
from schemas.documents.errors import DocumentError
from schemas.rounds.review import Reference, parse_cards, serialise_cards

VECTORS = read_vectors("review")
Cards = dict[bytes, bytes]


def made(reviewing: Reviewing, run: str) -> Cards:
    return {handle: os.urandom(64) for handle in reviewing.bucket_handles(run)}


def test_only_cards_that_a_question_needs_are_kept(reviewing: Reviewing, held_back: str) -> None:
    cards = reviewing.answer(held_back)
    with reviewing.broker.database.read() as session:
        review = session.get_one(Review, held_back)
        pieces = list(open_pieces(session, reviewing.broker, review.object, CARDS_KIND))
    kept = parse_cards(b"".join(pieces))
    references = {one.reference for one in reviewing.questions(held_back)}
    assert (set(kept), len(cards) > len(kept)) == (references, True)
    # Each under the reference of its own record: the twin of what the reviewer will see.
    other = reviewing.containers[1]
    assert set(kept.values()) == {cards[other.handles[at]] for at in range(12, 18)}


def without_one(cards: Cards) -> Cards:
    return dict(list(cards.items())[1:])


def with_another(cards: Cards) -> Cards:
    return {**cards, b"\xff" * 16: cards[next(iter(cards))]}


def with_one_exchanged(cards: Cards) -> Cards:
    return with_another(without_one(cards))


def test_there_is_exactly_one_card_for_each_record_that_is_asked_for_signed_by_who_sends_it(
    reviewing: Reviewing, held_back: str
) -> None:
    for change in (without_one, with_another, with_one_exchanged):
        answer = reviewing.put_cards(
            held_back, reviewing.stated_cards(held_back, change(made(reviewing, held_back)))
        )
        assert refusal(answer) == (422, "cards-refused"), change
        assert reviewing.review()["state"] == "asked"
    # Cards out of order or of another digest are refused.
    cards = made(reviewing, held_back)
    line, content = reviewing.stated_cards(held_back, cards).split(b"\n", 1)
    head, rest = content.split(b"\n", 1)
    swapped = rest[80:160] + rest[:80] + rest[160:]
    for bent in (
        line + b"\n" + head + b"\n" + swapped,
        line + b"\n" + content[:-1],
        line + b"\n" + content + b"x",
        line + b"\n" + content[:-1] + bytes([content[-1] ^ 1]),
        line,
        b"x" * 20_000,
        content,
    ):
        answer = reviewing.put_cards(held_back, bent)
        assert refusal(answer) == (422, "cards-refused"), bent[:40]
    assert "review-answered" not in reviewing.log_kinds()
    # Cards are signed by the person who sends them about this review.
    cards = made(reviewing, held_back)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"round": 2}, "statement-refused"),
        ({"run": "run-" + "0" * 32}, "statement-refused"),
        ({"project": "other"}, "statement-refused"),
        ({"agreement": "0" * 64}, "statement-refused"),
        ({"person": reviewing.person(CHILD_WELFARE).id}, "statement-refused"),
        ({"at": "2026-09-01T07:00:00Z"}, "statement-refused"),
    ]
    for fields, expected in changes:
        answer = reviewing.put_cards(held_back, reviewing.stated_cards(held_back, cards, **fields))
        assert refusal(answer) == (422, expected), fields
    forged = reviewing.stated_cards(held_back, cards).replace(
        b'"at":"2026-09-01T06:00:00Z"', b'"at":"2026-09-01T05:59:59Z"'
    )
    answer = reviewing.put_cards(held_back, forged)
    assert refusal(answer) == (422, "signature-refused")
    answer = reviewing.put_cards(held_back, reviewing.stated_cards(held_back, cards), CHILD_WELFARE)
    assert refusal(answer) == (409, "not-of-review")
    # A body of another media type or compressed is refused.
    content = reviewing.stated_cards(held_back, made(reviewing, held_back))
    for headers in (
        {"content-type": "text/plain"},
        {"content-type": "application/octet-stream", "content-encoding": "gzip"},
    ):
        answer = reviewing.client.put(
            f"/v1/reviews/{held_back}/cards",
            content=content,
            headers={**reviewing.as_party(SCHOOL), **headers},
        )
        assert refusal(answer) == (415, "media-type"), headers
    # The same cards again change nothing and others are refused.
    cards = made(reviewing, held_back)
    content = reviewing.stated_cards(held_back, cards)
    first, again = reviewing.put_cards(held_back, content), reviewing.put_cards(held_back, content)
    assert (first.status_code, again.json()) == (200, first.json())
    assert reviewing.log_kinds().count("review-answered") == 1
    other = reviewing.put_cards(
        held_back, reviewing.stated_cards(held_back, made(reviewing, held_back))
    )
    assert refusal(other) == (409, "cards-differ")
    shown = reviewing.fetch_cards(held_back)
    assert set(shown.values()) < set(cards.values())
    # The log has the signed statement of all cards.
    (entry,) = [one for one in reviewing.log_entries() if one["kind"] == "review-answered"]
    stated = entry["body"]["signed"]["statement"]
    assert stated["sha256"] == hashlib.sha256(serialise_cards(cards.items())).hexdigest()
    assert (stated["party"], entry["actor"]["party"]) == (SCHOOL, SCHOOL)


def refused(reviewing: Reviewing, run: str) -> list[tuple[Response, tuple[int, str]]]:
    """Send cards that are refused, each with its reason; returns the answers beside what they should be."""
    cards = made(reviewing, run)
    other = reviewing.stated_cards(run, cards, person=reviewing.person(CHILD_WELFARE).id)
    forged = reviewing.stated_cards(run, cards).replace(
        b'"at":"2026-09-01T06:00:00Z"', b'"at":"2026-09-01T05:59:59Z"'
    )
    found = [
        (reviewing.put_cards(run, other), (422, "statement-refused")),
        (reviewing.put_cards(run, forged), (422, "signature-refused")),
    ]
    reviewing.answer(run)
    differing = reviewing.stated_cards(run, cards)
    return [*found, (reviewing.put_cards(run, differing), (409, "cards-differ"))]


def test_cards_that_are_refused_are_not_even_sealed(
    reviewing: Reviewing, held_back: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[object] = []
    store_cards = cards_module.store_cards
    monkeypatch.setattr(
        cards_module, "store_cards", lambda *given: sealed.append(given) or store_cards(*given)
    )
    for answer, expected in refused(reviewing, held_back):
        assert refusal(answer) == expected
    # Those that were accepted in between.
    assert len(sealed) == 1


def test_cards_that_come_too_late_leave_nothing_on_the_disk(
    reviewing: Reviewing, held_back: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, store_cards = (
        reviewing.stated_cards(held_back, made(reviewing, held_back)),
        cards_module.store_cards,
    )
    before = set(reviewing.broker.blobs.digests())

    def store_slowly(*given: Any) -> Any:
        reviewing.founded.clock.move(days=14)
        return store_cards(*given)

    monkeypatch.setattr(cards_module, "store_cards", store_slowly)
    answer = reviewing.put_cards(held_back, content)
    assert refusal(answer) == (409, "review-over")
    assert set(reviewing.broker.blobs.digests()) == before


def test_the_same_cards_sent_twice_at_once_are_stored_once(
    reviewing: Reviewing, held_back: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, store_cards = (
        reviewing.stated_cards(held_back, made(reviewing, held_back)),
        cards_module.store_cards,
    )
    reviewing.as_party(SCHOOL)
    before, barrier = set(reviewing.broker.blobs.digests()), Barrier(2)

    def store_together(*given: Any) -> Any:
        barrier.wait(10)
        return store_cards(*given)

    monkeypatch.setattr(cards_module, "store_cards", store_together)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: reviewing.put_cards(held_back, content), range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(set(reviewing.broker.blobs.digests()) - before) == 1


def test_cards_for_which_the_disk_has_no_room_leave_nothing_on_it(
    reviewing: Reviewing, held_back: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = reviewing.stated_cards(held_back, made(reviewing, held_back))
    before = set(reviewing.broker.blobs.digests())
    monkeypatch.setattr(cards_module, "cut_pieces", partial(cut_pieces, piece_bytes=100))
    folder = reviewing.broker.settings.blob_dir
    store_cards = cards_module.store_cards
    with monkeypatch.context() as patched:
        patched.setattr(
            cards_module,
            "store_cards",
            lambda broker, *given: store_cards(replace(broker, blobs=Filling(folder, 2)), *given),
        )
        answer = reviewing.put_cards(held_back, content)
    assert refusal(answer) == (507, "storage-full")
    assert set(reviewing.broker.blobs.digests()) == before
    assert reviewing.put_cards(held_back, content).status_code == 200


def test_cards_come_before_the_deadline(reviewing: Reviewing, held_back: str) -> None:
    content = reviewing.stated_cards(held_back, made(reviewing, held_back))
    reviewing.founded.clock.move(days=14)
    answer = reviewing.put_cards(held_back, content)
    assert refusal(answer) == (409, "review-over")


def wanted(cards: Cards) -> Wanted:
    needed = {handle: Reference(handle[::-1]) for handle in sorted(cards)[::2]}
    return Wanted(b"".join(sorted(cards)), needed)


@given(st.data())
def test_a_reader_of_any_pieces_reads_what_the_reader_of_the_whole_reads(
    data: st.DataObject,
) -> None:
    vector = data.draw(st.sampled_from(VECTORS["stated_cards"]["good"]))
    raw = raw_of(vector)
    signed, cards = parse_stated_cards(raw)
    reader, at = CardReader(wanted(cards)), 0
    while at < len(raw):
        n = data.draw(st.integers(1, 200))
        reader.add(raw[at : at + n])
        at += n
    read = reader.finish()
    assert read.signed == signed
    assert read.kept == {
        handle[::-1]: sealed
        for number, (handle, sealed) in enumerate(sorted(cards.items()))
        if number % 2 == 0
    }


def read_in_pieces(reader: CardReader, raw: bytes, n: int) -> None:
    for at in range(0, len(raw), n):
        reader.add(raw[at : at + n])
    reader.finish()


@given(st.data())
def test_what_the_reader_of_the_whole_refuses_any_pieces_refuse(data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(VECTORS["stated_cards"]["bad"]))
    raw = raw_of(vector)
    with pytest.raises(DocumentError):
        parse_stated_cards(raw)
    whole = raw_of(VECTORS["stated_cards"]["good"][0])
    reader, n = CardReader(wanted(parse_stated_cards(whole)[1])), data.draw(st.integers(1, 300))
    with pytest.raises(RefusedError):
        read_in_pieces(reader, raw, n)
