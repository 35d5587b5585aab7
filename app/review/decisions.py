"""Reviewers' decisions: taken by signed statements, in order; each person decides a question once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.agreements.service import lock_rounds
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.errors import DECISIONS_REFUSED, RefusedError
from app.review import repository
from app.review.ending import end_if_decided, references_of, verdicts_of
from app.review.models import Review, StatedDecision
from app.review.preparation import DECISIONS_KIND
from app.review.service import cards_missing, entry_of, require_part, require_stated, review_for
from app.review.settlement import count_verdicts
from app.sealed.objects import put_piece
from app.security.actor import Actor
from schemas.matchlog.review_kinds import ReviewDecided
from schemas.rounds.review import StatedDecisions


def receive_decisions(
    session: Session, broker: Broker, actor: Actor, run: str, stated: StatedDecisions
) -> Review:
    """Take a reviewer's decisions and log that they came; end the review if they settle it.

    The same statement again changes nothing, whatever has become of the review.
    """
    lock_rounds(session, review_for(session, actor, run).project)
    review = review_for(session, actor, run, lock=True)
    if _is_known(session, actor, review, stated):
        return review
    terms = require_part(session, broker, actor, review, "decide")
    if review.answered is None:
        raise cards_missing(review.asked)
    require_stated(session, actor, review, stated.signed, broker.clock())
    before = repository.statements_of(session, run)
    _refuse_out_of_order(actor, before, stated)
    _refuse_beside_the_point(session, broker, actor, review, stated)
    place = len(before)
    content = stated.decisions.to_canonical()
    insert_rows(session, put_piece(broker, review.object, DECISIONS_KIND, place, content))
    insert_rows(session, _row(broker, actor, review, stated, place))
    # No counts: the asked agency reads the log, and would learn what was decided of how many of its records.
    body = ReviewDecided(
        round=review.round, signed=stated.signed, accepted=None, rejected=None, unsure=None
    )
    broker.log.append(session, [entry_of(review, terms.digest, body, actor)])
    end_if_decided(session, broker, review)
    return review


def _is_known(session: Session, actor: Actor, review: Review, stated: StatedDecisions) -> bool:
    number = stated.signed.statement.number
    earlier = repository.find_statement(session, review.run, actor.person, number)
    return earlier is not None and earlier.document == _document(stated)


def _refuse_out_of_order(
    actor: Actor, before: Sequence[StatedDecision], stated: StatedDecisions
) -> None:
    own = [one for one in before if one.person == actor.person]
    if any(one.is_last for one in own):
        raise RefusedError(DECISIONS_REFUSED, "This person has sent their last statement.")
    if stated.signed.statement.number != len(own) + 1:
        raise RefusedError(
            DECISIONS_REFUSED, "The statement is not numbered on from the person's last one."
        )


def _refuse_beside_the_point(
    session: Session, broker: Broker, actor: Actor, review: Review, stated: StatedDecisions
) -> None:
    asked, given = references_of(session, broker, review), verdicts_of(session, broker, review)
    for decision in stated.decisions.decisions:
        if decision.reference not in asked:
            raise RefusedError(
                DECISIONS_REFUSED, "A decision is not about a question of this review."
            )
        if actor.person in given.get(decision.reference, {}):
            raise RefusedError(
                DECISIONS_REFUSED, "This person has already decided one of the questions."
            )


def _row(
    broker: Broker, actor: Actor, review: Review, stated: StatedDecisions, place: int
) -> StatedDecision:
    statement = stated.signed.statement
    counts = count_verdicts([one.verdict for one in stated.decisions.decisions])
    return StatedDecision(
        run=review.run,
        person=actor.person,
        number=statement.number,
        place=place,
        document=_document(stated),
        is_last=statement.is_last,
        received=utc_text(broker.clock()),
        accepted=counts["accept"],
        rejected=counts["reject"],
        unsure=counts["unsure"],
    )


def _document(stated: StatedDecisions) -> str:
    return stated.signed.to_canonical().decode("utf-8")
