"""Draws the questions of a run: sealed and durable, nothing visible yet.

They become visible in the one transaction that also finishes the run and logs their digests; where it never
comes to that, they are dropped.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.ids import new_id
from app.links.matches import Matches
from app.matching.blocks.resolution import Resolution
from app.matchlog.draft import Appended, EntryDraft
from app.review import repository
from app.review.held_pairs import HeldPair, choose_pairs, handles_of_buckets, pack_pairs
from app.review.models import Review, ReviewedFile
from app.sealed.objects import Content, NewObject
from app.uploads.reader import Handles
from schemas.agreement.allowance import Charge, charge_of, questions_left
from schemas.agreement.clauses import Review as Clause
from schemas.linkage.run import RunSpecification
from schemas.matchlog.review_kinds import ReviewAsked
from schemas.rounds.review import (
    REFERENCE_BYTES,
    AskedBuckets,
    Question,
    QuestionsHeader,
    Reference,
    ReviewFile,
    bucket_of,
    serialise_questions,
)

REVIEW_PREFIX: Final = "rvw"
QUESTIONS_KIND: Final = "review-questions"
BUCKETS_KIND: Final = "review-buckets"
PAIRS_KIND: Final = "review-pairs"
HANDLES_KIND: Final = "review-handles"
CARDS_KIND: Final = "review-cards"
DECISIONS_KIND: Final = "review-decisions"


@dataclass(frozen=True, slots=True)
class DrawnReview:
    """A review that is durable and lacks only its rows in the database and its place in the log."""

    specification: RunSpecification
    clause: Clause
    purpose: str
    asked: str
    n_questions: int
    n_buckets: int
    questions: Content
    buckets: Content
    sealed: NewObject

    def draft(self, now: datetime) -> EntryDraft:
        """Return its log entry, for a run that is finished now."""
        return EntryDraft(
            ReviewAsked(
                round=self.specification.round,
                reviewer=self.clause.reviewer,
                asked=self.asked,
                charged=charge_of(self.n_questions, self.specification.floor),
                questions_sha256=self.questions.sha256,
                buckets_sha256=self.buckets.sha256,
                deadline=self.deadline(now),
            ),
            project=self.specification.project,
            agreement=self.specification.agreement,
            purpose=self.purpose,
            object=self.specification.run,
        )

    def deadline(self, now: datetime) -> str:
        """Return until when decisions count, of a run that is finished now."""
        return utc_text(now + timedelta(days=self.clause.days))


def draw_review(
    broker: Broker,
    specification: RunSpecification,
    terms: TermsInForce,
    resolution: Resolution,
    *,
    matches: Matches,
    handles: Sequence[Handles],
    stack: ExitStack,
) -> DrawnReview | None:
    """Ask about what a run sends to review; None: nobody reviews this pair, or there is nothing to ask.

    Args:
        handles: of the larger and of the smaller file.
        stack: drops the review at its end if it is not kept.
    Raises:
        StorageFullError: the disk is nearly full.
    """
    clause, parties = terms.terms.review, [upload.party for upload in specification.uploads]
    if clause is None or clause.reviewer not in parties:
        return None
    own = parties.index(clause.reviewer)
    most = _questions_left(broker, specification, clause, parties[1 - own])
    if most < charge_of(1, specification.floor):
        return None
    chosen = choose_pairs(
        resolution, matches, handles, asked=1 - own, bucket=clause.bucket, most=most
    )
    pairs = sorted(
        (HeldPair(Reference(secrets.token_bytes(REFERENCE_BYTES)), *pair) for pair in chosen),
        key=lambda pair: pair.reference,
    )
    if not pairs:
        return None
    labels = sorted({bucket_of(pair.handles[1 - own]) for pair in pairs})
    about: dict[str, Any] = {
        "project": specification.project,
        "round": specification.round,
        "run": specification.run,
        "reviewer": clause.reviewer,
        "asked": parties[1 - own],
    }
    header = QuestionsHeader(
        **about,
        upload=specification.uploads[own].upload,
        questions=len(pairs),
        created=utc_text(broker.clock()),
    )
    questions = (Question(one.reference, one.handles[own], one.rows[own]) for one in pairs)
    buckets = AskedBuckets(
        **about, upload=specification.uploads[1 - own].upload, buckets=tuple(labels)
    )
    wanted = handles_of_buckets(handles[1 - own].pieces(), [bytes.fromhex(one) for one in labels])
    new = stack.enter_context(NewObject(broker, new_id(REVIEW_PREFIX)))
    new.write(PAIRS_KIND, [pack_pairs(pairs)])
    new.write(HANDLES_KIND, [wanted])
    return DrawnReview(
        specification=specification,
        clause=clause,
        purpose=terms.terms.purpose,
        asked=parties[1 - own],
        n_questions=len(pairs),
        n_buckets=len(labels),
        questions=new.write(QUESTIONS_KIND, [serialise_questions(header, questions)]),
        buckets=new.write(BUCKETS_KIND, [buckets.to_canonical()]),
        sealed=new,
    )


def _questions_left(
    broker: Broker, specification: RunSpecification, clause: Clause, asked: str
) -> int:
    """Return how many questions may be asked when the run is finished, which is later by a moment.

    The log's day may be the next one by then, of this review as of those before: what is left on both counts.
    """
    with broker.database.read() as session:
        rows = repository.asked_before(session, specification.project, clause.reviewer, asked)
        before = [(one.created, charge_of(one.questions, one.floor)) for one in rows]
    now, soon = broker.clock(), timedelta(hours=1)
    return min(
        questions_left(
            clause,
            [
                Charge(utc_text(datetime.fromisoformat(at) + later), charged)
                for at, charged in before
            ],
            utc_text(moment),
        )
        for later in (timedelta(), soon)
        for moment in (now, now + soon)
    )


def keep_review(session: Session, drawn: DrawnReview, appended: Appended, now: datetime) -> None:
    """Make a review visible.

    Args:
        appended: where the log has the entry of `drawn.draft(now)`.
    """
    specification, clause = drawn.specification, drawn.clause
    insert_rows(
        session,
        Review(
            run=specification.run,
            project=specification.project,
            round=specification.round,
            reviewer=clause.reviewer,
            asked=drawn.asked,
            agreement=specification.agreement,
            purpose=drawn.purpose,
            floor=specification.floor,
            persons=clause.persons,
            object=drawn.sealed.id,
            state="asked",
            created=utc_text(now),
            deadline=drawn.deadline(now),
            questions=drawn.n_questions,
            buckets=drawn.n_buckets,
            entry=appended.seq,
            entry_size=appended.size,
        ),
    )
    keep_file(session, specification.run, "questions", drawn.questions)
    keep_file(session, specification.run, "buckets", drawn.buckets)
    drawn.sealed.keep(session)


def keep_file(session: Session, run: str, what: ReviewFile, content: Content) -> None:
    """Note what a file of a review is, in the clear."""
    row = ReviewedFile(run=run, what=what, sha256=content.sha256, size_bytes=content.size_bytes)
    insert_rows(session, row)
