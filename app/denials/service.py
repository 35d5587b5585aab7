"""Requests that the terms, or the want of a duty, refused: one summary a party, reason and hour.

So an auditor sees what was asked for in vain, by whom and why, and nobody makes the log grow by asking often.
What has an entry of its own is left out: a refused commit, and the first time in an hour that a release was
asked for in vain.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.agreements.service import agreement_now, require_visible
from app.broker import Broker
from app.clock import hour_text
from app.db import add_if_alone
from app.deliveries.service import delivery_for
from app.denials import repository
from app.denials.models import RefusedRequests
from app.errors import MATCH_RECORD_GONE, RELEASE_DESTROYED, WRONG_DUTY, BrokerError
from app.links.service import log_refusal, release_for
from app.matchlog.draft import EntryDraft
from app.runs.service import run_for
from app.security.actor import Actor
from app.security.policy import POLICY, RouteKey
from app.shares.service import project_of_share
from app.uploads.service import upload_for
from schemas.matchlog.log_kinds import RequestRefused

# A register of disclosures lists each release that was asked for in vain, too.
RELEASE_FETCHES: Final[frozenset[RouteKey]] = frozenset(
    {("GET", "/v1/releases/{release}/file"), ("GET", "/v1/releases/{release}/openings")}
)
# Anyone who only looks asks for nothing that the terms could refuse, but for what a person signs for, and this.
FETCHES: Final[frozenset[RouteKey]] = frozenset(
    {key for key, rule in POLICY.items() if key[0] == "GET" and rule.is_signed}
    | {("GET", "/v1/runs/{run}/openings")}
)
# Its refusals are entries of their own.
COMMIT: Final[RouteKey] = ("POST", "/v1/uploads/{upload}/commit")


_DENIALS_WITHOUT_CLAUSE: Final = {WRONG_DUTY.code, RELEASE_DESTROYED.code, MATCH_RECORD_GONE.code}


def note_denial(
    broker: Broker, actor: Actor, route: RouteKey, names: Mapping[str, str], error: BrokerError
) -> None:
    """Count or log a refusal that has just been, if the terms or a duty are its reason; in any case, return.

    Args:
        route: the method and the path, with the names of its parameters.
        names: the parameters.
    """
    is_denial = error.clause is not None or error.code in _DENIALS_WITHOUT_CLAUSE
    is_looking = route[0] == "GET" and route not in FETCHES
    if not is_denial or is_looking or route == COMMIT:
        return
    # Anyone who is refused must be answered like that, even where nothing can be written.
    with suppress(BrokerError, SQLAlchemyError), broker.database.write() as session:
        if route in RELEASE_FETCHES and log_refusal(session, broker, actor, names["release"]):
            return
        project = project_of(session, actor, names)
        if project is not None:
            _count(session, broker.clock(), project, actor.party, error)


def sum_up_denials(session: Session, broker: Broker) -> int:
    """Log one summary for each count of an hour that is over, and return how many."""
    now = broker.clock()
    drafts = [
        EntryDraft(
            RequestRefused.from_row(row, clause=row.clause or None),
            project=row.project,
            agreement=agreement_now(session, row.project, now),
            outcome="refused",
        )
        for row in repository.pop_counts(session, hour_text(now))
    ]
    broker.log.append(session, drafts)
    return len(drafts)


def project_of(session: Session, actor: Actor, names: Mapping[str, str]) -> str | None:
    """Return the project that a request is about; None where it names none."""
    if "project" in names:
        require_visible(session, actor, names["project"])
        return names["project"]
    if "upload" in names:
        return upload_for(session, actor, names["upload"]).project
    if "run" in names:
        return run_for(session, actor, names["run"])[0].project
    if "release" in names:
        return release_for(session, actor, names["release"]).project
    if "share" in names:
        return project_of_share(session, actor, names["share"])
    return delivery_for(session, actor, names["delivery"]).project if "delivery" in names else None


def _count(session: Session, now: datetime, project: str, party: str, error: BrokerError) -> None:
    row = RefusedRequests(
        hour=hour_text(now),
        project=project,
        party=party,
        why=error.code,
        clause=error.clause or "",
        count=1,
    )
    if repository.count_one_more(session, row) or add_if_alone(session, row):
        return
    repository.count_one_more(session, row)
