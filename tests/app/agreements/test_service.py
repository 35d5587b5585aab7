"""Projects and their terms: what is stored, who sees it, and when it binds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    PROJECT,
    SCHOOL,
    Linkage,
    MakeLinkage,
    either_database,
    terms_of,
)

from app.agreements import service
from app.agreements.states import project_states
from app.errors import NotFoundError, NotInForceError
from app.security.actor import Actor
from schemas.linkage.run import IdSpace

__all__ = ["either_database"]


def actor(party: str, role: Any = "agency") -> Actor:
    return Actor(
        party,
        "per-" + "0" * 32,
        role,
        "tok-" + "0" * 32,
        "req-" + "0" * 32,
        clock=lambda: datetime(2026, 9, 1, tzinfo=UTC),
    )


def listed(linkage: Linkage, party: str, role: Any = "agency") -> Actor:
    """The person whom the agreements list for a party."""
    return replace(actor(party, role), person=linkage.person(party, role).id)


def seen(linkage: Linkage, who: Actor) -> list[str]:
    with linkage.broker.database.read() as session:
        return [found.terms.project for found in service.projects_for(session, who)]


def test_terms_are_read_back_as_they_were_written(linkage: Linkage) -> None:
    with linkage.broker.database.read() as session:
        found = service.project_for(session, listed(linkage, CHILD_WELFARE), PROJECT)
    assert (found.terms, found.profile) == (linkage.terms, linkage.profile)
    assert found.digest == linkage.agreement.digest()


def test_each_party_sees_the_projects_that_name_it(linkage: Linkage) -> None:
    linkage.founded.enrol("other")
    linkage.add_project(
        terms_of(
            linkage.profile,
            project="another",
            providers=("other", SCHOOL),
            recipients=(),
            auditors=(),
            spaces=(IdSpace(name="shared", lifetime="round"),),
        )
    )
    agency, auditor = listed(linkage, CHILD_WELFARE), listed(linkage, AUDITOR, "auditor")
    assert seen(linkage, agency) == [PROJECT]
    assert seen(linkage, listed(linkage, SCHOOL)) == ["another", PROJECT]
    assert seen(linkage, listed(linkage, "other")) == ["another"]
    assert seen(linkage, auditor) == [PROJECT]
    assert seen(linkage, actor("operator", "operator")) == ["another", PROJECT]
    assert seen(linkage, actor("nobody")) == []
    # Enrolled for a party, or said to be, and on no list of authorized users.
    assert seen(linkage, actor(SCHOOL)) == seen(linkage, actor(AUDITOR, "auditor")) == []
    # Under another role.
    for who, role in ((agency, "auditor"), (auditor, "agency")):
        assert seen(linkage, replace(who, role=role)) == []  # type: ignore[arg-type]
    # A foreign project answers like one that does not exist.
    with linkage.broker.database.read() as session:
        errors = []
        for stranger, project in ((actor("nobody"), PROJECT), (actor(SCHOOL), "no-such-project")):
            with pytest.raises(NotFoundError) as caught:
                service.project_for(session, stranger, project)
            errors.append((str(caught.value), caught.value.clause, caught.value.hint))
    assert errors[0] == errors[1]


def test_terms_bind_from_their_first_day_through_their_last(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(start="2026-10-01", end="2026-11-30")
    moments = [
        (datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC), "start"),
        (datetime(2026, 10, 1, 0, 0, 0, tzinfo=UTC), None),
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), None),
        (datetime(2026, 12, 1, 0, 0, 0, tzinfo=UTC), "end"),
    ]
    with linkage.broker.database.read() as session:
        for moment, clause in moments:
            if clause is None:
                bound = service.terms_in_force(session, PROJECT, moment)
                assert bound.terms == linkage.terms, moment
                continue
            with pytest.raises(NotInForceError) as caught:
                service.terms_in_force(session, PROJECT, moment)
            assert caught.value.clause == clause, moment


def test_a_project_shows_whether_it_is_in_force(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(start="2026-09-01", end="2026-09-01")
    view = linkage.get(f"/v1/projects/{PROJECT}").json()
    linkage.founded.clock.move(days=1)
    later = linkage.get(f"/v1/projects/{PROJECT}").json()
    assert (view["in_force"], later["in_force"]) == (True, False)
    assert view["agreement"] == linkage.agreement.digest()
    assert view["profile"] == linkage.profile.to_json()


def test_the_operator_is_told_until_when_terms_hold(linkage: Linkage) -> None:
    with linkage.broker.database.read() as session:
        (found,) = project_states(session, linkage.founded.operator, linkage.founded.clock())
        late = linkage.founded.clock() + timedelta(days=900)
        (ended,) = project_states(session, linkage.founded.operator, late)
    assert found.project == PROJECT
    assert found.sentence == "is in force until 2027-12-31 by its signed agreement"
    assert ended.sentence == "is not in force: the project's terms are not in force any more"
