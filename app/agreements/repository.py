"""Queries on projects: each read starts from what the caller's party may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import Select, delete, func, select

from app.agreements.models import Project, ProjectParty, StoredProfile, StoredTerms

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.security.actor import Actor
    from schemas.api import Role

TermsAndProfile: TypeAlias = tuple[StoredTerms, StoredProfile]

# In which capacity a party must be named for a person in this role to see the project.
_CAPACITIES: Final[dict[Role, tuple[str, ...]]] = {
    "agency": ("provider", "recipient"),
    "auditor": ("auditor",),
}


def newest_terms(session: Session, project: str) -> TermsAndProfile | None:
    """Return a project's newest terms, whoever asks: for decisions, not for answers. None: no project."""
    row = session.execute(_newest().where(StoredTerms.project == project)).one_or_none()
    return None if row is None else (row[0], row[1])


def terms_seen_by(session: Session, actor: Actor, project: str | None) -> Sequence[TermsAndProfile]:
    """Return the newest terms of the projects that the actor may see, by name; None asks for all."""
    query = _newest()
    if project is not None:
        query = query.where(StoredTerms.project == project)
    # The operator runs the broker for all projects; everyone else sees those that name their party.
    if actor.role != "operator":
        named = select(ProjectParty.project).where(
            ProjectParty.party == actor.party,
            ProjectParty.capacity.in_(_CAPACITIES[actor.role]),
        )
        query = query.where(StoredTerms.project.in_(named))
    rows = session.execute(query.order_by(StoredTerms.project)).all()
    return [(row[0], row[1]) for row in rows]


def project_exists(session: Session, project: str) -> bool:
    """Tell whether there is a project of this name."""
    return session.get(Project, project) is not None


def store_profile(session: Session, digest: str, document: str) -> None:
    """Keep an encoding profile, unless it is there already."""
    if session.get(StoredProfile, digest) is None:
        session.add(StoredProfile(digest=digest, document=document))
        session.flush()


def name_parties(session: Session, project: str, named: Sequence[tuple[str, str]]) -> None:
    """Replace whom the newest terms name by these pairs of party and capacity."""
    session.execute(delete(ProjectParty).where(ProjectParty.project == project))
    session.add_all(
        ProjectParty(project=project, party=party, capacity=capacity) for party, capacity in named
    )


def _newest() -> Select[StoredTerms, StoredProfile]:
    last = (
        select(StoredTerms.project, func.max(StoredTerms.version).label("version"))
        .group_by(StoredTerms.project)
        .subquery()
    )
    return (
        select(StoredTerms, StoredProfile)
        .join(StoredProfile, StoredProfile.digest == StoredTerms.profile)
        .join(
            last,
            (last.c.project == StoredTerms.project) & (last.c.version == StoredTerms.version),
        )
    )
