"""Projects, and what binds them: a signed agreement, or terms that the operator made.

How an agreement comes to bind stands in `app.agreements.negotiation`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from app.agencies.service import unknown_parties
from app.agreements import repository
from app.agreements.errors import NotInForceError, ProjectExistsError, TermsRefusedError
from app.agreements.models import Project, StoredTerms
from app.clock import utc_text
from app.db import insert_rows
from app.errors import NotFoundError
from app.matchlog.draft import EntryDraft, entry_actor
from app.security.actor import Actor
from schemas.agreement import ProjectTerms
from schemas.api import ProjectView
from schemas.matchlog.kinds import ProjectCreated
from schemas.profile import EncodingProfile

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.repository import TermsAndProfile
    from app.matchlog.service import MatchLog

# The clause that a refusal names where no agreement has been signed by all yet.
UNSIGNED: Final = "signatures"


@dataclass(frozen=True, slots=True)
class TermsInForce:
    """A project's terms, their digest (which stands as `agreement` in every document), their profile.

    `is_signed` says that they follow from an agreement that every party has signed; then the digest is its.
    """

    terms: ProjectTerms
    digest: str
    profile: EncodingProfile
    is_signed: bool = False


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
        TermsRefusedError: a party is unknown, the profile is another, or a release mode is not available.
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
    insert_rows(session, Project(name=terms.project, created=utc_text(now)))
    insert_rows(
        session,
        StoredTerms(
            project=terms.project,
            version=1,
            digest=terms.digest(),
            profile=profile.digest(),
            document=_text(terms),
            created=utc_text(now),
        ),
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
    for recipient in terms.recipients:
        # A release in this mode holds the recipient's own handles, and only a provider has any.
        if recipient.mode == "linked" and recipient.party not in terms.providers:
            raise TermsRefusedError(
                "The release mode linked is for parties that also provide records.",
                clause="recipients",
            )


def terms_in_force(session: Session, project: str, now: datetime) -> TermsInForce:
    """Return what binds the project at this moment: the one place that decides it.

    In a writer's transaction it stays so until that ends.

    Raises:
        NotFoundError: no such project.
        NotInForceError: not signed by all, before the start or after the end, suspended, or a party has left;
            names the clause.
    """
    row = repository.lock_terms(session, project)
    if row is None:
        raise NotFoundError("There is nothing here.")
    versions = _versions(session, project)
    if not versions:
        raise _unsigned()
    current = _binding(versions, now)
    clause = _violated_date(current or versions[-1], now)
    if current is None or clause is not None:
        raise NotInForceError(
            {
                "start": "The project's terms are not in force yet.",
                "end": "The project's terms are not in force any more.",
            }[clause or "start"],
            clause=clause or "start",
        )
    _refuse_halted(session, current)
    return current


def lock_rounds(session: Session, project: str) -> None:
    """Let nobody else change the project's rounds or runs, or destroy it, until the transaction ends."""
    repository.lock_rounds(session, project)


def agreement_now(session: Session, project: str, now: datetime) -> str | None:
    """Return under which digest log entries name what binds a project, in force or not.

    None: nothing has bound it yet. In a writer's transaction it stays so until that ends.
    """
    repository.lock_terms(session, project)
    current = _binding(_versions(session, project), now)
    return None if current is None else current.digest


def binding_terms(session: Session, project: str, now: datetime) -> TermsInForce | None:
    """Return what binds a project, in force or not; None: nothing has bound it yet."""
    return _binding(_versions(session, project), now)


def project_for(
    session: Session, actor: Actor, project: str, *, newest: bool = False
) -> TermsInForce:
    """Return a project's terms, in force or not, if the actor's party may see it.

    They are what binds it on the actor's day; where nothing does, or if asked, what was signed last.

    Raises:
        NotFoundError: no such project, or not the caller's: both alike.
        NotInForceError: the caller's party is negotiating its first agreement.
    """
    found = [_read(one) for one in repository.terms_seen_by(session, actor, project)]
    if _names(found, actor):
        return found[0] if newest else _shown(found, actor)
    if repository.is_negotiating(session, actor, project) and not _versions(session, project):
        raise _unsigned()
    raise NotFoundError("There is nothing here.")


def require_visible(session: Session, actor: Actor, project: str) -> None:
    """Check that the actor may see a project, if only to negotiate its first agreement.

    Raises:
        NotFoundError: no such project, or not the caller's: both alike.
    """
    with suppress(NotInForceError):
        project_for(session, actor, project)


def projects_for(session: Session, actor: Actor) -> tuple[TermsInForce, ...]:
    """Return the terms of every project that the actor's party may see, by name, as `project_for` does."""
    found: dict[str, list[TermsInForce]] = {}
    for one in repository.terms_seen_by(session, actor, None):
        found.setdefault(one[0].project, []).append(_read(one))
    return tuple(_shown(versions, actor) for versions in found.values() if _names(versions, actor))


def is_bound(session: Session, actor: Actor, now: datetime) -> bool:
    """Tell whether terms that bind a project at this moment, in force or not, name the actor's party."""
    projects = {one[0].project for one in repository.terms_seen_by(session, actor, None)}
    binding = (binding_terms(session, project, now) for project in sorted(projects))
    return any(found is not None and actor.party in parties_of(found.terms) for found in binding)


def unbound_projects(session: Session, actor: Actor) -> Sequence[str]:
    """Return the projects whose first agreement the actor's party negotiates, by name."""
    return repository.unbound_projects(session, actor)


def why_halted(session: Session, project: str, now: datetime) -> str | None:
    """Return in a sentence why nothing may be done in a project at this moment; None: its terms are in force.

    Raises:
        NotFoundError: no such project.
    """
    try:
        terms_in_force(session, project, now)
    except NotInForceError as exc:
        return exc.detail
    return None


def suspended_by(session: Session, project: str, parties: Collection[str]) -> tuple[str, ...]:
    """Return which of these parties halt the linkage, by name: those whose newest word on it is a halt."""
    newest = {
        notice.party: notice.act
        for notice in repository.notices_of(session, project)
        if notice.act != "withdraw"
    }
    return tuple(sorted(party for party in parties if newest.get(party) == "suspend"))


def narrow_parties(session: Session, now: datetime) -> int:
    """Let parties that an amendment does not name any more see nothing from its start; returns in how many.

    Until it starts, both those of the agreement before and its own see the project.
    """
    n_narrowed = 0
    for project in repository.signed_projects(session):
        versions = _versions(session, project)
        if not versions or _binding(versions, now) != versions[0]:
            continue
        named = _named_parties(versions[0].terms)
        if set(named) != repository.named_parties(session, project):
            repository.name_parties(session, project, named)
            n_narrowed += 1
    return n_narrowed


def parties_of(terms: ProjectTerms) -> list[str]:
    """Return the parties that the terms name, each once, in alphabetical order."""
    return sorted({party for party, _ in _named_parties(terms)})


def project_view(session: Session, found: TermsInForce, now: datetime) -> ProjectView:
    """Return the project as its parties see it at this moment."""
    try:
        is_in_force = terms_in_force(session, found.terms.project, now).digest == found.digest
    except NotInForceError:
        is_in_force = False
    return ProjectView(
        project=found.terms.project,
        agreement=found.digest,
        terms=found.terms,
        profile=found.profile,
        in_force=is_in_force,
    )


def name_parties_of(session: Session, terms: ProjectTerms, now: datetime) -> None:
    """Let the parties of new terms see the project, beside those of the terms that bind it until they start."""
    named = set(_named_parties(terms))
    current = _binding(_versions(session, terms.project), now)
    if current is not None:
        named |= set(_named_parties(current.terms))
    repository.name_parties(session, terms.project, sorted(named))


def _unsigned() -> NotInForceError:
    return NotInForceError(
        "Not every party has signed an agreement for this project yet.", clause=UNSIGNED
    )


def _versions(session: Session, project: str) -> list[TermsInForce]:
    return [_read(found) for found in repository.all_terms(session, project)]


def _binding(versions: Sequence[TermsInForce], now: datetime) -> TermsInForce | None:
    """Return which version binds at a moment: of those that have begun, the newest; None: none has.

    The operator's terms have one version, which is the project's from the beginning.
    """
    return _binding_on(versions, utc_text(now)[:10])


def _binding_on(versions: Sequence[TermsInForce], day: str) -> TermsInForce | None:
    return next((found for found in versions if _has_begun(found, day)), None)


def _has_begun(found: TermsInForce, day: str) -> bool:
    return not found.is_signed or found.terms.start <= day


def _names(versions: Sequence[TermsInForce], actor: Actor) -> bool:
    """Tell whether the version that binds on the actor's day, or a later one, is the actor's party's to see.

    The table of named parties still has those of the version before, until the sweeper comes.
    """
    if actor.role == "operator":
        return bool(versions)
    seen_as = repository.CAPACITIES[actor.role]
    for found in versions:
        if any((actor.party, capacity) in _named_parties(found.terms) for capacity in seen_as):
            return True
        if _has_begun(found, actor.day):
            break
    return False


def _shown(versions: Sequence[TermsInForce], actor: Actor) -> TermsInForce:
    return _binding_on(versions, actor.day) or versions[0]


def _refuse_halted(session: Session, current: TermsInForce) -> None:
    if not current.is_signed:
        return
    project = current.terms.project
    agreement = repository.find_agreement(session, project, current.digest)
    if agreement is None or agreement.withdrawn is not None:
        raise NotInForceError("A party has left the agreement.", clause="withdrawal")
    parties = [consent.party for consent in repository.consents_to(session, current.digest)]
    halting = suspended_by(session, project, parties)
    if halting:
        raise NotInForceError(
            f"The linkage is suspended by {', '.join(halting)}.", clause="suspension"
        )


def _violated_date(found: TermsInForce, now: datetime) -> str | None:
    # Both dates are included, and ISO dates compare as text.
    today = utc_text(now)[:10]
    if today < found.terms.start:
        return "start"
    return "end" if today > found.terms.end else None


def _named_parties(terms: ProjectTerms) -> list[tuple[str, str]]:
    return [
        *((party, "provider") for party in terms.providers),
        *((recipient.party, "recipient") for recipient in terms.recipients),
        *((party, "auditor") for party in terms.auditors),
    ]


def _text(document: ProjectTerms | EncodingProfile) -> str:
    return document.to_canonical().decode("utf-8")


def _read(stored: TermsAndProfile) -> TermsInForce:
    terms, profile, is_signed = stored
    return TermsInForce(
        _parse_terms(terms.document), terms.digest, _parse_profile(profile.document), is_signed
    )


# Every call of every party asks for these, and a linkage schema may have 200 KB; the results are frozen.
@lru_cache(maxsize=64)
def _parse_terms(document: str) -> ProjectTerms:
    return ProjectTerms.from_canonical(document.encode("utf-8"))


@lru_cache(maxsize=64)
def _parse_profile(document: str) -> EncodingProfile:
    return EncodingProfile.from_canonical(document.encode("utf-8"))
