"""Where each project stands, in words for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.agreements import repository, service
from app.agreements.views import agreement_list
from app.errors import NotInForceError
from app.security.actor import Actor
from schemas.agreement.negotiation import AgreementSummary


@dataclass(frozen=True, slots=True)
class ProjectState:
    """A project, and what is to be said of it: one sentence without its subject."""

    project: str
    sentence: str


def project_states(session: Session, operator: Actor, now: datetime) -> list[ProjectState]:
    """Return every project by name, with what binds it or what it waits for."""
    return [_state(session, operator, name, now) for name in repository.project_names(session)]


def _state(session: Session, operator: Actor, project: str, now: datetime) -> ProjectState:
    listed = agreement_list(session, operator, project, now).agreements
    waiting = _waiting(listed)
    try:
        terms = service.terms_in_force(session, project, now)
    except NotInForceError as exc:
        reason = exc.detail.removesuffix(".")
        return ProjectState(project, f"is not in force: {reason[:1].lower()}{reason[1:]}{waiting}")
    sentence = f"is in force until {terms.terms.end} by its signed agreement{waiting}"
    return ProjectState(project, sentence)


def _waiting(listed: Sequence[AgreementSummary]) -> str:
    """Return what is still to be signed, by whom; empty where nothing is."""
    proposed = [one for one in listed if one.state == "proposed"]
    return "".join(f" (number {one.number} waits for {', '.join(one.missing)})" for one in proposed)
