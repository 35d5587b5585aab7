"""What the asked agency does for a review, unattended: one sealed card for each record of the asked buckets."""

from __future__ import annotations

from collections.abc import Sequence

from encoding.errors import UntrustedKeyError
from encoding.evidence.disclosed_records import DisclosedRecords
from encoding.packing.handles import HandleMap
from encoding.project.agreement.rosters import on_their_roster
from encoding.project.context import Context
from encoding.project.own_keys import unlock_own
from encoding.project.reviewing.reviews import (
    own_handles,
    own_reading,
    prove_review,
    trusted_persons,
)
from encoding.project.source import Source
from encoding.review.api import ReviewsApi
from encoding.review.cards import CardMaking, make_cards
from encoding.review.errors import QuestionsUntrustedError
from encoding.review.records import read_records
from encoding.transfers.matches import keys_of_handles
from schemas.documents.ids import Handle, utc_text
from schemas.rounds.review import BUCKET_BYTES, AskedBuckets, ReviewView


def answer_reviews(context: Context, source: Source, reviews: Sequence[ReviewView]) -> int:
    """Answer every one of these reviews that asks this agency for cards, and return how many that is."""
    session = context.session
    waiting = [one for one in reviews if (one.asked, one.state) == (session.party, "asked")]
    for view in waiting:
        n_cards = _answer(context, view, source)
        session.say(
            f"{n_cards:,} cards were sealed for the reviewers of {view.reviewer}, for round {view.round}"
        )
    return len(waiting)


def _answer(context: Context, view: ReviewView, source: Source) -> int:
    session = context.session
    api = ReviewsApi(context.client, session.project)
    proven = prove_review(context, view)
    asked = api.asked(view.run)
    if asked.digest() != proven.asked.buckets_sha256:
        raise QuestionsUntrustedError(
            "the match log lists different buckets from those the broker asks for"
        )
    if len(asked.buckets) > proven.asked.charged:
        raise QuestionsUntrustedError(
            "the broker asks for more buckets than the match log has questions"
        )
    with session.workspace.lock():
        keys_of = _asked_records(own_handles(session, view), asked, proven.clause.bucket)
        reading = own_reading(session, context.view.profile, source)
        trusted = on_their_roster(session, view.reviewer, trusted_persons(context, view.reviewer))
    receivers = sorted(
        (one for one in trusted if "reviewer" in one.duties), key=lambda one: one.person
    )
    if not receivers:
        raise UntrustedKeyError(
            f"no person of {view.reviewer} whom you trust has the duty reviewer",
            hint=f"have {view.reviewer} read a reviewer's fingerprint to you, then: blindlink people trust"
            f" {view.reviewer} --also FINGERPRINT",
        )
    with session.progress() as progress:
        elements = proven.of.elements
        records = read_records(reading, frozenset(keys_of.values()), elements, progress)
        making = CardMaking(
            own=unlock_own(session),
            receivers=tuple(receivers),
            created=utc_text(session.now()),
            memory_key=reading.memory_key,
        )
        stated = make_cards(proven.of, making, keys_of, records, progress)
    with session.workspace.lock():
        kept = DisclosedRecords(session.workspace, session.project)
        kept.keep_cards(view.round, keys_of.values())
    api.send_cards(view.run, stated)
    return len(keys_of)


def _asked_records(handles: HandleMap, asked: AskedBuckets, size: int) -> dict[Handle, str]:
    """Return the record key of each handle of the asked buckets."""
    wanted = frozenset(map(bytes.fromhex, asked.buckets))
    raw = [Handle(row.tobytes()) for row in handles.handles]
    found: dict[bytes, list[Handle]] = {label: [] for label in wanted}
    for handle in raw:
        label = handle[:BUCKET_BYTES]
        if label in found:
            found[label].append(handle)
    if min(map(len, found.values()), default=size) < size:
        raise QuestionsUntrustedError(
            "the broker asks for a bucket that this agency does not have, or that is too small",
            hint="nothing was sent; tell the operator of the broker",
        )
    return keys_of_handles(handles, [one for some in found.values() for one in some])
