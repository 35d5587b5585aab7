"""Projects and what their terms allow. The operator's terms stand where a signed agreement will stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from app.agencies.service import unknown_parties
from app.agreements import repository
from app.agreements.errors import NotInForceError, ProjectExistsError, TermsRefusedError
from app.agreements.models import Project, StoredTerms
from app.clock import utc_text
from app.errors import NotFoundError
from app.matchlog.draft import EntryDraft, entry_actor
from app.security.actor import Actor
from schemas.agreement import ProjectTerms
from schemas.api import ProjectView
from schemas.errors import PolicyError
from schemas.matchlog.kinds import ProjectCreated
from schemas.profile import EncodingProfile
from schemas.run import encoded_thresholds

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.repository import TermsAndProfile
    from app.matchlog.service import MatchLog

# Modes that a later version of the broker will have; terms that ask for them are refused, not ignored.
NOT_YET: Final = frozenset({"blind"})


@dataclass(frozen=True, slots=True)
class TermsInForce:
    """A project's terms, their digest (which stands as `agreement` in every document), their profile."""

    terms: ProjectTerms
    digest: str
    profile: EncodingProfile


def create_project(
    session: Session,
    log: MatchLog,
    *,
    terms: ProjectTerms,
    profile: EncodingProfile,
    actor: Actor,
    now: datetime,
) -> TermsInForce:
    """Store a project with its first terms and log it, in the caller's transaction.

    Raises:
        TermsRefusedError: a party is unknown, the profile is another, a threshold cannot be used with it,
            or a release mode is not available.
        ProjectExistsError: there is a project of this name.
    """
    check_terms(terms, profile)
    named = _named_parties(terms)
    unknown = unknown_parties(session, [party for party, _ in named])
    if unknown:
        raise TermsRefusedError(f"The party {unknown[0]} is not enrolled.", clause="parties")
    if repository.project_exists(session, terms.project):
        raise ProjectExistsError("There is a project of this name already.")
    repository.store_profile(session, profile.digest(), _text(profile))
    session.add(Project(name=terms.project, created=utc_text(now)))
    session.flush()
    session.add(
        StoredTerms(
            project=terms.project,
            version=1,
            digest=terms.digest(),
            profile=profile.digest(),
            document=_text(terms),
            created=utc_text(now),
        )
    )
    repository.name_parties(session, terms.project, named)
    log.append(
        session,
        [
            EntryDraft(
                ProjectCreated(terms=terms),
                entry_actor(actor),
                project=terms.project,
                agreement=terms.digest(),
                purpose=terms.purpose,
                request=actor.request_id,
            )
        ],
    )
    return TermsInForce(terms, terms.digest(), profile)


def check_terms(terms: ProjectTerms, profile: EncodingProfile) -> None:
    """Check that terms can be kept with this profile.

    Raises:
        TermsRefusedError: they cannot; names the clause.
    """
    if profile.digest() != terms.profile:
        raise TermsRefusedError("The terms name another encoding profile.", clause="profile")
    try:
        encoded_thresholds(terms.policy, profile)
    except PolicyError as exc:
        raise TermsRefusedError(f"The matching policy is refused: {exc}.", clause="policy") from exc
    for recipient in terms.recipients:
        if recipient.mode in NOT_YET:
            raise TermsRefusedError(
                f"The release mode {recipient.mode} is not available yet.", clause="recipients"
            )
        # A release in this mode holds the recipient's own handles, and only a provider has any.
        if recipient.mode == "linked" and recipient.party not in terms.providers:
            raise TermsRefusedError(
                "The release mode linked is for parties that also provide records.",
                clause="recipients",
            )


def terms_in_force(session: Session, project: str, now: datetime) -> TermsInForce:
    """Return what binds the project at this moment: the one place that decides it.

    Raises:
        NotFoundError: no such project.
        NotInForceError: before the start or after the end; names the clause.
    """
    found = repository.newest_terms(session, project)
    if found is None:
        raise NotFoundError("There is nothing here.")
    current = _read(found)
    clause = _violated_date(current.terms, now)
    if clause is not None:
        raise NotInForceError(
            {
                "start": "The project's terms are not in force yet.",
                "end": "The project's terms are not in force any more.",
            }[clause],
            clause=clause,
        )
    return current


def project_for(session: Session, actor: Actor, project: str) -> TermsInForce:
    """Return the project's newest terms, in force or not, if the actor's party may see it.

    Raises:
        NotFoundError: no such project, or not the caller's: both alike.
    """
    found = repository.terms_seen_by(session, actor, project)
    if not found:
        raise NotFoundError("There is nothing here.")
    return _read(found[0])


def projects_for(session: Session, actor: Actor) -> tuple[TermsInForce, ...]:
    """Return the newest terms of every project that the actor's party may see, by name."""
    return tuple(_read(found) for found in repository.terms_seen_by(session, actor, None))


def parties_of(terms: ProjectTerms) -> list[str]:
    """Return the parties that the terms name, each once, in alphabetical order."""
    return sorted({party for party, _ in _named_parties(terms)})


def project_view(found: TermsInForce, now: datetime) -> ProjectView:
    """Return the project as its parties see it at this moment."""
    return ProjectView(
        project=found.terms.project,
        agreement=found.digest,
        terms=found.terms,
        profile=found.profile,
        in_force=_violated_date(found.terms, now) is None,
    )


def _violated_date(terms: ProjectTerms, now: datetime) -> str | None:
    # Both dates are included, and ISO dates compare as text.
    today = utc_text(now)[:10]
    if today < terms.start:
        return "start"
    return "end" if today > terms.end else None


def _named_parties(terms: ProjectTerms) -> list[tuple[str, str]]:
    return [
        *((party, "provider") for party in terms.providers),
        *((recipient.party, "recipient") for recipient in terms.recipients),
        *((party, "auditor") for party in terms.auditors),
    ]


def _text(document: ProjectTerms | EncodingProfile) -> str:
    return document.to_canonical().decode("utf-8")


def _read(stored: TermsAndProfile) -> TermsInForce:
    terms, profile = stored
    return TermsInForce(
        _parse_terms(terms.document), terms.digest, _parse_profile(profile.document)
    )


# Every call of every party asks for these, and a linkage schema may have 200 KB; the results are frozen.
@lru_cache(maxsize=64)
def _parse_terms(document: str) -> ProjectTerms:
    return ProjectTerms.from_canonical(document.encode("utf-8"))


@lru_cache(maxsize=64)
def _parse_profile(document: str) -> EncodingProfile:
    return EncodingProfile.from_canonical(document.encode("utf-8"))
