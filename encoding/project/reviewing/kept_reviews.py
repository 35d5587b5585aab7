"""What is kept of reviews: questions and cards, fetched once; decisions and journals; what waits by them."""

from __future__ import annotations

import hashlib
from collections import Counter as Counts

from encoding.project.context import Context
from encoding.project.reviewing.reviews import ProvenReview, own_handles, prove_review, reviews_of
from encoding.project.session import Session
from encoding.review.api import ReviewsApi
from encoding.review.errors import QuestionsUntrustedError
from encoding.review.journal import Journal, JournalFile
from encoding.review.kept import KeptReview, KeptReviewFile
from encoding.review.verdicts import Verdicts, VerdictsFile
from encoding.transfers.matches import keys_of_handles
from schemas.documents.errors import FormatError
from schemas.rounds.review import ReviewView


def kept_verdicts(session: Session, partner: str) -> Verdicts:
    """Return what is remembered, and keep it so; use it under the workspace's lock."""
    workspace, project = session.workspace, session.project
    path = workspace.verdicts(project, partner)
    file = VerdictsFile(path, project, partner, workspace.key())
    known = file.read()
    journals = (
        journal_file(session, run, person).read() for run, person in workspace.journals(project)
    )
    found = known.with_journals(
        one for one in journals if isinstance(one, Journal) and one.partner == partner
    )
    if found != known:
        file.write(found)
    return found


def journal_file(session: Session, run: str, person: str) -> JournalFile:
    """Return where the journal of a person in a review is kept; only that person's commands write it."""
    workspace, project = session.workspace, session.project
    path = workspace.journal(project, run, person)
    return JournalFile(path, project, run, person, workspace.key())


def kept_review(
    context: Context, view: ReviewView, proven: ProvenReview, *, with_cards: bool = True
) -> KeptReview:
    """Return questions and cards of a review, each fetched once; call it under the workspace's lock."""
    file, api = kept_file(context.session, view.run), ReviewsApi(context.client, view.project)
    found = file.read()
    if found is None or (with_cards and found.cards is None):
        questions = api.questions(view.run)
        if hashlib.sha256(questions).hexdigest() != proven.asked.questions_sha256:
            raise QuestionsUntrustedError(
                "the match log lists different questions from those the broker shows"
            )
        cards = api.cards(view.run) if with_cards else b""
        try:
            found = KeptReview.of(questions, cards)
        except FormatError as exc:
            raise QuestionsUntrustedError(
                f"what the broker shows breaks its format: {exc}"
            ) from exc
        file.write(questions, cards)
    header = found.header
    if (header.run, header.round, header.reviewer, header.asked) != (
        view.run,
        view.round,
        view.reviewer,
        view.asked,
    ) or len(found.questions) > proven.asked.charged:
        raise QuestionsUntrustedError("the questions are not those of this review")
    return found


def kept_file(session: Session, run: str) -> KeptReviewFile:
    """Return where questions and cards of a review are kept."""
    workspace, project = session.workspace, session.project
    return KeptReviewFile(workspace.review(project, run), project, run, workspace.key())


def waiting_for_review(context: Context, number: int) -> frozenset[str]:
    """Return the own records, by record key, that wait for this agency's reviewers after a round."""
    session = context.session
    waiting: set[str] = set()
    for view in reviews_of(context):
        if (view.reviewer, view.round) != (session.party, number) or view.state == "ended":
            continue
        proven = prove_review(context, view)
        with session.workspace.lock():
            kept = kept_review(context, view, proven, with_cards=False)
            handles = own_handles(session, view)
            verdicts = kept_verdicts(session, view.asked)
        keys = keys_of_handles(handles, [one.handle for one in kept.questions])
        asked = Counts(keys[one.handle] for one in kept.questions)
        # Where two persons must agree, a pair is one question still.
        decided = {
            one.pair
            for one in verdicts.decided
            if one.round == number and one.choice.verdict != "unsure"
        }
        waiting |= (asked - Counts(pair.record for pair in decided)).keys()
    return frozenset(waiting)
