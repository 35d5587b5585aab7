"""Projects and their terms: what is stored, who sees it, and when it binds."""

from __future__ import annotations

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
    profile_of,
    terms_of,
)

from app.agreements import service
from app.agreements.errors import NotInForceError, ProjectExistsError, TermsRefusedError
from app.agreements.states import project_states
from app.errors import NotFoundError
from app.security.actor import Actor
from schemas.profile import EncodingProfile
from schemas.run import IdSpace, Recipient


def actor(party: str, role: Any = "agency") -> Actor:
    return Actor(party, "per-" + "0" * 32, role, "tok-" + "0" * 32, "req-" + "0" * 32, "2026-09-01")


def other_profile() -> EncodingProfile:
    return profile_of().model_copy(update={"name": "another"})


def create(linkage: Linkage, terms: Any, profile: EncodingProfile | None = None) -> Any:
    with linkage.broker.database.write() as session:
        return service.create_project(
            session,
            linkage.broker.log,
            terms=terms,
            profile=profile or linkage.profile,
            actor=linkage.founded.operator,
            now=linkage.founded.clock(),
        )


def seen(linkage: Linkage, who: Actor) -> list[str]:
    with linkage.broker.database.read() as session:
        return [found.terms.project for found in service.projects_for(session, who)]


def test_terms_are_read_back_as_they_were_written(linkage: Linkage) -> None:
    with linkage.broker.database.read() as session:
        found = service.project_for(session, actor(CHILD_WELFARE), PROJECT)
    assert (found.terms, found.profile) == (linkage.terms, linkage.profile)
    assert found.digest == linkage.terms.digest()


def test_creating_a_project_logs_its_terms_in_full(linkage: Linkage) -> None:
    last = linkage.log_entries()[-1]
    assert (last["kind"], last["project"]) == ("project-created", PROJECT)
    assert last["agreement"] == linkage.terms.digest()
    assert last["body"]["terms"] == linkage.terms.to_json()
    assert last["purpose"] == linkage.terms.purpose


def test_a_project_is_created_once(linkage: Linkage) -> None:
    with pytest.raises(ProjectExistsError):
        create(linkage, linkage.terms)


def refused(
    linkage: Linkage, clause: str, profile: EncodingProfile | None = None, **changes: Any
) -> None:
    """Check that such terms are refused by this clause, and that nothing is kept of them."""
    before = linkage.log_kinds()
    terms = terms_of(profile or linkage.profile, project="second-project", **changes)
    with pytest.raises(TermsRefusedError) as caught:
        create(linkage, terms, profile)
    assert caught.value.clause == clause
    assert linkage.log_kinds() == before
    with linkage.broker.database.read() as session, pytest.raises(NotFoundError):
        service.terms_in_force(session, "second-project", linkage.founded.clock())


def test_terms_with_a_party_that_is_not_enrolled_are_refused(linkage: Linkage) -> None:
    refused(linkage, "parties", auditors=("nobody-we-know",))


def test_terms_with_another_profile_are_refused(linkage: Linkage) -> None:
    terms = terms_of(other_profile(), project="second-project")
    with pytest.raises(TermsRefusedError) as caught:
        create(linkage, terms)
    assert caught.value.clause == "profile"


def test_linked_releases_are_for_parties_that_provide_records(linkage: Linkage) -> None:
    recipients = (Recipient(party=AUDITOR, mode="linked", space="shared"),)
    refused(linkage, "recipients", recipients=recipients)


@pytest.mark.parametrize("mode", ["none", "count", "blind"])
def test_a_party_without_records_may_receive_what_is_not_about_its_own(
    linkage: Linkage, mode: Any
) -> None:
    recipients = (Recipient(party=AUDITOR, mode=mode, space="shared"),)
    create(linkage, terms_of(linkage.profile, project="second-project", recipients=recipients))


def test_each_party_sees_the_projects_that_name_it(linkage: Linkage) -> None:
    linkage.founded.enrol("other")
    create(
        linkage,
        terms_of(
            linkage.profile,
            project="another",
            providers=("other", SCHOOL),
            recipients=(),
            auditors=(),
            spaces=(IdSpace(name="shared", lifetime="round"),),
        ),
    )
    assert seen(linkage, actor(CHILD_WELFARE)) == [PROJECT]
    assert seen(linkage, actor(SCHOOL)) == ["another", PROJECT]
    assert seen(linkage, actor("other")) == ["another"]
    assert seen(linkage, actor(AUDITOR, "auditor")) == [PROJECT]
    assert seen(linkage, actor("operator", "operator")) == ["another", PROJECT]
    assert seen(linkage, actor("nobody")) == []


def test_a_role_counts_not_only_the_party(linkage: Linkage) -> None:
    assert seen(linkage, actor(CHILD_WELFARE, "auditor")) == []
    assert seen(linkage, actor(AUDITOR, "agency")) == []


def test_a_foreign_project_answers_like_one_that_does_not_exist(linkage: Linkage) -> None:
    with linkage.broker.database.read() as session:
        errors = []
        for who, project in ((actor("nobody"), PROJECT), (actor(SCHOOL), "no-such-project")):
            with pytest.raises(NotFoundError) as caught:
                service.project_for(session, who, project)
            errors.append((str(caught.value), caught.value.clause, caught.value.hint))
    assert errors[0] == errors[1]


@pytest.mark.parametrize(
    ("moment", "clause"),
    [
        (datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), "start"),
        (datetime(2026, 3, 1, 0, 0, 0, tzinfo=UTC), None),
        (datetime(2026, 4, 30, 23, 59, 59, tzinfo=UTC), None),
        (datetime(2026, 5, 1, 0, 0, 0, tzinfo=UTC), "end"),
    ],
)
def test_terms_bind_from_their_first_day_through_their_last(
    make_linkage: MakeLinkage, moment: datetime, clause: str | None
) -> None:
    linkage = make_linkage(start="2026-03-01", end="2026-04-30")
    with linkage.broker.database.read() as session:
        if clause is None:
            assert service.terms_in_force(session, PROJECT, moment).terms == linkage.terms
            return
        with pytest.raises(NotInForceError) as caught:
            service.terms_in_force(session, PROJECT, moment)
    assert caught.value.clause == clause


def test_a_project_shows_whether_it_is_in_force(make_linkage: MakeLinkage) -> None:
    linkage = make_linkage(start="2026-09-01", end="2026-09-01")
    view = linkage.get(f"/v1/projects/{PROJECT}").json()
    linkage.founded.clock.move(days=1)
    later = linkage.get(f"/v1/projects/{PROJECT}").json()
    assert (view["in_force"], later["in_force"]) == (True, False)
    assert view["agreement"] == linkage.terms.digest()
    assert view["profile"] == linkage.profile.to_json()


def test_two_projects_may_share_a_profile(linkage: Linkage) -> None:
    create(linkage, terms_of(linkage.profile, project="second-project"))
    assert seen(linkage, actor(SCHOOL)) == [PROJECT, "second-project"]


def test_the_operator_is_told_until_when_terms_hold(linkage: Linkage) -> None:
    with linkage.broker.database.read() as session:
        (found,) = project_states(session, linkage.founded.operator, linkage.founded.clock())
        late = linkage.founded.clock() + timedelta(days=900)
        (ended,) = project_states(session, linkage.founded.operator, late)
    assert (found.project, found.is_in_force) == (PROJECT, True)
    assert found.sentence == "is in force until 2027-12-31 by terms of the operator"
    assert ended.sentence == "is not in force: the project's terms are not in force any more"
