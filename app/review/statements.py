"""Whether what a person states of a review counts: in their own name, about this run, and signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.agencies.persons import keys_of
from app.agreements.signers import refuse_untimely
from app.clock import parse_utc
from app.errors import STATEMENT_REFUSED, RefusedError, SignatureRefusedError
from schemas.documents.errors import SignatureError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.review.models import Review
    from app.security.actor import Actor
    from schemas.rounds.review import SignedReviewStatement


def require_stated(
    session: Session, actor: Actor, review: Review, signed: SignedReviewStatement, now: datetime
) -> None:
    """Check that the actor made a statement about a review, with the newest keys that they have enrolled."""
    stated = signed.statement
    if (stated.party, stated.person) != (actor.party, actor.person):
        raise RefusedError(
            STATEMENT_REFUSED, "The statement names a different person than the one who sent it."
        )
    about = (review.project, review.agreement, review.round, review.run)
    if (stated.project, stated.agreement, stated.round, stated.run) != about:
        raise RefusedError(STATEMENT_REFUSED, "The statement is about a different review.")
    try:
        signed.verify(keys_of(session, actor))
    except SignatureError:
        raise SignatureRefusedError("The signature does not match the document.") from None
    refuse_untimely(stated.at, now, parse_utc(review.created))
