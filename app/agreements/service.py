"""Projects and what their terms allow. The operator's terms stand where a signed agreement will stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app.security.actor import Actor
from schemas.agreement import ProjectTerms
from schemas.profile import EncodingProfile

if TYPE_CHECKING:
    from app.matchlog.service import MatchLog


@dataclass(frozen=True, slots=True)
class TermsInForce:
    """The terms that bind now, their digest (which stands as `agreement` in every document), their profile."""

    terms: ProjectTerms
    digest: str
    profile: EncodingProfile


def create_project(
    session: Session,
    log: MatchLog,
    terms: ProjectTerms,
    profile: EncodingProfile,
    actor: Actor,
    now: datetime,
) -> TermsInForce:
    """Store a project with its first terms and log it, in the caller's transaction.

    Raises:
        TermsRefusedError: a party is unknown, the profile is another, a threshold cannot be used with it,
            or a release mode is not available yet.
        ProjectExistsError: there is a project of this name.
    """
    raise NotImplementedError


def terms_in_force(session: Session, project: str, now: datetime) -> TermsInForce:
    """Return what binds the project at this moment: the one place that decides it.

    Raises:
        NotInForceError: before the start or after the end; names the clause.
    """
    raise NotImplementedError


def project_for(session: Session, actor: Actor, project: str) -> TermsInForce:
    """Return the project's newest terms, in force or not, if the actor's party may see it.

    Raises:
        NotFoundError: no such project, or not the caller's: both alike.
    """
    raise NotImplementedError


def projects_for(session: Session, actor: Actor) -> tuple[TermsInForce, ...]:
    """Return the newest terms of every project that the actor's party may see, by name."""
    raise NotImplementedError
