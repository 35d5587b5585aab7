"""Correcting a round: the next one takes its place, and all that was uploaded for it or made of it goes."""

from __future__ import annotations

from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.holds import refuse_held
from app.agreements.service import lock_rounds, project_for
from app.broker import Broker
from app.decisions.ending import live_records
from app.destruction.service import Found, Wanted, end_all
from app.errors import HANDED_OUT, RefusedError
from app.links.ending import live_releases
from app.review.ending import end_with_round, live_reviews
from app.rounds.ending import live_messages
from app.rounds.models import Round
from app.rounds.opening import supersede_round
from app.rounds.service import following_of, was_handed_out
from app.runs.ending import runs_of_round
from app.sealed.objects import end_retired
from app.security.actor import Actor
from app.uploads.ending import expire_open_of, live_uploads

SUPERSEDED: Final = "superseded"
ROUND_SUPERSEDED: Final = "round-superseded"


def correct_round(
    session: Session, broker: Broker, actor: Actor, project: str, number: int, *, reason: str
) -> Round:
    """Let the next round take the place of an open one, and return it; of two who ask, both get the same."""
    project_for(session, actor, project)
    # Rows before the end of the log: anyone who fetches, approves or takes up any of them has it first, too.
    lock_rounds(session, project)
    expire_open_of(session, project, None, number)
    runs = runs_of_round(session, project, number)
    found = Found(
        uploads=list(live_uploads(session, project, number=number)),
        releases=list(live_releases(session, project, runs=runs)),
        records=list(live_records(session, project, runs=runs)),
        messages=list(live_messages(session, project, number=number)),
        reviews=list(live_reviews(session, project, runs=runs)),
        runs=runs,
    )
    before = partial(end_with_round, session, broker, project, may_release=False)
    following = supersede_round(
        session, broker, actor, project, number, reason=reason, before=before
    )
    if following is None:
        return following_of(session, project, number)
    refuse_held(session, project, broker.clock())
    end_retired(session, project)
    is_fetched = any(release.fetched is not None for release in found.releases)
    if is_fetched or was_handed_out(session, project, number):
        raise RefusedError(
            HANDED_OUT,
            "A release of this round has already been fetched, so the round can't be corrected.",
            hint="what is wrong in it is put right by the next regular round",
        )
    if found or runs:
        wanted = Wanted(project, "expired", reason=SUPERSEDED, cancels=ROUND_SUPERSEDED)
        end_all(session, broker, wanted, found)
    return following
