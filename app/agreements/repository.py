"""Queries on projects and agreements: each read starts from what the caller's party may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session, defer

from app.agreements.models import (
    LegalHold,
    PartyWord,
    Project,
    ProjectParty,
    StoredAgreement,
    StoredConsent,
    StoredNotice,
    StoredProfile,
    StoredTerms,
)
from app.db import add_if_alone, is_ahead, of_project, scalars_of_project
from app.security.actor import Actor
from schemas.signing.identity import Role

BindingVersion: TypeAlias = tuple[StoredTerms, StoredProfile, StoredAgreement]

NEGOTIATOR: Final = "negotiator"

# In which capacity a party must be named for a person in this role to see the project.
CAPACITIES: Final[dict[Role, tuple[str, ...]]] = {
    "agency": ("provider", "recipient"),
    "auditor": ("auditor",),
}


def all_terms(session: Session, project: str) -> Sequence[BindingVersion]:
    """Return all versions of a project's terms, the newest first: for decisions, not for answers."""
    rows = of_project(
        session,
        project,
        StoredTerms.project,
        lambda: _terms().order_by(StoredTerms.version.desc()),
        "all_terms",
    )
    return [(row[0], row[1], row[2]) for row in rows]


def terms_seen_by(session: Session, actor: Actor, project: str | None) -> Sequence[BindingVersion]:
    """Return the terms of the projects that the actor's party may see, by name, each the newest first.

    None in place of a project asks for all.
    """
    if project is None:
        return _rows(session, _terms_seen_by(actor))
    key = ("terms_seen_by", actor.role, actor.party)
    rows = of_project(session, project, StoredTerms.project, lambda: _terms_seen_by(actor), key)
    return [(row[0], row[1], row[2]) for row in rows]


def is_negotiating(session: Session, actor: Actor, project: str) -> bool:
    """Tell whether there is such a project, and the actor may take part in negotiating its agreements."""
    query = select(Project.name).where(Project.name == project)
    if actor.role != "operator":
        query = query.join(ProjectParty, ProjectParty.project == Project.name).where(
            ProjectParty.party == actor.party, ProjectParty.capacity == NEGOTIATOR
        )
    return session.scalar(query) is not None


def lock_terms(session: Session, project: str) -> Project | None:
    """Return a project, or None; what binds it stays so until the transaction ends."""
    if is_ahead(session, project):
        rows = of_project(session, project, Project.name, lambda: select(Project), "project")
        return rows[0][0] if rows else None
    return _lock(session, project, read=True, key_share=True)


def lock_rounds(session: Session, project: str) -> Project | None:
    """Return a project, or None; until the transaction ends nobody else changes its rounds or runs."""
    return _lock(session, project, read=False, key_share=True)


def lock_agreements(session: Session, project: str) -> Project | None:
    """Return a project, or None; until the transaction ends nobody else decides by what binds it."""
    return _lock(session, project, read=False, key_share=False)


def project_exists(session: Session, project: str) -> bool:
    """Tell whether there is a project of this name."""
    return session.get(Project, project) is not None


def last_word(
    session: Session, project: str, party: str, *, lock: bool = False
) -> PartyWord | None:
    """Return what a party has signed last in a project, to be changed if locked; None: nothing yet."""
    return session.get(PartyWord, (project, party), with_for_update=lock, populate_existing=lock)


def keep_word(session: Session, before: PartyWord | None, said: PartyWord) -> bool:
    """Keep what a party has signed last, after this one; return whether no other came first meanwhile."""
    if before is None:
        return add_if_alone(session, said)
    before.sha256, before.at = said.sha256, said.at
    return True


def store_profile(session: Session, digest: str, document: str) -> None:
    """Keep an encoding profile, unless it is there already."""
    if session.get(StoredProfile, digest) is None:
        session.add(StoredProfile(digest=digest, document=document))
        session.flush()


def name_parties(session: Session, project: str, named: Sequence[tuple[str, str]]) -> None:
    """Replace whom the terms name by these pairs of party and capacity; negotiators stay."""
    session.execute(
        delete(ProjectParty).where(
            ProjectParty.project == project, ProjectParty.capacity != NEGOTIATOR
        )
    )
    session.add_all(
        ProjectParty(project=project, party=party, capacity=capacity) for party, capacity in named
    )


def named_parties(session: Session, project: str) -> set[tuple[str, str]]:
    """Return the pairs of party and capacity that are named, negotiators left out."""
    query = select(ProjectParty.party, ProjectParty.capacity).where(
        ProjectParty.project == project, ProjectParty.capacity != NEGOTIATOR
    )
    return {(row.party, row.capacity) for row in session.execute(query)}


def add_negotiators(session: Session, project: str, parties: Sequence[str]) -> None:
    """Let parties take part in negotiating a project's agreements; who may already stays."""
    known = select(ProjectParty.party).where(
        ProjectParty.project == project, ProjectParty.capacity == NEGOTIATOR
    )
    new = set(parties) - set(session.scalars(known))
    session.add_all(
        ProjectParty(project=project, party=party, capacity=NEGOTIATOR) for party in sorted(new)
    )
    session.flush()


def negotiators_of(session: Session, project: str) -> list[str]:
    """Return who may take part in negotiating a project's agreements, by name."""
    query = select(ProjectParty.party).where(
        ProjectParty.project == project, ProjectParty.capacity == NEGOTIATOR
    )
    return list(session.scalars(query.order_by(ProjectParty.party)))


def unbound_projects(session: Session, actor: Actor) -> Sequence[str]:
    """Return the projects that nothing has bound yet and that the actor may help to negotiate, by name."""
    bound = select(StoredTerms.project)
    query = select(Project.name).where(Project.name.not_in(bound))
    if actor.role != "operator":
        mine = select(ProjectParty.project).where(
            ProjectParty.party == actor.party, ProjectParty.capacity == NEGOTIATOR
        )
        query = query.where(Project.name.in_(mine))
    return session.scalars(query.order_by(Project.name)).all()


def participants(session: Session) -> Sequence[tuple[str, str]]:
    """Return project and party, by name, of all who take part in any; callers ask who may see which."""
    query = select(ProjectParty.project, ProjectParty.party).distinct()
    rows = session.execute(query.order_by(ProjectParty.project, ProjectParty.party))
    return [(row[0], row[1]) for row in rows.all()]


def bound_projects(session: Session) -> set[str]:
    """Return the projects in which all parties have signed an agreement."""
    return set(session.scalars(select(StoredTerms.project).distinct()))


def project_names(session: Session) -> Sequence[str]:
    """Return the names of all projects in order, for the broker itself and the operator."""
    return session.scalars(select(Project.name).order_by(Project.name)).all()


def find_agreement(session: Session, project: str, digest: str) -> StoredAgreement | None:
    """Return an agreement that was proposed in a project, or None; callers ask whom it names."""
    if is_ahead(session, project):
        # An agreement is long: of many projects, its text is fetched only where someone looks at it.
        rows = of_project(
            session,
            project,
            StoredAgreement.project,
            lambda: select(StoredAgreement).options(defer(StoredAgreement.document)),
            "find_agreement",
        )
        return next((row[0] for row in rows if row[0].digest == digest), None)
    query = select(StoredAgreement).where(
        StoredAgreement.project == project, StoredAgreement.digest == digest
    )
    return session.scalar(query.execution_options(populate_existing=True))


def agreements_of(session: Session, project: str) -> Sequence[StoredAgreement]:
    """Return all agreements that were proposed in a project, the newest number first."""
    order = (StoredAgreement.number.desc(), StoredAgreement.proposed.desc(), StoredAgreement.digest)
    query = select(StoredAgreement).where(StoredAgreement.project == project)
    return session.scalars(query.order_by(*order)).all()


def has_open_agreement(session: Session, project: str) -> bool:
    """Tell whether an agreement was proposed in a project that not every party has signed."""
    key = "has_open_agreement"
    return bool(
        of_project(
            session,
            project,
            StoredAgreement.project,
            lambda: select(StoredAgreement.digest).where(StoredAgreement.completed.is_(None)),
            key,
        )
    )


def last_complete(session: Session, project: str) -> StoredAgreement | None:
    """Return the agreement of the highest number that every party has signed, or None."""
    query = select(StoredAgreement).where(
        StoredAgreement.project == project, StoredAgreement.completed.is_not(None)
    )
    return session.scalar(query.order_by(StoredAgreement.number.desc()).limit(1))


def consents_to(session: Session, agreement: str) -> Sequence[StoredConsent]:
    """Return the signatures under an agreement that count, by party."""
    query = select(StoredConsent).where(StoredConsent.agreement == agreement)
    return session.scalars(query.order_by(StoredConsent.party)).all()


def void_consents(session: Session, project: str, party: str) -> None:
    """Remove a party's signatures under agreements that not every party has signed."""
    open_ones = select(StoredAgreement.digest).where(
        StoredAgreement.project == project, StoredAgreement.completed.is_(None)
    )
    session.execute(
        delete(StoredConsent).where(
            StoredConsent.party == party, StoredConsent.agreement.in_(open_ones)
        )
    )


def notices_of(session: Session, project: str) -> Sequence[StoredNotice]:
    """Return what parties have said about a project's agreements, oldest first."""
    return scalars_of_project(
        session,
        project,
        StoredNotice.project,
        lambda: select(StoredNotice).order_by(StoredNotice.at, StoredNotice.party),
        "notices_of",
    )


def holds_of(session: Session, project: str) -> Sequence[LegalHold]:
    """Return all legal holds of a project, the newest first; callers ask who may see the project."""
    return scalars_of_project(
        session,
        project,
        LegalHold.project,
        lambda: select(LegalHold).order_by(LegalHold.made.desc(), LegalHold.id),
        "holds_of",
    )


def standing_holds(session: Session, project: str) -> Sequence[LegalHold]:
    """Return the legal holds of a project that stand, the oldest first: for decisions, not for answers."""
    return scalars_of_project(
        session,
        project,
        LegalHold.project,
        lambda: (
            select(LegalHold)
            .where(LegalHold.lifted.is_(None))
            .order_by(LegalHold.made, LegalHold.id)
        ),
        "standing_holds",
    )


def has_set_hold(session: Session, project: str, party: str) -> bool:
    """Tell whether a party has ever set a legal hold in a project."""
    query = select(LegalHold.id).where(LegalHold.project == project, LegalHold.party == party)
    return session.scalar(query.limit(1)) is not None


def find_consent(session: Session, agreement: str, party: str) -> StoredConsent | None:
    """Return a party's signature under an agreement, or None."""
    return session.get(StoredConsent, (agreement, party))


def get_profile(session: Session, digest: str) -> StoredProfile:
    """Return the encoding profile that an agreement names, which is there as long as the agreement."""
    return session.get_one(StoredProfile, digest)


def _lock(session: Session, project: str, *, read: bool, key_share: bool) -> Project | None:
    return session.get(
        Project,
        project,
        populate_existing=True,
        with_for_update={"read": read, "key_share": key_share},
    )


def _terms_seen_by(actor: Actor) -> Select[StoredTerms, StoredProfile, StoredAgreement]:
    query = _terms().order_by(StoredTerms.project, StoredTerms.version.desc())
    # The operator runs the broker for all projects; everyone else sees those that name their party.
    if actor.role == "operator":
        return query
    named = select(ProjectParty.project).where(
        ProjectParty.party == actor.party, ProjectParty.capacity.in_(CAPACITIES[actor.role])
    )
    return query.where(StoredTerms.project.in_(named))


def _terms() -> Select[StoredTerms, StoredProfile, StoredAgreement]:
    return (
        select(StoredTerms, StoredProfile, StoredAgreement)
        .join(StoredProfile, StoredProfile.digest == StoredTerms.profile)
        .join(StoredAgreement, StoredAgreement.digest == StoredTerms.digest)
    )


def _rows(
    session: Session, query: Select[StoredTerms, StoredProfile, StoredAgreement]
) -> Sequence[BindingVersion]:
    return [(row[0], row[1], row[2]) for row in session.execute(query).all()]
