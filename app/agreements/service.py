"""Projects, and what binds them: the terms of a signed agreement.

How an agreement comes to bind stands in `app.agreements.negotiation`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Protocol, TypeVar

from sqlalchemy.orm import Session

from app.agreements import repository
from app.agreements.models import StoredAgreement
from app.agreements.repository import BindingVersion
from app.clock import utc_text
from app.db import is_writing, reading_ahead
from app.errors import NotFoundError, NotInForceError
from app.security.actor import Actor
from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.agreement.roster import on_roster
from schemas.api.projects import ProjectView
from schemas.linkage.profile import EncodingProfile


class _OfProject(Protocol):
    @property
    def project(self) -> str: ...


T = TypeVar("T", bound=_OfProject)

# The clause that a refusal names where no agreement has been signed by all yet.
UNSIGNED: Final = "signatures"


@dataclass(frozen=True, slots=True)
class TermsInForce:
    """A project's terms, the agreement that they follow from, its digest, and their profile.

    The digest stands as `agreement` in every document; `signed` is when the last party signed that.
    """

    terms: ProjectTerms
    agreement: Agreement
    digest: str
    profile: EncodingProfile
    signed: str

    @property
    def since(self) -> str:
        """The first day on which all had signed them and they bind."""
        return max(self.terms.start, self.signed[:10])


def terms_in_force(session: Session, project: str, now: datetime) -> TermsInForce:
    """Return what binds the project at this moment: the one place that decides it.

    In a writer's transaction it stays so until that ends.

    Raises:
        NotInForceError: not signed by all, before the start or after the end, suspended, or a party has left;
            names the clause.
    """
    row = repository.lock_terms(session, project)
    if row is None:
        raise NotFoundError("There is nothing here.")
    versions = all_versions(session, project)
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
    current = _binding(all_versions(session, project), now)
    return None if current is None else current.digest


def binding_terms(session: Session, project: str, now: datetime) -> TermsInForce | None:
    """Return what binds a project, in force or not; None: nothing has bound it yet.

    Anyone who appends under it holds the project first, by `project_for`, `agreement_now` or `lock_rounds`.
    """
    return _binding(all_versions(session, project), now)


def all_versions(session: Session, project: str) -> list[TermsInForce]:
    """Return the terms of all agreements that every party has signed, the newest first."""
    return [_read(found) for found in repository.all_terms(session, project)]


def project_for(
    session: Session, actor: Actor, project: str, *, newest: bool = False
) -> TermsInForce:
    """Return a project's terms, in force or not, if the actor's party may see it and lists the actor.

    They are what binds it on the actor's day; where nothing does, or if asked, what was signed last. In a
    writer's transaction it stays so until that ends.

    Raises:
        NotInForceError: the caller's party is negotiating its first agreement.
    """
    if is_writing(session):
        # Else an amendment may be logged between this look and the entry, which then names an older agreement.
        repository.lock_terms(session, project)
    found = [_read(one) for one in repository.terms_seen_by(session, actor, project)]
    if _names(found, actor):
        return found[0] if newest else _shown(found, actor)
    if repository.is_negotiating(session, actor, project) and not all_versions(session, project):
        raise _unsigned()
    raise NotFoundError("There is nothing here.")


def visible(session: Session, actor: Actor, found: T | None) -> tuple[T, TermsInForce]:
    """Return what was found, and its project's terms, if the actor may see that; None: nothing was found.

    Both cost the same queries, so that time tells a stranger nothing.
    """
    terms = project_for(session, actor, "" if found is None else found.project)
    if found is None:
        raise NotFoundError("There is nothing here.")
    return found, terms


def require_visible(session: Session, actor: Actor, project: str) -> None:
    """Check that the actor may see a project, if only to negotiate its first agreement."""
    with suppress(NotInForceError):
        project_for(session, actor, project)


def projects_for(session: Session, actor: Actor) -> tuple[TermsInForce, ...]:
    """Return the terms of every project that the actor may see, by name, as `project_for` does."""
    found: dict[str, list[TermsInForce]] = {}
    for one in repository.terms_seen_by(session, actor, None):
        found.setdefault(one[0].project, []).append(_read(one))
    return tuple(_shown(versions, actor) for versions in found.values() if _names(versions, actor))


def is_bound(session: Session, actor: Actor, now: datetime) -> bool:
    """Tell whether terms that bind a project at this moment, in force or not, name the actor's party."""
    projects = {one[0].project for one in repository.terms_seen_by(session, actor, None)}
    with reading_ahead(session, sorted(projects)):
        binding = [binding_terms(session, project, now) for project in sorted(projects)]
    return any(found is not None and actor.party in parties_of(found.terms) for found in binding)


def is_listed(versions: Sequence[TermsInForce], actor: Actor) -> bool:
    """Tell whether a project's lists of authorized users list the actor for their party.

    Keys and duties need no look: what is listed was enrolled so, and a change of keys keeps the duties.
    """
    return is_on_roster(versions, actor.day, actor.party, actor.person)


def is_on_roster(versions: Sequence[TermsInForce], day: str, party: str, person: str) -> bool:
    """Tell whether a project's lists of authorized users list a person for a party on a day; the rest as
    `is_listed`.
    """
    bound = _binding_on(versions, day)
    agreements = (found.agreement for found in versions)
    binding = None if bound is None else bound.agreement
    return on_roster(agreements, binding, party, person) is not None


def unbound_projects(session: Session, actor: Actor) -> Sequence[str]:
    """Return the projects whose first agreement the actor's party negotiates, by name."""
    return repository.unbound_projects(session, actor)


def has_open_agreement(session: Session, project: str) -> bool:
    """Tell whether a project has an agreement that not every party has signed."""
    return repository.has_open_agreement(session, project)


def terms_now(session: Session, project: str, now: datetime) -> TermsInForce | None:
    """Return what is in force at this moment, as `terms_in_force`; None: nothing is."""
    try:
        return terms_in_force(session, project, now)
    except NotInForceError:
        return None


def why_halted(session: Session, project: str, now: datetime) -> str | None:
    """Return in a sentence why nothing may be done in a project now; None: its terms are in force."""
    try:
        terms_in_force(session, project, now)
    except NotInForceError as exc:
        return exc.detail
    return None


def suspended_by(
    session: Session, project: str, parties: Collection[str] | None
) -> tuple[str, ...]:
    """Return which of these parties halt the linkage, by name: those whose newest word on it is a halt.

    None asks for all that ever said a word.
    """
    newest = {
        notice.party: notice.act
        for notice in repository.notices_of(session, project)
        if notice.act != "withdraw"
    }
    halting = {party for party, act in newest.items() if act == "suspend"}
    return tuple(sorted(halting if parties is None else halting.intersection(parties)))


def narrow_parties(session: Session, now: datetime) -> int:
    """Let parties that an amendment does not name any more see nothing from its start; returns in how many.

    Until it starts, both those of the agreement before and its own see the project.
    """
    n_narrowed = 0
    for project in repository.project_names(session):
        if _narrowed(session, project, now) is None:
            continue
        # Who signs the next amendment meanwhile names its parties, too.
        repository.lock_agreements(session, project)
        named = _narrowed(session, project, now)
        if named is not None:
            repository.name_parties(session, project, named)
            n_narrowed += 1
    return n_narrowed


def _narrowed(session: Session, project: str, now: datetime) -> list[tuple[str, str]] | None:
    """Return whom alone the newest terms name, once they bind; None: nobody else is named, or not yet."""
    versions = all_versions(session, project)
    if not versions or _binding(versions, now) != versions[0]:
        return None
    named = _named_parties(versions[0].terms)
    return None if set(named) == repository.named_parties(session, project) else named


def agreement_of(row: StoredAgreement) -> Agreement:
    """Return an agreement as it was proposed."""
    return _parse_agreement(row.document)


def parties_of(terms: ProjectTerms) -> list[str]:
    """Return the parties that the terms name, each once, in alphabetical order."""
    return sorted({party for party, _ in _named_parties(terms)})


def project_view(session: Session, found: TermsInForce, now: datetime) -> ProjectView:
    """Return the project as its parties see it at this moment."""
    current = terms_now(session, found.terms.project, now)
    return ProjectView(
        project=found.terms.project,
        agreement=found.digest,
        terms=found.terms,
        profile=found.profile,
        in_force=current is not None and current.digest == found.digest,
    )


def profile_named(session: Session, digest: str) -> EncodingProfile:
    """Return the encoding profile of this digest, which an agreement or a run under it names."""
    return _parse_profile(repository.get_profile(session, digest).document)


def name_parties_of(session: Session, terms: ProjectTerms, now: datetime) -> None:
    """Let the parties of new terms see the project, beside those of the terms that bind it until they start."""
    named = set(_named_parties(terms))
    current = _binding(all_versions(session, terms.project), now)
    if current is not None:
        named |= set(_named_parties(current.terms))
    repository.name_parties(session, terms.project, sorted(named))


def _unsigned() -> NotInForceError:
    return NotInForceError(
        "Not every party has signed an agreement for this project yet.", clause=UNSIGNED
    )


def _binding(versions: Sequence[TermsInForce], now: datetime) -> TermsInForce | None:
    """Return which version binds at a moment: of those that have begun, the newest; None: none has."""
    return _binding_on(versions, utc_text(now)[:10])


def _binding_on(versions: Sequence[TermsInForce], day: str) -> TermsInForce | None:
    return next((found for found in versions if found.terms.start <= day), None)


def _names(versions: Sequence[TermsInForce], actor: Actor) -> bool:
    """Tell whether the version that binds on the actor's day, or a later one, is the actor's to see.

    The table of named parties still has those of the version before, until the sweeper comes.
    """
    if actor.role == "operator":
        return bool(versions)
    if not is_listed(versions, actor):
        return False
    seen_as = repository.CAPACITIES[actor.role]
    for found in versions:
        if any((actor.party, capacity) in _named_parties(found.terms) for capacity in seen_as):
            return True
        if found.terms.start <= actor.day:
            break
    return False


def _shown(versions: Sequence[TermsInForce], actor: Actor) -> TermsInForce:
    return _binding_on(versions, actor.day) or versions[0]


def _refuse_halted(session: Session, current: TermsInForce) -> None:
    project = current.terms.project
    agreement = repository.find_agreement(session, project, current.digest)
    if agreement is None or agreement.withdrawn is not None:
        raise NotInForceError("A party has left the agreement.", clause="withdrawal")
    # An agreement is long, and is read only where someone halts its linkage.
    if not suspended_by(session, project, None):
        return
    halting = suspended_by(session, project, agreement_of(agreement).names())
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


def _read(stored: BindingVersion) -> TermsInForce:
    terms, profile, agreement = stored
    return TermsInForce(
        _parse_terms(terms.document),
        agreement_of(agreement),
        terms.digest,
        _parse_profile(profile.document),
        terms.created,
    )


# Every call of every party asks for these, and a linkage schema may have 200 KB; the results are frozen.
@lru_cache(maxsize=1024)
def _parse_terms(document: str) -> ProjectTerms:
    return ProjectTerms.from_canonical(document.encode("utf-8"))


@lru_cache(maxsize=64)
def _parse_profile(document: str) -> EncodingProfile:
    return EncodingProfile.from_canonical(document.encode("utf-8"))


@lru_cache(maxsize=512)
def _parse_agreement(document: str) -> Agreement:
    return Agreement.from_canonical(document.encode("utf-8"))


def spokes_of(session: Session, actor: Actor, party: str) -> dict[str, list[str]]:
    """Return the projects of a party that the actor may see, by name, with all who take part in each."""
    found = {
        project: names for project, names in _participants(session, actor).items() if party in names
    }
    if not found:
        raise NotFoundError("There is nothing here.")
    return found


def parties_of_many(session: Session, actor: Actor, least: int) -> list[tuple[str, int]]:
    """Return who takes part in so many of the projects that the actor may see, and in how many."""
    counted = Counter(name for names in _participants(session, actor).values() for name in names)
    return sorted((name, n) for name, n in counted.items() if n >= least)


def _participants(session: Session, actor: Actor) -> dict[str, list[str]]:
    """Return who takes part in each project that the actor may see: in as many queries for 400 as for one."""
    seen = {one.terms.project for one in projects_for(session, actor)}
    seen |= set(unbound_projects(session, actor))
    found: dict[str, list[str]] = {}
    for project, name in repository.participants(session):
        if project in seen:
            found.setdefault(project, []).append(name)
    return found


def bound_projects(session: Session) -> set[str]:
    """Return the projects in which all parties have signed an agreement."""
    return repository.bound_projects(session)
