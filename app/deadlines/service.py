"""What is overdue now: worked out anew each time it is asked for, so that it holds without a worker, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.orm import Session

from app.agencies.service import operator_actor
from app.agreements.holds import all_projects
from app.agreements.service import (
    all_versions,
    binding_terms,
    parties_of,
    project_for,
    projects_for,
    terms_now,
)
from app.broker import Broker
from app.clock import utc_text
from app.db import reading_ahead
from app.deadlines.ground import KEY, Ground
from app.deadlines.sources import ALWAYS, IN_FORCE
from app.matchlog.proofs import unwitnessed_since
from app.runs.finality import cosigned_sizes
from app.security.actor import Actor
from schemas.reports.overdue import Overdue, OverdueKind, OverdueList

# Stands for the broker as a whole, where a project's name would stand.
NO_PROJECT: Final = ""
# What a whole project waits for, no matter who owes it.
_WAITED_FOR: Final[frozenset[OverdueKind]] = frozenset(
    {"round", "upload", "approval", "cosignature", "certificate"}
)


@dataclass(frozen=True, slots=True)
class Late:
    """One thing that is overdue, and in which project: empty for the broker as a whole."""

    project: str
    overdue: Overdue


def overdue_in(session: Session, broker: Broker, project: str, now: datetime) -> list[Overdue]:
    """Return what is overdue in a project, or of the broker as a whole (empty), longest first."""
    return [late.overdue for late in _all(session, broker, [project], now)]


def all_overdue(session: Session, broker: Broker, now: datetime) -> list[Late]:
    """Return all that is overdue: of the broker as a whole, then of each project, by name."""
    return _all(session, broker, [NO_PROJECT, *all_projects(session)], now)


def overdue_for(session: Session, broker: Broker, actor: Actor, project: str) -> OverdueList:
    """Return what is overdue in a project that the actor may see, as far as it is theirs to know.

    An agency is told what its own party owes, and what the whole project waits for; others are told all.
    """
    project_for(session, actor, project)
    found = overdue_in(session, broker, project, broker.clock())
    return OverdueList(
        project=project, overdue=tuple(one for one in found if _concerns(one, actor))
    )


def overdue_seen(session: Session, broker: Broker, actor: Actor, now: datetime) -> list[Late]:
    """Return what is overdue in all projects that an actor may see; for the operator, of the broker, too."""
    projects = [found.terms.project for found in projects_for(session, actor)]
    if actor.role == "operator":
        projects.insert(0, NO_PROJECT)
    lates = _all(session, broker, projects, now)
    return [late for late in lates if _concerns(late.overdue, actor)]


def count_overdue(session: Session, broker: Broker) -> Mapping[str, int]:
    """Return how many things of each kind are overdue, for the operator's monitoring alone."""
    return Counter(late.overdue.what for late in all_overdue(session, broker, broker.clock()))


def _concerns(one: Overdue, actor: Actor) -> bool:
    return actor.role != "agency" or one.party == actor.party or one.what in _WAITED_FOR


def _all(session: Session, broker: Broker, projects: Sequence[str], now: datetime) -> list[Late]:
    with reading_ahead(session, [one for one in projects if one != NO_PROJECT]):
        found = {
            ground.terms.project: _overdue(ground)
            for ground in _grounds(session, broker, projects, now)
        }
    if NO_PROJECT in projects:
        found[NO_PROJECT] = _of_broker(broker, now)
    return [Late(project, one) for project in projects for one in found.get(project, ())]


def _grounds(
    session: Session, broker: Broker, projects: Sequence[str], now: datetime
) -> Iterator[Ground]:
    """Yield what there is to look at in each project that terms bind."""
    bound = {one: found for one in projects if one and (found := binding_terms(session, one, now))}
    if not bound:
        return
    operator = operator_actor(session, broker.settings.operator, broker.clock)
    cosigned = cosigned_sizes(session)
    witnessed = {
        project: max((cosigned.get(party, 0) for party in parties_of(one.terms)), default=0)
        for project, one in bound.items()
    }
    unwitnessed = unwitnessed_since(session, witnessed)
    for project, binding in bound.items():
        yield Ground(
            session=session,
            now=now,
            operator=operator,
            cosigned=cosigned,
            unwitnessed=unwitnessed,
            binding=binding,
            versions=all_versions(session, project),
        )


def _overdue(ground: Ground) -> list[Overdue]:
    in_force = terms_now(ground.session, ground.terms.project, ground.now)
    sources = (*(IN_FORCE if in_force else ()), *ALWAYS)
    found = [one for source in sources for one in source(ground)]
    return sorted(found, key=lambda one: (one.since, one.what, one.object, one.party))


def _of_broker(broker: Broker, now: datetime) -> list[Overdue]:
    """Return whether the key that wraps all others is old: its ring is written anew when it is replaced."""
    written = datetime.fromtimestamp(int(broker.settings.ring_file.stat().st_mtime), UTC)
    since = written + KEY
    if since > now:
        return []
    owner = broker.settings.operator
    stated = {"what": "key", "object": "key-ring", "party": owner, "duty": "operator"}
    return [Overdue.model_validate(stated | {"since": utc_text(since)})]
