"""The access matrix of a project: who may do what, and which persons can act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from app.agencies.service import PersonAccess, persons_of
from app.agreements.service import TermsInForce, all_versions, is_on_roster, project_for
from app.clock import utc_text
from app.http.paths import ProjectPath
from app.web.access import ACTIONS, access_matrix
from app.web.answer import WiredPage, page_route
from app.web.table import Table
from app.wired import WiredBroker

router = APIRouter()


@page_route(router, "/projects/{project}/access")
def show_access(broker: WiredBroker, page: WiredPage, project: ProjectPath) -> Response:
    """Show who may do what in a project."""
    operator = broker.settings.operator
    with broker.database.read() as session:
        found = project_for(session, page.actor, project)
        matrix = access_matrix(found.agreement, operator)
        persons = _persons(session, project, sorted({row.party for row in matrix}), broker.clock())
    actions = [action.words for action in ACTIONS]
    return page.answer(
        "access.html",
        title="Access",
        document={
            "access": [
                {
                    "party": row.party,
                    "role": row.role,
                    "may": dict(zip(actions, row.answers, strict=True)),
                }
                for row in matrix
            ],
            "persons": [
                {
                    "party": person.party,
                    "person": person.person,
                    "role": person.role,
                    "since": person.since,
                    "until": person.until,
                    "is_valid": person.is_valid,
                    "duties": list(person.duties),
                }
                for person in persons
            ],
        },
        table=Table(
            ("party", "role", *actions), [(row.party, row.role, *row.answers) for row in matrix]
        ),
        project=project,
        actions=ACTIONS,
        matrix=matrix,
        persons=[person for person in persons if person.duties],
        sessions=[person for person in persons if not person.duties],
    )


def _persons(
    session: Session, project: str, parties: Sequence[str], now: datetime
) -> list[PersonAccess]:
    """Return who of these parties can or could act in a project: its authorized users, and the operator's."""
    versions, day = all_versions(session, project), utc_text(now)[:10]
    return [
        replace(one, is_valid=one.is_valid and _may_act(versions, day, one))
        for one in persons_of(session, parties, now)
        if one.role == "operator" or any(found.agreement.person(one.person) for found in versions)
    ]


def _may_act(versions: Sequence[TermsInForce], day: str, one: PersonAccess) -> bool:
    return one.role == "operator" or is_on_roster(versions, day, one.party, one.person)
